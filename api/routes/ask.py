"""A question to a cited and checked answer, at once or as it is made."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from api.dependencies import (
    CurrentMetrics,
    CurrentPlatform,
    CurrentRequestId,
    CurrentTenant,
)
from api.event_streams import EventStream, ServerEvent
from api.http_metrics import HttpMetrics
from api.platform import Platform
from api.question_scope import scope_of
from api.schemas import AnswerBody, AskRequest, Identifier
from generation.answers import (
    Answer,
    AnswerDone,
    AnswerEvent,
    Delta,
    OnUnsupported,
    PassagesFound,
    Question,
    SentenceChecked,
    Turn,
    passage_to_json,
)

T = TypeVar("T")

router = APIRouter(prefix="/v1", tags=["answers"])

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "model": AnswerBody,
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": (
            "The answer; with `stream`, events `passages`, `delta` (more text), `sentence` (a sentence's verdict), "
            "`answer` (all of it) and `error` (a problem)"
        ),
    }
}


@router.post("/ask", response_class=JSONResponse, responses=_STREAM)
async def ask(
    body: AskRequest,
    request: Request,
    platform: CurrentPlatform,
    tenant: CurrentTenant,
    metrics: CurrentMetrics,
    request_id: CurrentRequestId,
) -> Response:
    """Answer from the documents, with citations, or say that they do not tell."""
    question = await run_in_threadpool(_question, body, tenant, platform)
    keep = _AnswerKeeper(platform, tenant, body.collection, metrics)
    if body.stream:
        return EventStream(_events(platform, question, keep), request_id)
    answer = await _unless_disconnected(request, platform.answerer.answer(question))
    return JSONResponse(await keep(answer))


@router.get("/answers/{answer_id}", response_model=AnswerBody)
def show_answer(answer_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> Any:
    """An answer as it was given."""
    return JSONResponse(platform.answers.load(tenant, answer_id))


def _question(body: AskRequest, tenant: str, platform: Platform) -> Question:
    return Question(
        text=body.question,
        scope=scope_of(body, tenant, platform.registry),
        model=body.model,
        history=tuple(Turn(turn.role, turn.content) for turn in body.history),
        on_unsupported=OnUnsupported(body.on_unsupported),
        max_latency_ms=body.max_latency_ms,
        max_cost_usd=body.max_cost_usd,
        use_cache=body.cache,
        top_k=body.top_k,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _AnswerKeeper:
    """Stores an answer before it is sent, so that whoever has its id can look it up."""

    platform: Platform
    tenant: str
    collection: str | None
    metrics: HttpMetrics

    async def __call__(self, answer: Answer) -> dict[str, Any]:
        body = answer.to_json()
        await run_in_threadpool(self.platform.answers.save, self.tenant, self.collection, body)
        self.metrics.observe_stages("ask", answer.timings_ms)
        self.metrics.count_answer(answer.model.name, _outcome(answer))
        return body


def _outcome(answer: Answer) -> str:
    if answer.refused:
        return "refused"
    if answer.groundedness is None:
        return "unchecked"
    return "supported" if answer.groundedness.supported else "unsupported"


async def _events(platform: Platform, question: Question, keep: _AnswerKeeper) -> AsyncIterator[ServerEvent]:
    events = platform.answerer.stream(question)
    try:
        async for event in events:
            yield await _server_event(event, keep)
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


async def _server_event(event: AnswerEvent, keep: _AnswerKeeper) -> ServerEvent:
    match event:
        case PassagesFound(passages):
            return ServerEvent("passages", {"passages": [passage_to_json(passage) for passage in passages]})
        case Delta(text):
            return ServerEvent("delta", {"text": text})
        case SentenceChecked(verdict):
            return ServerEvent("sentence", dataclasses.asdict(verdict))
        case AnswerDone(answer):
            return ServerEvent("answer", await keep(answer))


async def _unless_disconnected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of the work, which is cancelled when the client goes away. Raises ClientDisconnect then."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return await working
    finally:
        for task in (working, leaving):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
