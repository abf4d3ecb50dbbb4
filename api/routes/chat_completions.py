"""The platform in OpenAI's words: clients made for OpenAI work unchanged, our own fields are under `plumbline`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.answer_keeping import AnswerKeeper
from api.chat_question import ROUTED, question_of
from api.chat_replies import Chunk, Done, Reply
from api.chat_schemas import ChatCompletion, ChatRequest, ModelCard, ModelList, OpenAIErrorBody
from api.dependencies import CurrentMetrics, CurrentPlatform, CurrentRequestId, CurrentTenant
from api.disconnection import unless_disconnected
from api.event_streams import EventStream, begun
from api.openai_errors import OpenAIRoute, error_chunk
from generation.answers import AnswerDone, AnswerEvent, Delta, PassagesFound, SentenceChecked
from generation.language_models.model import UnknownModel

_ERRORS: dict[int | str, dict[str, Any]] = {
    "default": {"model": OpenAIErrorBody, "description": "An error in OpenAI's shape"}
}
_COMPLETION: dict[int | str, dict[str, Any]] = {
    200: {
        "model": ChatCompletion,
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": (
            "The completion; with `stream`, its chunks, then `[DONE]`: a sentence's verdict comes under "
            "`plumbline.sentence`, the whole answer under `plumbline` of the chunk with the `finish_reason`"
        ),
    }
}

router = APIRouter(prefix="/v1", tags=["openai"], route_class=OpenAIRoute, responses=_ERRORS)


@router.post("/chat/completions", response_class=JSONResponse, responses=_COMPLETION)
async def complete(
    body: ChatRequest,
    request: Request,
    platform: CurrentPlatform,
    tenant: CurrentTenant,
    metrics: CurrentMetrics,
    request_id: CurrentRequestId,
) -> Response:
    """Answer the last message from the documents, with citations, or say that they do not tell."""
    question = await run_in_threadpool(question_of, body, tenant, platform.registry)
    keep = AnswerKeeper(platform, tenant, body.plumbline.collection, metrics)
    reply = Reply(
        documents_url=f"{request.base_url}v1/documents/",
        as_json=question.json_schema is not None,
        ignored=body.without_effect(),
        asked_model=body.model,
        include_usage=body.stream_options is not None and body.stream_options.include_usage,
    )
    if not body.stream:
        answer = await unless_disconnected(request, platform.answerer.answer(question))
        return JSONResponse(reply.completion(answer, await keep(answer)))
    events = platform.answerer.stream(question)
    # What is wrong with the question shows at the first event, while the response can still have a status of its own.
    events = await unless_disconnected(request, begun(events))
    return EventStream(_chunks(events, reply, keep), request_id, error_event=error_chunk)


@router.get("/models", response_model=ModelList)
def list_models(platform: CurrentPlatform) -> Any:
    """The models that a question can name; the first is routed: the platform chooses."""
    return {"object": "list", "data": [_card(name) for name in (ROUTED[0], *platform.models)]}


@router.get("/models/{name:path}", response_model=ModelCard)
def show_model(name: str, platform: CurrentPlatform) -> Any:
    """One model."""
    if name not in (*ROUTED, *platform.models):
        raise UnknownModel(f"There is no model {name!r}. GET /v1/models lists them.")
    return _card(name)


def _card(name: str) -> dict[str, Any]:
    # OpenAI's shape asks for the time at which a model was made, which nobody here knows.
    return {"id": name, "object": "model", "created": 0, "owned_by": "plumbline"}


async def _chunks(events: AsyncIterator[AnswerEvent], reply: Reply, keep: AnswerKeeper) -> AsyncIterator[Chunk | Done]:
    try:
        yield reply.first_chunk()
        async for event in events:
            async for chunk in _chunks_of(event, reply, keep):
                yield chunk
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


async def _chunks_of(event: AnswerEvent, reply: Reply, keep: AnswerKeeper) -> AsyncIterator[Chunk | Done]:
    match event:
        case PassagesFound():
            return  # they come with the answer
        case Delta(text):
            if not reply.as_json:  # half a JSON text is of no use, and it may still be repaired
                yield reply.text_chunk(text)
        case SentenceChecked(verdict):
            yield reply.sentence_chunk(verdict)
        case AnswerDone(answer):
            for chunk in reply.last_chunks(answer, await keep(answer)):
                yield chunk
