"""The default checker: is a sentence covered by its evidence, and does nothing in it contradict the place it rests on?

For the most promising runs of one to three sentences of the passages: how much of the claim's words they hold, how well
each of its tokens is matched in meaning, and which of its facts differ (numbers, names, negations, opposites). Unless
that is clearly not enough, a small cross-encoder reads the claim beside the sentences that match it best together. A
model of a few numbers (groundedness_model.py) makes one probability of it; the claim has that of its best run.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from generation.answers import CheckerInfo, SentenceVerdict, Span
from generation.checking.calibration import Calibration
from generation.checking.checker import Checked, Support, VerbatimCheck
from generation.checking.claim_features import ClaimFeatures, EvidenceReading
from generation.checking.claims import is_claim
from generation.checking.contradiction.contradiction_head import HeadVerdict, PairReader
from generation.checking.coverage.evidence_windows import EvidenceWindows, Floats
from generation.checking.coverage.read_words import WordReader
from generation.checking.groundedness_model import GroundednessModel, TextKind, kind_of, log_odds_of
from generation.checking.unsupported_spans import unsupported_spans
from retrieval.embedding import Embedder
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage

NAME, VERSION = "plumbline", "2"

_EXTRA_SENTENCE = 0.02
"""What each further sentence of a quoted place must add to be worth its length."""
_EDGE = 1e-4


class GroundednessChecker:
    """`Checker` of checker.py. Blocking and thread-safe.

    Without a `head` its part of the sum is left out. `calibration` is a correction fitted on verdicts of one's own.
    """

    def __init__(
        self,
        embedder: Embedder,
        lexical: LexicalEncoder,
        model: GroundednessModel,
        head: PairReader | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self._calibration = calibration or Calibration.none(NAME, VERSION, model.threshold)
        self.info = CheckerInfo(NAME, self._calibration.full_version, model.threshold)
        self._embedder = embedder
        self._lexical = lexical
        self._reader = WordReader(lexical)
        self._model = model
        self._head = head

    def against(self, passages: Sequence[Passage]) -> GroundednessCheck:
        return GroundednessCheck(self, passages)

    def read(self, passages: Sequence[Passage]) -> EvidenceReading:
        return EvidenceReading(passages, self._embedder, self._lexical, self._reader)

    def threshold(self, kind: TextKind) -> float:
        """The probability from which a claim over this kind of text counts as supported."""
        return self._model.kinds[kind].threshold

    def judge(self, claim: str, features: ClaimFeatures, kind: TextKind) -> tuple[Floats, HeadVerdict | None]:
        """The probability of each chosen window that it supports the claim, and the head's verdict where it was asked.

        Only what stands in the evidence word for word is certain: these probabilities are a little below 1.
        """
        log_odds = self._model.log_odds(features.values, kind)
        verdict = None
        if self._head is not None and self._model.kinds[kind].head and log_odds.max() > self._model.clearly_not:
            (verdict,) = self._head.judge([(features.evidence, claim)])
            log_odds = self._model.log_odds(features.values, kind, log_odds_of(verdict.supported))
        scores = 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))
        return np.clip(self._calibration.of(kind.value).probabilities(scores), 0.0, 1 - _EDGE), verdict


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
        features, kind = reading.features(sentence), kind_of(reading.windows)
        scores, head = self._checker.judge(sentence, features, kind)
        threshold = self._checker.threshold(kind)
        places = self._best_places(reading.windows, features.chosen, scores)
        supports = tuple(place for place in places if place.score >= threshold)
        evidence = tuple(dict.fromkeys(support.passage.chunk.chunk_id for support in supports))
        best = int(np.argmax(scores))
        wrong = () if supports else unsupported_spans(features, best, head, span)
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
