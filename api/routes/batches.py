"""Batches: many questions at once, answered in the background."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.batch_lines import InvalidBatch, questions_of
from api.batch_schemas import BatchBody, BatchResultLine
from api.batch_upload import batch_body
from api.dependencies import CurrentPlatform, CurrentRequestId, CurrentTenant
from api.error_responses import told_problem
from api.event_streams import EventStream, ServerEvent, changes
from api.schemas import Identifier
from generation.batches.records import BatchOptions, BatchRecord, BatchResult

if TYPE_CHECKING:
    from api.platform import Platform

POLL_SECONDS = 0.5
MAX_ENSEMBLE = 5
JSONL = "application/jsonl"

router = APIRouter(prefix="/v1/batches", tags=["batches"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSONL: {
                "schema": {
                    "type": "string",
                    "description": "One JSON object a line: the body of `/v1/ask` without `stream`, and the caller's "
                    "own `id` for it, if any.",
                },
                "example": '{"id": "a", "question": "How many days of leave are there?"}\n'
                '{"id": "b", "question": "When does the canteen close?", "collection": "handbook"}\n',
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary", "description": "The same JSONL"}},
                }
            },
        },
    }
}
_RESULTS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": BatchResultLine,
        "content": {JSONL: {"schema": {"type": "string"}}},
        "description": "One such object a line, in the order of the questions",
    }
}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "An event `status` with the batch for every change; the last one has a final status.",
    }
}


@router.post("", status_code=202, openapi_extra=_BODY)
async def submit_batch(
    request: Request,
    platform: CurrentPlatform,
    tenant: CurrentTenant,
    ensemble: Annotated[
        str | None,
        Query(description="Names of models, parted by commas: each answers every question, and agreement is measured."),
    ] = None,
    use_provider_batch: Annotated[
        bool | None,
        Query(
            description="Whether models with the role `batch` are asked through their provider's batch endpoint, which "
            "is cheaper and may take a day; absent: where there is such a model."
        ),
    ] = None,
) -> BatchBody:
    """Keep the questions and answer them in the background. All lines are checked first: a batch is taken whole."""
    options = _options(platform, ensemble, use_provider_batch)
    body = await batch_body(request, platform.upload_dir, platform.batches.max_bytes)
    return batch_to_body(await run_in_threadpool(_submit, platform, tenant, body, options))


@router.get("/{batch_id}")
def show_batch(batch_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> BatchBody:
    return batch_to_body(platform.batches.store.batch(tenant, batch_id))


@router.post("/{batch_id}/cancel", status_code=202)
def cancel_batch(batch_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> BatchBody:
    """The batch stops between two questions, and at the provider; what was answered stays. 409 when it has ended."""
    return batch_to_body(platform.batches.cancel(tenant, batch_id))


@router.get("/{batch_id}/results", response_class=StreamingResponse, responses=_RESULTS)
def read_results(
    batch_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant, request_id: CurrentRequestId
) -> StreamingResponse:
    """What there is so far; once the batch has ended, a line for every question."""
    platform.batches.store.batch(tenant, batch_id)
    results = platform.batches.store.results(tenant, batch_id)
    return StreamingResponse(_result_lines(results, request_id), media_type=JSONL)


@router.get("/{batch_id}/events", response_class=StreamingResponse, responses=_STREAM)
async def follow_batch(
    batch_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant, request_id: CurrentRequestId
) -> EventStream:
    """The batch as it changes, until it has ended."""
    first = await run_in_threadpool(platform.batches.store.batch, tenant, batch_id)
    look = functools.partial(platform.batches.store.batch, tenant, batch_id)
    return EventStream(changes(first, look, _event, POLL_SECONDS), request_id)


def _options(platform: Platform, ensemble: str | None, use_provider_batch: bool | None) -> BatchOptions:
    members = tuple(name.strip() for name in (ensemble or "").split(",") if name.strip())
    unknown = [name for name in members if name not in platform.models]
    if unknown:
        raise InvalidBatch(
            f"There is no model {unknown[0][:80]!r} for the ensemble; there are: {', '.join(platform.models)}."
        )
    if ensemble is not None and not 2 <= len(set(members)) == len(members) <= MAX_ENSEMBLE:
        raise InvalidBatch(f"An ensemble has 2 to {MAX_ENSEMBLE} different models, parted by commas.")
    endpoints = platform.batches.endpoints
    if use_provider_batch and not endpoints:
        raise InvalidBatch("No model has the role `batch`, so no provider's batch endpoint can be used (PLUMB_MODELS).")
    return BatchOptions(members, bool(endpoints) if use_provider_batch is None else use_provider_batch)


def _submit(platform: Platform, tenant: str, body: bytes, options: BatchOptions) -> BatchRecord:
    questions = questions_of(
        body,
        tenant,
        platform.registry,
        models=platform.models,
        ensemble=bool(options.ensemble),
        max_questions=platform.batches.max_questions,
    )
    return platform.batches.receive(tenant, questions, options)


def _result_lines(results: Iterator[BatchResult], request_id: str) -> Iterator[bytes]:
    for result in results:
        line: dict[str, Any] = {"index": result.index}
        if result.caller_id is not None:
            line["id"] = result.caller_id
        if result.answer is not None:
            line["answer"] = result.answer
        if result.error is not None:
            line["error"] = told_problem(result.error, request_id)
        if result.ensemble is not None:
            line["ensemble"] = result.ensemble
        yield json.dumps(line, ensure_ascii=False).encode(errors="replace") + b"\n"


def _event(batch: BatchRecord) -> ServerEvent:
    return ServerEvent("status", batch_to_body(batch).model_dump(mode="json"))


def batch_to_body(batch: BatchRecord) -> BatchBody:
    error = {"code": batch.error_code, "message": batch.error_message} if batch.error_code else None
    return BatchBody.model_validate(
        {
            "batch_id": batch.id,
            "status": batch.status.value,
            "progress": round(batch.progress, 4),
            "counts": {
                "total": batch.total,
                "answered": batch.answered,
                "failed": batch.failed,
                "open": batch.total - batch.answered - batch.failed,
            },
            "usage": {
                "prompt_tokens": batch.spent.prompt_tokens,
                "completion_tokens": batch.spent.completion_tokens,
                "cost_usd": batch.spent.cost_usd,
            },
            "ensemble": list(batch.options.ensemble),
            "use_provider_batch": batch.options.use_provider,
            "cancel_requested": batch.cancel_requested,
            "error": error,
            "created_at": batch.created_at,
            "started_at": batch.started_at,
            "finished_at": batch.finished_at,
        }
    )
