"""What the evidence says to one claim, in figures: coverage and alignment of the best windows, and what differs."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence

import numpy as np

from generation.checking.contradiction.structured_checks import Found, Mismatch, mismatches
from generation.checking.coverage.evidence_windows import EvidenceWindows, Floats
from generation.checking.coverage.read_words import ReadText, WordReader
from generation.checking.coverage.term_coverage import LEXICAL_FEATURES, term_coverage
from generation.checking.coverage.token_alignment import (
    ALIGNMENT_FEATURES,
    EvidenceVectors,
    aligned,
    best_matches,
    gathered,
    token_weights,
)
from retrieval.embedding import Embedder
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage

EVERYWHERE = (
    Mismatch.NUMBER_DIFFERS,
    Mismatch.NUMBER_ABSENT,
    Mismatch.NAME_DIFFERS,
    Mismatch.NAME_ABSENT,
    Mismatch.INSERTED,
)
"""Looked for in all of the evidence: a claim may rest on several places."""

IN_WINDOW = (
    Mismatch.NEGATION,
    Mismatch.OPPOSITE,
    Mismatch.QUANTIFIER,
    Mismatch.CERTAINTY,
    Mismatch.ROLES,
    Mismatch.UNIT_DIFFERS,
)
"""Looked for in the window alone: elsewhere the same words may be about something else. An opposite beside the same
words is rare enough to count in whichever of the best windows it stands."""

FEATURES = (*LEXICAL_FEATURES, *ALIGNMENT_FEATURES, *(kind.value for kind in (*EVERYWHERE, *IN_WINDOW)))

DIFFERENCES = frozenset(FEATURES[len(LEXICAL_FEATURES) + len(ALIGNMENT_FEATURES) :]) | {
    "numbers_missing",
    "names_missing",
}
"""Those that tell what the evidence says otherwise or not at all; the rest tell how much of the claim it carries."""

MOST_EMBEDDED = 12
"""Sentences of the evidence that are compared with one claim by vectors: the same ones whatever was checked before."""

MOST_READ = 6
"""Windows of which all features are computed, beside the best of each passage."""

_EXTRA_SENTENCE = 0.02
"""What each further sentence of a window must add to be worth its length."""
_RANKING = tuple(LEXICAL_FEATURES.index(name) for name in ("coverage", "bm25", "word_pairs"))
_ALIGNMENT = ALIGNMENT_FEATURES.index("alignment")
_COVERAGE = LEXICAL_FEATURES.index("coverage")


@dataclasses.dataclass(frozen=True, slots=True)
class ClaimFeatures:
    """`values` are the `FEATURES` of the windows `chosen`, most promising first: float64 (chosen, features).

    `everywhere` is what no part of the evidence carries, `in_window` what each of the chosen windows contradicts; spans
    are places in the claim. `evidence` are the sentences that together match the claim best.
    """

    chosen: tuple[int, ...]
    values: Floats
    everywhere: tuple[Found, ...]
    in_window: tuple[tuple[Found, ...], ...]
    evidence: str


class EvidenceReading:
    """The passages of one answer, made ready to be compared with claims. Thread-safe."""

    def __init__(
        self, passages: Sequence[Passage], embedder: Embedder, lexical: LexicalEncoder, reader: WordReader
    ) -> None:
        self.windows = EvidenceWindows(passages, lexical, reader)
        self._titles = [reader.read(f"{one.chunk.section} {one.chunk.document_name}") for one in passages]
        self._vectors = EvidenceVectors(embedder, self.windows)
        self._embedder = embedder
        self._lexical = lexical
        self._reader = reader
        self._reading = threading.Lock()

    def features(self, claim: str) -> ClaimFeatures:
        """The passages must hold at least one sentence."""
        windows, read = self.windows, self._reader.read(claim)
        with self._reading:
            sentences = windows.read
        lexical = term_coverage(claim, windows, self._lexical)
        asked, vectors = self._vectors.of(claim, self._to_embed(lexical))
        embedded = np.zeros((len(windows.sentences), 1), dtype=bool)
        embedded[list(vectors)] = True
        whole = windows.sum(embedded[:, 0].astype(np.float64)) == windows.after - windows.first
        candidates = np.flatnonzero(whole)
        weights = token_weights(claim, read, len(asked.tokens), self._embedder, windows)
        matches = best_matches(asked, vectors)
        vector = aligned(asked, vectors, matches, weights, windows, candidates.tolist())
        ranking = vector[:, _ALIGNMENT] + lexical[candidates, _COVERAGE] / 2
        kept = self._most_promising(candidates, ranking)
        everywhere = tuple(mismatches(read, [*sentences, *self._titles], EVERYWHERE, self._reader.stem))
        in_window = tuple(
            tuple(mismatches(read, self._of(int(candidates[one]), sentences), IN_WINDOW, self._reader.stem))
            for one in kept
        )
        fixed = [float(any(found.kind is kind for found in everywhere)) for kind in EVERYWHERE]
        kinds = [{found.kind for found in each} for each in in_window]
        if any(Mismatch.OPPOSITE in each for each in kinds):
            kinds = [each | {Mismatch.OPPOSITE} for each in kinds]
        own = [[float(kind in each) for kind in IN_WINDOW] for each in kinds]
        chosen = candidates[kept]
        values = np.hstack([lexical[chosen], vector[kept], np.tile(fixed, (len(kept), 1)), np.array(own)])
        evidence = " ".join(windows.sentences[one].read for one in gathered(matches, weights, windows))
        return ClaimFeatures(tuple(chosen.tolist()), values, everywhere, in_window, evidence)

    def _of(self, window: int, sentences: list[ReadText]) -> list[ReadText]:
        return sentences[self.windows.first[window] : self.windows.after[window]]

    def _to_embed(self, lexical: Floats) -> set[int]:
        """Sentences to compare by vectors: those of each passage's best window, then of the best windows of all."""
        windows = self.windows
        if len(windows.sentences) <= MOST_EMBEDDED:
            return set(range(len(windows.sentences)))
        ranking = lexical[:, _RANKING].sum(axis=1) - _EXTRA_SENTENCE * (windows.after - windows.first - 1)
        order = np.argsort(-ranking, kind="stable")
        wanted: set[int] = set()
        for window in [*self._best_of_sources(order), *order.tolist()]:
            own = set(range(windows.first[window], windows.after[window]))
            if len(wanted | own) <= MOST_EMBEDDED:
                wanted |= own
            elif len(wanted) >= MOST_EMBEDDED:
                break
        return wanted

    def _best_of_sources(self, order: np.ndarray) -> list[int]:
        """The first window of each passage in this order of windows, in the same order."""
        _, places = np.unique(self.windows.sources[order], return_index=True)
        return [int(order[place]) for place in np.sort(places)]

    def _most_promising(self, candidates: np.ndarray, ranking: Floats) -> list[int]:
        """Positions among the candidates: the best ones, then the best of each other passage."""
        extra = self.windows.after[candidates] - self.windows.first[candidates] - 1
        order = np.argsort(-(ranking - _EXTRA_SENTENCE * extra), kind="stable")
        _, places = np.unique(self.windows.sources[candidates[order]], return_index=True)
        leading = [int(order[place]) for place in np.sort(places)]
        return list(dict.fromkeys([*order[:MOST_READ].tolist(), *leading]))
