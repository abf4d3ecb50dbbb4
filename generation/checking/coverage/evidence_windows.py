"""Passages as evidence for a claim: their sentences, and runs of one to three neighbours to compare with it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from generation.checking.contradiction.stated_facts import words
from generation.checking.coverage.read_words import ReadText, WordReader
from generation.extraction.passage_pieces import PieceKind, pieces
from generation.extraction.sentence_features import Bm25
from generation.prompting.packing_units import distinct_contexts
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

LONGEST_WINDOW = 3


@dataclasses.dataclass(frozen=True, slots=True)
class EvidenceSentence:
    """`[start, end)` of the document; `read` is what is compared (a table row with its column names)."""

    source: int
    start: int
    end: int
    read: str
    terms: frozenset[int]


class EvidenceWindows:
    """The windows of some passages. Nothing of it changes once made, so it may be read from several threads.

    `sources`, `first` and `after` tell for each window, int64 (windows,), the position of its passage and its sentences
    `sentences[first:after]`. `titles` has the words of document name and headings, by passage.
    """

    def __init__(self, passages: Sequence[Passage], lexical: LexicalEncoder, reader: WordReader) -> None:
        self.passages = passages
        self.sentences: list[EvidenceSentence] = []
        terms: list[list[int]] = []
        for source in distinct_contexts(passages):
            passage = passages[source]
            for piece in pieces(passage.context):
                if piece.kind is not PieceKind.MARKS:
                    terms.append(lexical.terms(piece.scored))
                    start, end = passage.context_start + piece.start, passage.context_start + piece.end
                    self.sentences.append(EvidenceSentence(source, start, end, piece.scored, frozenset(terms[-1])))
        self.bm25 = Bm25(terms)
        self.titles = [words(f"{one.chunk.section} {one.chunk.document_name}") for one in passages]
        runs = [
            (sentence.source, position, position + length)
            for position, sentence in enumerate(self.sentences)
            for length in range(1, LONGEST_WINDOW + 1)
            if position + length <= len(self.sentences)
            and self.sentences[position + length - 1].source == sentence.source
        ]
        self.sources, self.first, self.after = np.array(runs, dtype=np.int64).reshape(-1, 3).T
        self._reader = reader

    def __len__(self) -> int:
        return len(self.first)

    @functools.cached_property
    def read(self) -> list[ReadText]:
        """Each sentence as the structured checks read it."""
        return [self._reader.read(one.read) for one in self.sentences]

    def text(self, window: int) -> str:
        """What is compared with the claim."""
        return " ".join(one.read for one in self.sentences[self.first[window] : self.after[window]])

    def any(self, flags: Flags) -> Flags:
        """By sentence to by window, whether any has it: (sentences, n) -> (windows, n)."""
        flags = flags.reshape(len(self.sentences), -1)
        sums = np.vstack([np.zeros((1, flags.shape[1]), dtype=np.int64), np.cumsum(flags, axis=0)])
        found: Flags = sums[self.after] > sums[self.first]
        return found

    def sum(self, values: Floats) -> Floats:
        """(sentences,) -> (windows,)."""
        sums = np.concatenate([[0.0], np.cumsum(values)])
        total: Floats = sums[self.after] - sums[self.first]
        return total

    def best(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """The greatest of each window: (sentences, ...) -> (windows, ...)."""
        best = values[self.first]
        for step in range(1, LONGEST_WINDOW):
            best = np.maximum(best, values[np.minimum(self.first + step, self.after - 1)])
        return best
