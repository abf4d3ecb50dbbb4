"""The default checker: is a sentence covered by its evidence, and does nothing in it contradict the place it rests on?

For the most promising runs of one to three sentences of the passages: how much of the claim's words they hold, how well
each of its tokens is matched in meaning, and which of its facts differ (numbers, names, negations, opposites). A
logistic model turns that into the probability that the run supports the claim; the claim has that of its best run. The
coefficients are in `groundedness_model.json`, fitted by scripts/fit_groundedness.py.
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
from generation.checking.claim_features import FEATURES, ClaimFeatures, EvidenceReading
from generation.checking.claims import is_claim
from generation.checking.evidence_windows import EvidenceWindows, Floats
from generation.checking.read_words import WordReader
from generation.extraction.extractive_model import linear, sigmoid
from retrieval.embedding import Embedder
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage

NAME, VERSION = "plumbline", "2"
MODEL_FILE = Path(__file__).with_name("groundedness_model.json")

_EXTRA_SENTENCE = 0.02
"""What each further sentence of a quoted place must add to be worth its length."""


@dataclasses.dataclass(frozen=True, slots=True)
class GroundednessModel:
    """Coefficients over `FEATURES`, bias last, and the probability from which a claim counts as supported."""

    coefficients: NDArray[np.float64]
    threshold: float

    @classmethod
    def load(cls, path: Path = MODEL_FILE) -> GroundednessModel:
        data = json.loads(path.read_text())
        if tuple(data["coefficients"]) != (*FEATURES, "bias"):
            raise ValueError(f"{path.name} was fitted on other features: run scripts/fit_groundedness.py")
        return cls(np.array(list(data["coefficients"].values())), data["threshold"])


class GroundednessChecker:
    """`Checker` of checker.py. Blocking and thread-safe."""

    def __init__(self, embedder: Embedder, lexical: LexicalEncoder, model: GroundednessModel) -> None:
        self.info = CheckerInfo(NAME, VERSION, model.threshold)
        self._embedder = embedder
        self._lexical = lexical
        self._reader = WordReader(lexical)
        self._model = model

    def against(self, passages: Sequence[Passage]) -> GroundednessCheck:
        return GroundednessCheck(self, passages)

    def read(self, passages: Sequence[Passage]) -> EvidenceReading:
        return EvidenceReading(passages, self._embedder, self._lexical, self._reader)

    def probabilities(self, features: ClaimFeatures) -> Floats:
        """Of each chosen window, that it supports the claim."""
        return sigmoid(linear(features.values, self._model.coefficients))


class GroundednessCheck:
    """Evidence made ready at the first sentence that is not verbatim in it."""

    def __init__(self, checker: GroundednessChecker, passages: Sequence[Passage]) -> None:
        self._checker = checker
        self._passages = passages
        self._verbatim = VerbatimCheck(passages)
        self._lock = threading.Lock()
        self._reading: EvidenceReading | None = None

    def check(self, sentence: str, span: Span) -> Checked:
        if not is_claim(sentence):
            return Checked(SentenceVerdict(span, False, 1.0, True), ())
        verbatim = self._verbatim.check(sentence, span)
        if verbatim.verdict.supported:
            return verbatim
        reading = self._ready()
        if not len(reading.windows):
            return verbatim
        threshold = self._checker.info.threshold
        features = reading.features(sentence)
        scores = self._checker.probabilities(features)
        places = self._best_places(reading.windows, features.chosen, scores)
        supports = tuple(place for place in places if place.score >= threshold)
        evidence = tuple(dict.fromkeys(support.passage.chunk.chunk_id for support in supports))
        best = int(np.argmax(scores))
        wrong = () if supports else _spans(features, best, span)
        return Checked(SentenceVerdict(span, True, float(scores[best]), bool(supports), evidence, wrong), supports)

    def _ready(self) -> EvidenceReading:
        with self._lock:
            if self._reading is None:
                self._reading = self._checker.read(self._passages)
            return self._reading

    def _best_places(self, windows: EvidenceWindows, chosen: Sequence[int], scores: Floats) -> tuple[Support, ...]:
        """The best window of each passage, best first; of equally good ones the shorter."""
        own = np.array(chosen)
        ranking = scores - _EXTRA_SENTENCE * (windows.after[own] - windows.first[own] - 1)
        found: dict[int, Support] = {}
        for position in np.argsort(-ranking, kind="stable").tolist():
            source = int(windows.sources[chosen[position]])
            if source not in found:
                passage = self._passages[source]
                start = windows.sentences[windows.first[chosen[position]]].start
                end = windows.sentences[windows.after[chosen[position]] - 1].end
                text = passage.context[start - passage.context_start : end - passage.context_start]
                found[source] = Support(passage, start, end, text, float(scores[position]))
        return tuple(sorted(found.values(), key=lambda one: -one.score))


def _spans(features: ClaimFeatures, best: int, sentence: Span) -> tuple[Span, ...]:
    """The places that the structured checks found, in answer coordinates, those that overlap as one."""
    places = sorted(found.span for found in (*features.everywhere, *features.in_window[best]))
    merged: list[Span] = []
    for start, end in places:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple((sentence[0] + start, min(sentence[0] + end, sentence[1])) for start, end in merged)
