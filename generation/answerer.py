"""The way of a question: search, answer, check, step by step as events."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from generation.answers import (
    Answer,
    AnswerDone,
    AnswerEvent,
    CacheUse,
    Citation,
    Delta,
    InvalidQuestion,
    ModelUse,
    PassagesFound,
    Question,
    SentenceChecked,
    Usage,
)
from generation.candidate_sentences import Sentence
from generation.extractive_model import ExtractiveModel
from generation.groundedness import Checker, overall
from generation.language_models import UnknownModel
from retrieval.passages import Passage, Scope
from retrieval.retriever import SearchResult

MAX_QUESTION_CHARACTERS = 20_000
REFUSAL = "The documents do not answer this question. The passages nearest to it are listed with this answer."

Result = TypeVar("Result")


class Search(Protocol):
    def search(self, text: str, scope: Scope, top_k: int) -> SearchResult: ...


class Answerer:
    """Answers questions; many at a time. Everything that takes a processor runs in threads, never on the event loop."""

    def __init__(self, retriever: Search, model: ExtractiveModel, checker: Checker, *, top_k: int) -> None:
        self._retriever = retriever
        self._model = model
        self._checker = checker
        self._top_k = top_k
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="answer")

    async def answer(self, question: Question) -> Answer:
        """The last event of `stream`. Raises `InvalidQuestion`."""
        async for event in self.stream(question):
            if isinstance(event, AnswerDone):
                return event.answer
        raise AssertionError("a stream of events ends with its answer")

    async def stream(self, question: Question) -> AsyncIterator[AnswerEvent]:
        """Passages, then each sentence with its verdict, then the whole answer. Raises `InvalidQuestion`."""
        text = _checked(question, self._model.name)
        started = time.perf_counter()
        found = await self._found(question, text)
        yield PassagesFound(found.passages)
        searched = time.perf_counter()
        extract = await self._run(lambda: self._model.extract(text, found.passages))
        generated = time.perf_counter()
        answer_text, citations, verdicts = "", [], []
        against = self._checker.against(found.passages)
        for marker, sentence in enumerate(extract.sentences, start=1):
            lead = " " if answer_text else ""
            span = (len(answer_text) + len(lead), len(answer_text) + len(lead) + len(sentence.text))
            answer_text += f"{lead}{sentence.text} [{marker}]"
            yield Delta(f"{lead}{sentence.text} [{marker}]")
            verdict = against.check(sentence.text, span).verdict
            yield SentenceChecked(verdict)
            verdicts.append(verdict)
            chunk = sentence.passage.chunk_at(sentence.start)
            citations.append(
                Citation(
                    marker=marker,
                    document_id=chunk.document_id,
                    document_name=chunk.document_name,
                    chunk_id=chunk.chunk_id,
                    page=chunk.page_at(sentence.start),
                    quote=sentence.text,
                    quote_span=(sentence.start, sentence.end),
                    answer_span=span,
                )
            )
        refused = not extract.sentences
        if refused:
            yield Delta(REFUSAL)
        ended = time.perf_counter()
        yield AnswerDone(
            Answer(
                answer_id=str(uuid.uuid4()),
                question=question.text,
                answer=REFUSAL if refused else answer_text,
                refused=refused,
                citations=tuple(citations),
                groundedness=None if refused else overall(verdicts, self._checker.info),
                passages=_with_cited(found.passages, citations, extract.sentences),
                model=ModelUse(self._model.name, "extractive", _reason(extract.probability, refused)),
                usage=Usage(),
                cache=CacheUse(),
                timings_ms={
                    **found.timings_ms,
                    "generate": (generated - searched) * 1000,
                    "check": (ended - generated) * 1000,
                    "total": (ended - started) * 1000,
                },
            )
        )

    async def _found(self, question: Question, text: str) -> SearchResult:
        if question.passages is not None:
            return SearchResult(question.passages, {"retrieve": 0.0, "rerank": 0.0})
        return await self._run(lambda: self._retriever.search(text, question.scope, question.top_k or self._top_k))

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _with_cited(
    passages: Sequence[Passage], citations: Sequence[Citation], sentences: Sequence[Sentence]
) -> tuple[Passage, ...]:
    """The passages found, then the neighbours from whose text a sentence was quoted: every cited chunk can be shown."""
    shown = {passage.chunk.chunk_id: passage for passage in passages}
    for citation, sentence in zip(citations, sentences, strict=True):
        if citation.chunk_id not in shown:
            chunk = sentence.passage.chunk_at(sentence.start)
            shown[chunk.chunk_id] = dataclasses.replace(sentence.passage, chunk=chunk, scores={})
    return tuple(shown.values())


def _checked(question: Question, model: str) -> str:
    text = question.text.strip()
    if not text:
        raise InvalidQuestion("The question is empty.")
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise InvalidQuestion(
            f"The question has {len(text):,} characters; at most {MAX_QUESTION_CHARACTERS:,} can be answered."
        )
    if question.model not in (None, model):
        raise UnknownModel(f"There is no model {question.model!r}; there is {model!r}.")
    return text


def _reason(probability: float, refused: bool) -> str:
    verdict = "too low to answer" if refused else "verbatim sentences"
    return f"no language model is configured; the passages answer with probability {probability:.2f}: {verdict}"
