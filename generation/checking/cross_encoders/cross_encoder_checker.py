"""A checker that is any cross-encoder: the claim is read together with each chunk of the evidence, the best one counts.

What stands verbatim in a passage, and what claims nothing, costs no call of the model.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from generation.answers import CheckerInfo, SentenceVerdict, Span
from generation.checking.calibration import ANY_KIND, Calibration
from generation.checking.checker import Checked, Support, VerbatimCheck
from generation.checking.claims import is_claim
from generation.checking.cross_encoders.evidence_chunks import EvidenceChunk, EvidencePieces
from generation.checking.cross_encoders.pair_models import PairModel
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage

NAME, VERSION = "cross-encoder", "1"
"""The version is that of the way in which evidence is cut and scores are put together."""

CHUNK_TOKENS = 350
"""Longest chunk of evidence, where the model can read so much: AlignScore's size, near to MiniCheck's 400 to 500."""

MOST_CHUNKS = 8
"""Chunks that are read for one claim; of more, those most like the claim by BM25 are chosen."""

_CLAIM_TOKENS = 64
_SPECIAL_TOKENS = 8


class CrossEncoderChecker:
    """Blocking and thread-safe. The model is loaded at the first claim, or by `warm_up`, once."""

    def __init__(self, load: Callable[[], PairModel], lexical: LexicalEncoder, calibration: Calibration) -> None:
        kind = calibration.of(ANY_KIND)
        self.info = CheckerInfo(calibration.checker, calibration.full_version, kind.threshold)
        self._load = load
        self._lexical = lexical
        self._calibrated = kind
        self._loading = threading.Lock()
        self._model: PairModel | None = None

    def warm_up(self) -> None:
        """Raises ConfigurationError when the model cannot be loaded. Blocking: seconds."""
        self._loaded()

    def against(self, passages: Sequence[Passage]) -> CrossEncoderCheck:
        return CrossEncoderCheck(passages, self._loaded, self._lexical, self._calibrated.apply, self.info.threshold)

    def _loaded(self) -> PairModel:
        with self._loading:
            if self._model is None:
                self._model = self._load()
            return self._model


class CrossEncoderCheck:
    """The evidence is cut at the first claim that is not verbatim in it."""

    def __init__(
        self,
        passages: Sequence[Passage],
        model: Callable[[], PairModel],
        lexical: LexicalEncoder,
        calibrate: Callable[[float], float],
        threshold: float,
    ) -> None:
        self._verbatim = VerbatimCheck(passages)
        self._passages = passages
        self._model = model
        self._lexical = lexical
        self._calibrate = calibrate
        self._threshold = threshold
        self._lock = threading.Lock()
        self._evidence: EvidencePieces | None = None
        self._lengths: list[int] = []
        self._chunks: dict[int, list[EvidenceChunk]] = {}

    def check(self, sentence: str, span: Span) -> Checked:
        """Raises ConfigurationError when the model cannot be loaded."""
        if not is_claim(sentence):
            return Checked(SentenceVerdict(span, False, 1.0, True), ())
        verbatim = self._verbatim.check(sentence, span)
        if verbatim.verdict.supported:
            return verbatim
        model = self._model()
        evidence, chunks = self._cut(model, sentence)
        read = evidence.best(sentence, chunks, MOST_CHUNKS)
        if not read:
            return verbatim
        raw = model.supported([(chunk.text, sentence) for chunk in read])
        best: dict[int, Support] = {}
        for chunk, own in zip(read, raw, strict=True):
            score = self._calibrate(own)
            if chunk.source not in best or score > best[chunk.source].score:
                best[chunk.source] = evidence.place(sentence, chunk, score)
        ranked = sorted(best.values(), key=lambda one: -one.score)
        supports = tuple(one for one in ranked if one.score >= self._threshold)
        found = tuple(dict.fromkeys(one.passage.chunk.chunk_id for one in supports))
        return Checked(SentenceVerdict(span, True, ranked[0].score, bool(supports), found), supports)

    def _cut(self, model: PairModel, claim: str) -> tuple[EvidencePieces, list[EvidenceChunk]]:
        """The evidence in chunks that fit beside the claim."""
        claim_tokens = max(_CLAIM_TOKENS, model.count_tokens([claim])[0])
        room = max(model.max_tokens - claim_tokens - _SPECIAL_TOKENS, model.max_tokens // 2)
        budget = min(CHUNK_TOKENS, room)
        with self._lock:
            if self._evidence is None:
                self._evidence = EvidencePieces(self._passages, self._lexical)
                self._lengths = model.count_tokens([piece.read for piece in self._evidence.pieces])
            if budget not in self._chunks:
                self._chunks[budget] = self._evidence.chunks(self._lengths, budget)
            return self._evidence, self._chunks[budget]
