"""A question to a cited and checked answer, at once or as it is made."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.answer_keeping import AnswerKeeper
from api.ask_question import question_of
from api.dependencies import (
    CurrentMetrics,
    CurrentPlatform,
    CurrentRequestId,
    CurrentTenant,
)
from api.disconnection import unless_disconnected
from api.event_streams import EventStream, ServerEvent
from api.platform import Platform
from api.schemas import AnswerBody, AskRequest, Identifier
from generation.answers import (
    AnswerDone,
    AnswerEvent,
    Delta,
    PassagesFound,
    Question,
    SentenceChecked,
    passage_to_json,
)

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
    question = await run_in_threadpool(question_of, body, tenant, platform.registry)
    keep = AnswerKeeper(platform, tenant, body.collection, metrics, store=body.store)
    if body.stream:
        return EventStream(_events(platform, question, keep), request_id)
    answer = await unless_disconnected(request, platform.answerer.answer(question))
    return JSONResponse(await keep(answer))


@router.get("/answers/{answer_id}", response_model=AnswerBody)
def show_answer(answer_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> Any:
    """An answer as it was given."""
    return JSONResponse(platform.answers.load(tenant, answer_id))


async def _events(platform: Platform, question: Question, keep: AnswerKeeper) -> AsyncIterator[ServerEvent]:
    events = platform.answerer.stream(question)
    try:
        async for event in events:
            yield await _server_event(event, keep)
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


async def _server_event(event: AnswerEvent, keep: AnswerKeeper) -> ServerEvent:
    match event:
        case PassagesFound(passages):
            return ServerEvent("passages", {"passages": [passage_to_json(passage) for passage in passages]})
        case Delta(text):
            return ServerEvent("delta", {"text": text})
        case SentenceChecked(verdict):
            return ServerEvent("sentence", dataclasses.asdict(verdict))
        case AnswerDone(answer):
            return ServerEvent("answer", await keep(answer))
