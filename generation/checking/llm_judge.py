"""A checker that asks a configured language model, one call a sentence, for a verdict in JSON.

The answer must fit a schema and itself: a sentence is supported only where passages that were given are named for it.
An answer that does not is sent back once to be corrected. Where the model gives no verdict that can be used (it is
away, too slow, or twice without form), another checker's counts, and the answer says so: never is a sentence supported
because nobody looked.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import json
import logging
import secrets
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, cast

from generation.answers import CheckerInfo, SentenceVerdict, Span
from generation.checking.calibration import ANY_KIND, Calibration
from generation.checking.checker import Checked, Checker, EvidenceCheck, VerbatimCheck
from generation.checking.claims import is_claim
from generation.checking.cross_encoders.evidence_chunks import EvidenceChunk, EvidencePieces
from generation.language_models.model import (
    Deadline,
    Finished,
    LanguageModel,
    Message,
    ModelCall,
    ModelError,
    ModelRequest,
    ModelTimeout,
    Piece,
    TokenCounts,
)
from generation.language_models.resilience import HeldModel
from generation.prompting.prompts import Packed, judge_messages, repair_messages
from generation.prompting.token_estimate import estimate_tokens
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage

NAME = "judge"

SECONDS = 30.0
"""For one verdict, correction included."""

EVIDENCE_TOKENS = 4000
"""Longest evidence that is shown, where the model can read so much. Of more, the chunks most like the sentence are."""

VERDICT_TOKENS = 400
_CHUNK_TOKENS = 250
_SUPPORTED, _PARTLY, _UNSUPPORTED = "supported", "partly", "unsupported"
_EVEN = 0.5

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "enum": [_SUPPORTED, _PARTLY, _UNSUPPORTED]},
        "probability": {"type": "number"},
        "passages": {"type": "array", "items": {"type": "integer"}},
        "unsupported": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["verdict", "probability", "passages", "unsupported"],
    "additionalProperties": False,
}

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """`probability` that the passages support the sentence; `passages` are the numbers of those that do."""

    probability: float
    passages: tuple[int, ...]
    unsupported: tuple[str, ...]


class LlmJudge:
    """Blocking and thread-safe: the calls run on the event loop on which `against` was called, which must be free while
    sentences are checked in other threads. Where there is none (a command), each call has a loop of its own, and a
    model of its own from `fresh`, since the places and connections of a model belong to one loop.
    """

    def __init__(
        self,
        model: HeldModel,
        fresh: Callable[[], HeldModel],
        fallback: Checker,
        lexical: LexicalEncoder,
        calibration: Calibration,
        seconds: float = SECONDS,
    ) -> None:
        kind = calibration.of(ANY_KIND)
        self.info = CheckerInfo(calibration.checker, calibration.full_version, kind.threshold)
        self.model = model
        self._fresh = fresh
        self.fallback = fallback
        self.lexical = lexical
        self.calibrate: Callable[[float], float] = kind.apply
        self._seconds = seconds

    def against(self, passages: Sequence[Passage]) -> JudgeCheck:
        return JudgeCheck(self, passages, _loop_of_this_thread())

    def ask(
        self, messages: tuple[Message, ...], deadline: Deadline, loop: asyncio.AbstractEventLoop | None
    ) -> ModelCall:
        """What the model replies. Blocking. Raises ModelError."""
        request = ModelRequest(messages, min(VERDICT_TOKENS, self.model.profile.max_output_tokens), SCHEMA)
        if loop is None:
            return asyncio.run(self._reply_alone(request, deadline))
        if _loop_of_this_thread() is loop:
            raise RuntimeError("sentences are checked in threads, not on the event loop that the judge's calls need")
        reply = asyncio.run_coroutine_threadsafe(_reply(self.model, request, deadline), loop)
        try:
            return reply.result(deadline.left() + 1.0)
        except concurrent.futures.TimeoutError:  # the loop has ended, or is blocked
            reply.cancel()
            raise ModelTimeout(f"The judge {self.model.profile.name} gave no verdict in its time.") from None

    def deadline(self) -> Deadline:
        return Deadline.after(self._seconds)

    async def _reply_alone(self, request: ModelRequest, deadline: Deadline) -> ModelCall:
        model = self._fresh()
        try:
            return await _reply(model, request, deadline)
        finally:
            await model.aclose()


class JudgeCheck:
    """The passages of one answer, with their numbers. What is verbatim in them is not asked about."""

    def __init__(self, judge: LlmJudge, passages: Sequence[Passage], loop: asyncio.AbstractEventLoop | None) -> None:
        self._judge = judge
        self._passages = passages
        self._loop = loop
        self._code = secrets.token_hex(4)
        self._verbatim = VerbatimCheck(passages)
        self._lock = threading.Lock()
        self._evidence: EvidencePieces | None = None
        self._chunks: list[EvidenceChunk] = []
        self._tokens = 0
        self._fallback: EvidenceCheck | None = None

    def check(self, sentence: str, span: Span) -> Checked:
        if not is_claim(sentence):
            return Checked(SentenceVerdict(span, False, 1.0, True), ())
        verbatim = self._verbatim.check(sentence, span)
        evidence = self._cut()
        if verbatim.verdict.supported or not evidence.pieces:
            return verbatim
        calls: list[ModelCall] = []
        try:
            judgement = self._judgement(sentence, evidence, calls)
        except ModelError as error:
            logger.warning("The judge %s gave no verdict: %s", self._judge.model.profile.name, error.message)
            return self._otherwise(sentence, span, tuple(calls))
        return self._checked(sentence, span, evidence, judgement, tuple(calls))

    def _judgement(self, sentence: str, evidence: EvidencePieces, calls: list[ModelCall]) -> Judgement:
        """The model's, after one correction if it needs one. Adds its calls. Raises ModelError."""
        from generation.writing.json_answers import json_answer  # loads jsonschema

        deadline = self._judge.deadline()
        packed = self._packed(sentence, evidence)
        messages = judge_messages(sentence, packed, code=self._code)
        known = frozenset(number for number, _, _ in packed)
        problem = ""
        for _ in range(2):
            calls.append(self._judge.ask(messages, deadline, self._loop))
            found = json_answer(calls[-1].text, SCHEMA)
            problem = " ".join(found.problems)
            if not problem:
                judgement, problem = read_judgement(json.loads(found.text), known)
                if judgement is not None:
                    return judgement
            messages = repair_messages(found.text, problem, SCHEMA)
        raise ModelError(f"its verdict has no form: {problem}")

    def _checked(
        self,
        sentence: str,
        span: Span,
        evidence: EvidencePieces,
        judgement: Judgement,
        calls: tuple[ModelCall, ...],
    ) -> Checked:
        threshold = self._judge.info.threshold
        score = self._judge.calibrate(judgement.probability)
        if not judgement.passages:
            score = min(score, threshold * 0.99)  # a calibration makes no evidence
        if score < threshold:
            quoted = unsupported_spans(sentence, span, judgement.unsupported)
            return Checked(SentenceVerdict(span, True, score, False, (), quoted), (), calls)
        places = [evidence.place(sentence, evidence.whole(number - 1), score) for number in judgement.passages]
        chunks = tuple(dict.fromkeys(place.passage.chunk.chunk_id for place in places))
        return Checked(SentenceVerdict(span, True, score, True, chunks), tuple(places), calls)

    def _otherwise(self, sentence: str, span: Span, calls: tuple[ModelCall, ...]) -> Checked:
        """The other checker's verdict, its score brought to where this one's threshold is."""
        fallback, own = self._judge.fallback, self._judge.info
        with self._lock:
            if self._fallback is None:
                self._fallback = fallback.against(self._passages)
        checked = self._fallback.check(sentence, span)
        verdict = checked.verdict
        if verdict.is_claim:
            score = on_another_scale(verdict.score, fallback.info.threshold, own.threshold)
            verdict = dataclasses.replace(verdict, score=score)
        warning = (
            f"The judge {self._judge.model.profile.name} gave no verdict on some sentences, which "
            f"{fallback.info.name} {fallback.info.version} checked in its place."
        )
        return dataclasses.replace(checked, verdict=verdict, calls=calls, warning=warning)

    def _cut(self) -> EvidencePieces:
        with self._lock:
            if self._evidence is None:
                self._evidence = EvidencePieces(self._passages, self._judge.lexical)
                lengths = [estimate_tokens(piece.read) for piece in self._evidence.pieces]
                self._chunks = self._evidence.chunks(lengths, _CHUNK_TOKENS)
                self._tokens = sum(lengths)
            return self._evidence

    def _packed(self, sentence: str, evidence: EvidencePieces) -> list[Packed]:
        """Every passage whole where they fit together, else of each the chunks most like the sentence."""
        room = min(EVIDENCE_TOKENS, self._room(sentence))
        shown: dict[int, list[str]] = {}
        if self._tokens <= room:
            shown = {source: [evidence.whole(source).text] for source in evidence.sources}
        else:
            for chunk in evidence.best(sentence, self._chunks, max(1, room // _CHUNK_TOKENS)):
                shown.setdefault(chunk.source, []).append(chunk.text)
        return [(source + 1, _header(self._passages[source]), "\n".join(texts)) for source, texts in shown.items()]

    def _room(self, sentence: str) -> int:
        """Tokens for evidence that the model has left, with a fifth in hand since they are estimated."""
        static = sum(estimate_tokens(one.content) for one in judge_messages(sentence, ()))
        return int((self._judge.model.profile.context_tokens - VERDICT_TOKENS - static) / 1.2)


def read_judgement(data: Mapping[str, Any], known: frozenset[int]) -> tuple[Judgement | None, str]:
    """What the JSON says, or what is wrong with it: it must agree with itself and name passages that there are."""
    verdict, probability = data["verdict"], float(data["probability"])
    passages = tuple(dict.fromkeys(data["passages"]))
    if not 0 <= probability <= 1:
        return None, "`probability` must be from 0 to 1."
    if unknown := [number for number in passages if number not in known]:
        return None, f"There is no passage {unknown[0]}; name in `passages` only numbers that were given."
    if (verdict == _SUPPORTED) != (probability >= _EVEN):
        return None, (
            "`probability` is that of the whole sentence being supported: 0.5 or more with the verdict "
            f"{_SUPPORTED!r}, less with the others."
        )
    if verdict == _SUPPORTED and not passages:
        return None, f"With the verdict {_SUPPORTED!r}, `passages` must name those that support the sentence."
    if verdict == _SUPPORTED and any(quote.strip() for quote in data["unsupported"]):
        return None, f"With the verdict {_SUPPORTED!r}, `unsupported` must be empty."
    return Judgement(probability, passages, tuple(data["unsupported"])), ""


def unsupported_spans(sentence: str, span: Span, quotes: Sequence[str]) -> tuple[Span, ...]:
    """Where the quotes stand, in order, touching ones as one; what is no quotation of the sentence is left out."""
    folded = sentence.casefold()
    same_length = len(folded) == len(sentence)
    found = []
    for quote in quotes:
        wanted = quote.strip().strip("\"'“”‘’").strip()
        place = sentence.find(wanted)
        if place < 0 and same_length:
            place = folded.find(wanted.casefold())
        if wanted and place >= 0:
            found.append((span[0] + place, span[0] + min(place + len(wanted), len(sentence))))
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def on_another_scale(score: float, threshold: float, other: float) -> float:
    """A score that lies to `other` as it lay to its `threshold`: straight lines that meet there."""
    if score < threshold:
        return score * other / threshold
    return other + (score - threshold) * (1 - other) / (1 - threshold) if threshold < 1 else 1.0


async def _reply(model: LanguageModel, request: ModelRequest, deadline: Deadline) -> ModelCall:
    text = ""
    counts: TokenCounts | None = None
    pieces = cast("AsyncGenerator[Piece, None]", model.stream(request, deadline))
    async with contextlib.aclosing(pieces):
        async for piece in pieces:
            if isinstance(piece, Finished):
                counts = piece.counts
            else:
                text += piece
    return ModelCall(model.profile.name, request.messages, text, counts)


def _loop_of_this_thread() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _header(passage: Passage) -> str:
    chunk = passage.chunk
    return f"{chunk.document_name}, page {chunk.page}" if chunk.page is not None else chunk.document_name
