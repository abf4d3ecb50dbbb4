"""Passages as evidence for a claim: runs of one to three neighbouring sentences, and what of the claim they hold."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from generation.checking.stated_facts import Number, denies, names, numbers, stands_among, words
from generation.extraction.passage_pieces import PieceKind, pieces
from generation.extraction.sentence_features import Bm25
from generation.prompting.packing_units import distinct_contexts
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

LEXICAL_FEATURES = (
    "coverage",
    "coverage_by_all",
    "bm25",
    "word_pairs",
    "numbers_missing",
    "numbers_missing_everywhere",
    "names_missing",
    "names_missing_everywhere",
    "denial_differs",
)
LONGEST_WINDOW = 3

_WORD = re.compile(r"\w+")


@dataclasses.dataclass(frozen=True, slots=True)
class EvidenceSentence:
    """`[start, end)` of the document; `read` is what is compared (a table row with its column names)."""

    source: int
    start: int
    end: int
    read: str
    terms: frozenset[int]
    words: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    numbers: tuple[Number, ...]
    denies: bool


class EvidenceWindows:
    """The windows of some passages. Not changed once made, so it may be read from several threads.

    `sources`, `first` and `after` tell for each window, int64 (windows,), the position of its passage and its sentences
    `sentences[first:after]`.
    """

    def __init__(self, passages: Sequence[Passage], lexical: LexicalEncoder) -> None:
        self.passages = passages
        self.sentences: list[EvidenceSentence] = []
        self._lexical = lexical
        terms: list[list[int]] = []
        for source in distinct_contexts(passages):
            passage = passages[source]
            for piece in pieces(passage.context):
                if piece.kind is not PieceKind.MARKS:
                    terms.append(lexical.terms(piece.scored))
                    at = passage.context_start
                    self.sentences.append(_sentence(source, at + piece.start, at + piece.end, piece.scored, terms[-1]))
        self._bm25 = Bm25(terms)
        self._titles = [words(f"{one.chunk.section} {one.chunk.document_name}") for one in passages]
        runs = [
            (sentence.source, position, position + length)
            for position, sentence in enumerate(self.sentences)
            for length in range(1, LONGEST_WINDOW + 1)
            if position + length <= len(self.sentences)
            and self.sentences[position + length - 1].source == sentence.source
        ]
        self.sources, self.first, self.after = np.array(runs, dtype=np.int64).reshape(-1, 3).T

    def __len__(self) -> int:
        return len(self.first)

    def lexical_features(self, claim: str) -> Floats:
        """`LEXICAL_FEATURES` of each window for the claim: float64 (windows, features)."""
        own = self.sentences
        terms = sorted(set(self._lexical.terms(claim)))
        held = np.array([[term in one.terms for term in terms] for one in own], dtype=bool).reshape(len(own), -1)
        idf = np.log(1 + (len(own) + 1) / (0.5 + held.sum(axis=0)))
        weights = idf / max(float(idf.sum()), 1e-9)
        in_window = self._any(held)
        coverage = in_window @ weights if terms else np.ones(len(self))
        best = np.argsort(-coverage, kind="stable")[:LONGEST_WINDOW]
        together = float(in_window[best].any(axis=0) @ weights) if terms else 1.0
        bm25 = self._best(self._bm25.scores(terms) / max(self._bm25.highest(terms), 1e-9))
        pairs = pairs_of(claim)
        shared = self._sum(np.array([len(pairs & one.pairs) for one in own], dtype=np.float64)) / max(1, len(pairs))
        asked_numbers, asked_names = numbers(claim), sorted(names(claim))
        numbers_held = np.array([[stands_among(n, one.numbers) for n in asked_numbers] for one in own], dtype=bool)
        names_held = np.array([[name in one.words for name in asked_names] for one in own], dtype=bool)
        titled = np.array([[name in title for name in asked_names] for title in self._titles], dtype=bool)
        names_in_window = self._any(names_held) | titled.reshape(len(self._titles), -1)[self.sources]
        numbers_in_window = self._any(numbers_held)
        denied = self._any(np.array([[one.denies] for one in own], dtype=bool))[:, 0]
        return np.stack(
            [
                coverage,
                np.full(len(self), together),
                bm25,
                np.minimum(shared, 1.0),
                _missing(numbers_in_window),
                np.full(len(self), _missing_everywhere(numbers_in_window)),
                _missing(names_in_window),
                np.full(len(self), _missing_everywhere(names_in_window)),
                (denied != denies(claim)).astype(np.float64),
            ],
            axis=1,
        )

    def _any(self, flags: Flags) -> Flags:
        """By sentence to by window: (sentences, n) -> (windows, n)."""
        flags = flags.reshape(len(self.sentences), -1)
        sums = np.vstack([np.zeros((1, flags.shape[1]), dtype=np.int64), np.cumsum(flags, axis=0)])
        found: Flags = sums[self.after] > sums[self.first]
        return found

    def _sum(self, values: Floats) -> Floats:
        sums = np.concatenate([[0.0], np.cumsum(values)])
        total: Floats = sums[self.after] - sums[self.first]
        return total

    def _best(self, values: Floats) -> Floats:
        best = values[self.first]
        for step in range(1, LONGEST_WINDOW):
            best = np.maximum(best, values[np.minimum(self.first + step, self.after - 1)])
        return best


def pairs_of(text: str) -> frozenset[tuple[str, str]]:
    """Neighbouring words, case folded."""
    return frozenset(itertools.pairwise(_WORD.findall(text.casefold())))


def _sentence(source: int, start: int, end: int, read: str, terms: Sequence[int]) -> EvidenceSentence:
    return EvidenceSentence(
        source, start, end, read, frozenset(terms), words(read), pairs_of(read), tuple(numbers(read)), denies(read)
    )


def _missing(held: Flags) -> Floats:
    """Share of the columns that are false in each row; 0 when there are none."""
    if not held.shape[1]:
        return np.zeros(len(held))
    missing: Floats = 1.0 - held.mean(axis=1)
    return missing


def _missing_everywhere(held: Flags) -> float:
    """Share of the columns that are false in all rows."""
    return float(np.mean(~np.any(held, axis=0))) if held.shape[1] else 0.0
