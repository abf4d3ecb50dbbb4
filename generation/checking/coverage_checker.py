"""Is a sentence covered by its evidence, word for word or in meaning? A plain checker without a trained model.

For each run of one to three sentences of the passages: the IDF-weighted share of the claim's terms in it, BM25, shared
word pairs, and what is missing of its numbers and names; for the most promising runs also the cosine of MiniLM's
vectors and the soft alignment of token vectors (as BERTScore's recall; Zhang et al., 2020, arXiv:1904.09675). Two
logistic models, without and with the vectors, turn that into the probability that the run supports the claim. Their
coefficients are in `coverage_calibration.json`, fitted by scripts/fit_coverage.py.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generation.answers import CheckerInfo, SentenceVerdict, Span
from generation.checking.checker import Checked, Support, VerbatimCheck
from generation.checking.claims import is_claim
from generation.checking.evidence_windows import LEXICAL_FEATURES, EvidenceWindows, Floats
from generation.extraction.extractive_model import linear, sigmoid
from retrieval.embedding import Embedder, Embedding
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage

CALIBRATION_FILE = Path(__file__).with_name("coverage_calibration.json")
VECTOR_FEATURES = ("cosine", "alignment", "weakest_alignment")
MOST_COMPARED = 12
MOST_EMBEDDED = 6
"""Sentences of the evidence that are embedded for one claim, unless they have been before."""

_EXTRA_SENTENCE = 0.02
"""What each further sentence of a window must add to be worth its length."""
_RANKING = ("coverage", "bm25", "word_pairs")


@dataclasses.dataclass(frozen=True, slots=True)
class CoverageCalibration:
    """Coefficients over the features, bias last. The caps hold for claims with a number or name that no passage has."""

    lexical: NDArray[np.float64]
    full: NDArray[np.float64]
    threshold: float
    cap_numbers: float
    cap_names: float

    @classmethod
    def load(cls, path: Path = CALIBRATION_FILE) -> CoverageCalibration:
        data = json.loads(path.read_text())
        if tuple(data["features"]) != (*LEXICAL_FEATURES, *VECTOR_FEATURES):
            raise ValueError(f"{path.name} was fitted on other features: run scripts/fit_coverage.py")
        return cls(
            np.array(data["lexical"]),
            np.array(data["full"]),
            data["threshold"],
            data["cap_numbers"],
            data["cap_names"],
        )


class CoverageChecker:
    """`Checker` of groundedness.py. Blocking and thread-safe."""

    def __init__(self, embedder: Embedder, lexical: LexicalEncoder, calibration: CoverageCalibration) -> None:
        self.info = CheckerInfo("coverage", "1", calibration.threshold)
        self._embedder = embedder
        self._lexical = lexical
        self._calibration = calibration

    def against(self, passages: Sequence[Passage]) -> CoverageCheck:
        return CoverageCheck(passages, self._embedder, self._lexical, self._calibration)


@dataclasses.dataclass(frozen=True, slots=True)
class WindowFeatures:
    """`lexical` (windows, features) of all windows; `vectors` (chosen, features) of the windows `chosen`."""

    lexical: Floats
    chosen: list[int]
    vectors: Floats


class CoverageCheck:
    """Evidence made ready at the first sentence that is not verbatim in it; vectors of evidence are kept."""

    def __init__(
        self,
        passages: Sequence[Passage],
        embedder: Embedder,
        lexical: LexicalEncoder,
        calibration: CoverageCalibration,
    ) -> None:
        self._passages = passages
        self._verbatim = VerbatimCheck(passages)
        self._embedder = embedder
        self._lexical = lexical
        self._calibration = calibration
        self._lock = threading.Lock()
        self._windows: EvidenceWindows | None = None
        self._vectors: dict[int, Embedding] = {}

    def check(self, sentence: str, span: Span) -> Checked:
        if not is_claim(sentence):
            return Checked(SentenceVerdict(span, False, 1.0, True), ())
        verbatim = self._verbatim.check(sentence, span)
        if verbatim.verdict.supported:
            return verbatim
        windows = self._ready()
        if not len(windows):
            return verbatim
        scores = self._probabilities(self.features(sentence))
        best = self._best_places(windows, scores)
        supports = tuple(place for place in best if place.score >= self._calibration.threshold)
        evidence = tuple(dict.fromkeys(support.passage.chunk.chunk_id for support in supports))
        return Checked(SentenceVerdict(span, True, best[0].score, bool(supports), evidence), supports)

    def features(self, claim: str) -> WindowFeatures:
        """What the logistic models see; the passages must hold at least one sentence."""
        windows = self._ready()
        lexical = windows.lexical_features(claim)
        chosen = self._most_promising(windows, lexical)
        return WindowFeatures(lexical, chosen, self._vector_features(claim, windows, chosen))

    def _ready(self) -> EvidenceWindows:
        with self._lock:
            if self._windows is None:
                self._windows = EvidenceWindows(self._passages, self._lexical)
            return self._windows

    def _most_promising(self, windows: EvidenceWindows, lexical: Floats) -> list[int]:
        """Windows that are compared by vectors: the best of each passage, then others as long as few are embedded."""
        ranking = lexical[:, [LEXICAL_FEATURES.index(name) for name in _RANKING]].sum(axis=1)
        ranking -= _EXTRA_SENTENCE * (windows.after - windows.first - 1)
        order = np.argsort(-ranking, kind="stable").tolist()
        _, first_of_source = np.unique(windows.sources[order], return_index=True)
        leading = sorted(int(place) for place in first_of_source)
        chosen: list[int] = []
        new: set[int] = set()
        for window in dict.fromkeys([*(order[place] for place in leading), *order[:MOST_COMPARED]]):
            own = set(range(windows.first[window], windows.after[window])) - self._vectors.keys()
            if len(new | own) <= MOST_EMBEDDED:
                new |= own
                chosen.append(window)
        return chosen

    def _vector_features(self, claim: str, windows: EvidenceWindows, chosen: Sequence[int]) -> Floats:
        vectors = self._embedded(
            {one for window in chosen for one in range(windows.first[window], windows.after[window])}
        )
        asked = self._embedder.embed_query(claim)
        alignments = {one: _alignment(asked.tokens, embedding.tokens) for one, embedding in vectors.items()}
        # A token that anything matches well ("the") tells little: its weight is what sets its best match apart.
        common = np.mean(list(alignments.values()), axis=0)
        rows = []
        for window in chosen:
            own = range(windows.first[window], windows.after[window])
            best = np.max([alignments[one] for one in own], axis=0)
            weights = np.maximum(1.0 - common, 0.05)
            mean = np.sum([vectors[one].dense for one in own], axis=0)
            cosine = max(
                float(asked.dense @ mean) / max(float(np.linalg.norm(mean)), 1e-9),
                *(float(asked.dense @ vectors[one].dense) for one in own),
            )
            weakest = float(np.sort(best)[: max(1, len(best) // 4)].mean()) if len(best) else 0.0
            rows.append((cosine, float(best @ weights / weights.sum()) if len(best) else 0.0, weakest))
        return np.array(rows, dtype=np.float64).reshape(len(chosen), len(VECTOR_FEATURES))

    def _embedded(self, wanted: set[int]) -> dict[int, Embedding]:
        """Vectors of these sentences of the evidence. Two threads may embed one twice; neither waits for the other."""
        missing = sorted(wanted - self._vectors.keys())
        if missing:
            sentences = self._ready().sentences
            found = self._embedder.embed_passages([sentences[one].read for one in missing])
            with self._lock:
                self._vectors.update(zip(missing, found, strict=True))
        return {one: self._vectors[one] for one in sorted(wanted)}

    def _probabilities(self, features: WindowFeatures) -> Floats:
        """Of each window, that it supports the claim."""
        scores = sigmoid(linear(features.lexical, self._calibration.lexical))
        both = np.hstack([features.lexical[features.chosen], features.vectors])
        scores[features.chosen] = sigmoid(linear(both, self._calibration.full))
        for name, cap in (
            ("numbers_missing_everywhere", self._calibration.cap_numbers),
            ("names_missing_everywhere", self._calibration.cap_names),
        ):
            if features.lexical[0, LEXICAL_FEATURES.index(name)] > 0:
                scores = np.minimum(scores, cap)
        return scores

    def _best_places(self, windows: EvidenceWindows, scores: Floats) -> tuple[Support, ...]:
        """The best window of each passage, best first; of equally good ones the shorter."""
        ranking = scores - _EXTRA_SENTENCE * (windows.after - windows.first - 1)
        found = []
        for source in dict.fromkeys(windows.sources.tolist()):
            own = np.flatnonzero(windows.sources == source)
            window = int(own[np.argmax(ranking[own])])
            passage = self._passages[source]
            start = windows.sentences[windows.first[window]].start
            end = windows.sentences[windows.after[window] - 1].end
            text = passage.context[start - passage.context_start : end - passage.context_start]
            found.append(Support(passage, start, end, text, float(scores[window])))
        return tuple(sorted(found, key=lambda one: -one.score))


def _alignment(claim: NDArray[np.float32], evidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """Best match of each token of the claim, float32 (tokens,)."""
    if not len(evidence):
        return np.zeros(len(claim), dtype=np.float32)
    best: NDArray[np.float32] = (claim @ evidence.T).max(axis=1)
    return best
