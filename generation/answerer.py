"""The way of a question: understand, look into the cache, search, route, write, check; step by step as events."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import math
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, TypeVar

from generation.answer_making import AnswerMaking
from generation.answer_metrics import AnswerMetrics
from generation.answers import (
    Answer,
    AnswerDone,
    AnswerEvent,
    Delta,
    InvalidQuestion,
    PassagesFound,
    Question,
    SentenceChecked,
    SentenceVerdict,
)
from generation.cache.cached_answers import CachedAnswers
from generation.checking.checker import Checker, EvidenceCheck, Support
from generation.extraction.extractive_model import ExtractiveModel
from generation.language_models.model import Deadline, LanguageModel, Role, TokenCounts, UnknownModel
from generation.language_models.resilience import HeldModel
from generation.prompting.follow_up import standalone
from generation.prompting.prompts import CHAT_PROMPT
from generation.prompting.writing_tasks import WritingTasks
from generation.routing.evidence_signals import EvidenceSignals, evidence_signals
from generation.routing.intents import Intent, IntentKind, intent_of
from generation.routing.router import EXTRACTIVE, Route, Router, RoutingFacts
from generation.routing.small_talk import small_talk
from generation.writing.already_written import AlreadyWritten, Prepared
from generation.writing.answer_draft import AnswerDraft
from generation.writing.answer_language import other_language
from generation.writing.cascade import Cascade
from generation.writing.task import WritingTask
from retrieval.passages import Scope
from retrieval.retriever import SearchResult

if TYPE_CHECKING:
    from generation.writing.json_writer import JsonWriter

MAX_QUESTION_CHARACTERS = 20_000

Result = TypeVar("Result")


class Search(Protocol):
    def search(self, text: str, scope: Scope, top_k: int) -> SearchResult: ...


class Answerer:
    """Answers questions; many at a time. Everything that takes a processor runs in threads, never on the event loop.

    `models` by name; without any, the extractive model answers. `answer_seconds` is the longest an answer may take.
    `threads` do what takes a processor: as many as there are processors unless given.
    """

    def __init__(
        self,
        *,
        search: Search,
        extractive: ExtractiveModel,
        checker: Checker,
        models: Mapping[str, HeldModel],
        router: Router,
        tasks: WritingTasks,
        cached: CachedAnswers | None,
        metrics: AnswerMetrics,
        top_k: int,
        answer_seconds: float,
        threads: int | None = None,
    ) -> None:
        self._search = search
        self._extractive = extractive
        self._checker = checker
        self._models = models
        self._router = router
        self._tasks = tasks
        self._cached = cached
        self.metrics = metrics
        self._top_k = top_k
        self._answer_seconds = answer_seconds
        self._prices = {name: model.profile.prices for name, model in models.items()}
        self._threads = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="answer")

    async def answer(self, question: Question) -> Answer:
        """The last event of `stream`. Raises as that does."""
        async for event in self.stream(question):
            if isinstance(event, AnswerDone):
                return event.answer
        raise AssertionError("a stream of events ends with its answer")

    async def stream(self, question: Question) -> AsyncIterator[AnswerEvent]:
        """Passages, then text and the verdict on each sentence, then the whole answer.

        Raises `InvalidQuestion`, `UnknownModel`, and what search and, for JSON, the language models raise.
        """
        making = await self._begin(question)
        intent = intent_of(making.asked.text)
        if question.passages is None and intent.kind is IntentKind.CHAT:
            async for event in self._chat(making, intent):
                yield event
            return
        looked_up = None
        if self._cached is not None and question.use_cache and question.passages is None:
            cached = self._cached
            looked_up = await self._run(lambda: cached.look_up(question, making.asked.text))
        if looked_up is None or not looked_up.current:
            await self._find(making)
        if looked_up is not None and (known := await self._run(lambda: looked_up.answer(making.passages))):
            for event in _replayed(making.served_again(known, self._prices)):
                yield event
            return
        yield PassagesFound(making.passages)
        async for event in self._write(making, intent):
            yield event
        answer = await self._finished(making)
        if answer.refused:
            yield Delta(answer.answer)
        if looked_up is not None:
            self._threads.submit(looked_up.keep, answer, making.passages)
        yield AnswerDone(answer)

    async def prepare(self, question: Question, model: str) -> Prepared | Answer:
        """Everything up to the call of a model that answers elsewhere, in its own time (a provider's batch endpoint).

        The answer itself when no model is needed for it. Raises as `stream` does.
        """
        question = dataclasses.replace(question, model=model, use_cache=False, live=False)
        making = await self._begin(question)
        intent = intent_of(making.asked.text)
        if question.passages is not None or intent.kind is not IntentKind.CHAT:
            await self._find(making)
            question = making.question = dataclasses.replace(question, passages=making.passages)
        if not question.passages:
            return await self.answer(question)
        task = await self._task(making, intent, self._checker.against(making.passages))
        if task is None:
            return await self.answer(question)
        return Prepared(making, task, task.request_for("", task.models[0]))

    async def finish(self, prepared: Prepared, text: str, counts: TokenCounts | None) -> Answer:
        """The checked and cited answer from what the model wrote; `counts` None: they are estimated."""
        making = prepared.making
        written = AlreadyWritten(prepared.task.models[0].profile, text, counts)
        task = dataclasses.replace(prepared.task, models=(written,), cascade=False, deadline=Deadline.after(math.inf))
        async for _ in self._written(making, task):
            pass
        if making.outcome is not None and making.outcome.incomplete:
            async for _ in self._extract(making, self._checker.against(making.passages)):
                pass
        return await self._finished(making)

    async def close(self) -> None:
        """End the connections to models, on the event loop that used them."""
        for model in self._models.values():
            await model.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _begin(self, question: Question) -> AnswerMaking:
        text = _checked(question.text)
        if question.model not in (None, *self._router.names):
            raise UnknownModel(f"There is no model {question.model!r}; there are: {', '.join(self._router.names)}.")
        started = time.perf_counter()
        deadline = Deadline.after(min(self._answer_seconds, (question.max_latency_ms or math.inf) / 1000))
        asked = await standalone(text, question.history, self._rewriter(question), deadline)
        return AnswerMaking(question, asked, deadline, started)

    def _rewriter(self, question: Question) -> LanguageModel | None:
        """The model that makes a follow-up understandable: the first fast one."""
        if question.model == EXTRACTIVE:
            return None
        return next((model for model in self._models.values() if model.profile.role is Role.FAST), None)

    def _route(self, making: AnswerMaking, intent: Intent, evidence: EvidenceSignals | None) -> Route:
        question = making.question
        return self._router.route(
            RoutingFacts(
                intent=intent,
                evidence=evidence,
                prompt_tokens=self._tasks.prompt_tokens(making.asked.text),
                model=question.model,
                max_latency_ms=question.max_latency_ms,
                max_cost_usd=question.max_cost_usd,
                max_tokens=question.max_tokens,
                spent_ms=_milliseconds_since(making.started),
            )
        )

    async def _find(self, making: AnswerMaking) -> None:
        question = making.question
        if question.passages is not None:
            making.passages, making.timings = question.passages, {"retrieve": 0.0, "rerank": 0.0}
            return
        text, top_k = making.asked.text, question.top_k or self._top_k
        found = await self._run(lambda: self._search.search(text, question.scope, top_k))
        making.passages, making.timings = found.passages, dict(found.timings_ms)

    async def _write(self, making: AnswerMaking, intent: Intent) -> AsyncIterator[AnswerEvent]:
        """Text and verdicts; what they add up to is in the draft afterwards."""
        passages, question = making.passages, making.question
        check = self._checker.against(passages)
        task = await self._task(making, intent, check)
        began = time.perf_counter()
        if task is not None:
            async for event in self._written(making, task):
                yield event
        elif question.json_schema is not None:
            raise InvalidQuestion(
                "An answer in JSON needs a language model, and none can be used here. Configure one (PLUMB_MODELS), or "
                "ask without response_format.",
                code="needs_model",
            )
        if making.outcome is None or making.outcome.incomplete:
            async for event in self._extract(making, check):
                yield event
        making.timings["generate"] = _milliseconds_since(began) - making.timings.get("check", 0.0)

    async def _task(self, making: AnswerMaking, intent: Intent, check: EvidenceCheck) -> WritingTask | None:
        """What models are to do; None when none is to be asked."""
        began = time.perf_counter()
        passages = making.passages
        making.route = route = self._route(making, intent, evidence_signals(making.asked.text, passages))
        if not route.models or not passages:
            return None
        threshold = self._checker.info.threshold
        task = await self._run(
            lambda: self._tasks.answer(
                making.question, making.asked.text, passages, route, check, threshold, making.deadline
            )
        )
        making.timings["pack"] = _milliseconds_since(began)
        return task

    async def _written(self, making: AnswerMaking, task: WritingTask) -> AsyncIterator[AnswerEvent]:
        writer = self._writer(making, task)
        making.task, making.outcome = task, writer.outcome
        began = time.perf_counter()
        async for event in writer.events():
            yield event
        making.calls.extend(writer.outcome.calls)
        self.metrics.answer_written(writer.outcome, making.draft.citation_counts)
        if writer.outcome.first_token_at is not None:
            making.timings["first_token"] = (writer.outcome.first_token_at - began) * 1000
        making.timings["check"] = writer.outcome.check_seconds * 1000

    def _writer(self, making: AnswerMaking, task: WritingTask) -> Cascade | JsonWriter:
        schema = making.question.json_schema
        if schema is None or task.prompt == CHAT_PROMPT:
            return Cascade(task, making.draft, self._run)
        from generation.writing.json_writer import JsonWriter  # loads jsonschema

        return JsonWriter(task, schema, making.draft, self._run)

    async def _extract(self, making: AnswerMaking, check: EvidenceCheck) -> AsyncIterator[AnswerEvent]:
        """Verbatim sentences: the whole answer, or the rest of one that every model broke off."""
        draft = making.draft
        text, passages = making.asked.text, making.passages
        extract = await self._run(lambda: self._extractive.extract(text, passages))
        making.probability = extract.probability
        checking = making.timings.get("check", 0.0)
        for sentence in extract.sentences:
            if sentence.text in draft.text:
                continue
            span = draft.span_of(" ", sentence.text)
            began = time.perf_counter()
            checked = await self._run(functools.partial(check.check, sentence.text, span))
            checking += _milliseconds_since(began)
            making.calls.extend(checked.calls)
            draft.warn(checked.warning)
            place = Support(sentence.passage, sentence.start, sentence.end, sentence.text, 1.0)
            yield Delta(draft.add(" ", sentence.text, checked.verdict, [place]))
            yield SentenceChecked(checked.verdict)
        making.timings["check"] = checking

    async def _chat(self, making: AnswerMaking, intent: Intent) -> AsyncIterator[AnswerEvent]:
        """A greeting needs no passages."""
        making.timings = {"retrieve": 0.0, "rerank": 0.0}
        yield PassagesFound(())
        began = time.perf_counter()
        making.route = route = self._route(making, intent, None)
        check = self._checker.against(())
        if route.models:
            task = self._tasks.chat(making.question, making.asked.text, route, check, making.deadline)
            async for event in self._written(making, task):
                yield event
        if making.outcome is None or making.outcome.refused or not making.draft.text:
            making.draft, making.outcome = AnswerDraft(), None
            talk = small_talk(making.asked.text)
            assert talk is not None, "only small talk is answered here"
            verdict = SentenceVerdict(making.draft.span_of("", talk.reply), False, 1.0, True)
            yield Delta(making.draft.add("", talk.reply, verdict, ()))
            yield SentenceChecked(verdict)
        making.timings["generate"] = _milliseconds_since(began)
        yield AnswerDone(await self._finished(making))

    async def _finished(self, making: AnswerMaking) -> Answer:
        rewriting = making.asked.call
        for call in [*making.calls, *([rewriting] if rewriting is not None else [])]:
            counts = call.counts
            if counts is None:
                counts = await self._run(functools.partial(self._tasks.estimate, call.messages, call.text))
            making.count(call.model, counts)
        await self._check_language(making)
        return making.finished(self._checker.info, self._prices)

    async def _check_language(self, making: AnswerMaking) -> None:
        text, question = making.draft.text, making.question
        if making.outcome is None or not text or question.json_schema is not None:
            return  # quotations are in the language of their document, and JSON is in none
        began = time.perf_counter()
        other = await self._run(lambda: other_language(making.asked.text, text, question.format_hint))
        if other is not None:
            making.draft.warn(str(other))
        making.timings["check"] = making.timings.get("check", 0.0) + _milliseconds_since(began)

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _replayed(answer: Answer) -> Iterator[AnswerEvent]:
    yield PassagesFound(answer.passages)
    yield Delta(answer.answer)
    if answer.groundedness is not None:
        yield from (SentenceChecked(verdict) for verdict in answer.groundedness.sentences)
    yield AnswerDone(answer)


def _checked(question: str) -> str:
    text = question.strip()
    if not text:
        raise InvalidQuestion("The question is empty.")
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise InvalidQuestion(
            f"The question has {len(text):,} characters; at most {MAX_QUESTION_CHARACTERS:,} can be answered."
        )
    return text


def _milliseconds_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
