"""Evaluations: measurements over data that are handed in, worked off in the background."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.dependencies import CurrentPlatform, CurrentRequestId, CurrentTenant
from api.evaluation_schemas import (
    Comparison,
    DifferenceBody,
    EvaluationBody,
    EvaluationKind,
    EvaluationList,
    EvaluationRequest,
    EvaluationStatus,
)
from api.evaluation_upload import HandedIn, handed_in
from api.event_streams import EventStream, ServerEvent, changes
from api.multipart_upload import MissingFile
from api.schemas import Identifier
from evals.jobs.records import EVALUATIONS, EvaluationJob, JobKind, JobStatus
from generation.language_models.model import UnknownModel
from runtime.errors import InvalidInput

if TYPE_CHECKING:
    from api.platform import Platform
    from evals.runs.run_record import RunRecord

POLL_SECONDS = 0.3
JSONL = "application/jsonl"

router = APIRouter(prefix="/v1/evaluations", tags=["evaluations"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["kind", "file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "answers, groundedness: JSONL, plain or gzipped; retrieval: a zip of a "
                            "folder in BEIR form (corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv).",
                        },
                        **EvaluationRequest.model_json_schema()["properties"],
                    },
                }
            },
            "application/json": {"schema": EvaluationRequest.model_json_schema()},
        },
    }
}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "An event `status` with the evaluation for every change; the last one has a final status.",
    }
}
_RECORDS: dict[int | str, dict[str, Any]] = {
    200: {"content": {JSONL: {"schema": {"type": "string"}}}, "description": "The record of an item a line"}
}

# Answers of models and lines of documents are in the page: whatever they hold, it runs nothing and loads nothing.
_REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


class NotSucceeded(InvalidInput):
    """What is asked for is there only once the evaluation has succeeded."""

    code = "evaluation_unfinished"


@router.post("", status_code=202, openapi_extra=_BODY)
async def submit_evaluation(request: Request, platform: CurrentPlatform, tenant: CurrentTenant) -> EvaluationBody:
    """Keep the data and measure in the background, one evaluation at a time."""
    intake = platform.evaluations
    async with handed_in(request, EvaluationRequest, platform.upload_dir, intake.max_bytes) as given:
        return evaluation_body(await run_in_threadpool(_submit, platform, tenant, given))


@router.get("")
def list_evaluations(
    platform: CurrentPlatform,
    tenant: CurrentTenant,
    kind: EvaluationKind | None = None,
    status: EvaluationStatus | None = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> EvaluationList:
    """Newest first; `next_cursor` asks for the next page."""
    page = platform.evaluations.store.jobs(
        tenant,
        [JobKind(kind)] if kind else EVALUATIONS,
        status=JobStatus(status) if status else None,
        cursor=cursor,
        limit=limit,
    )
    return EvaluationList(evaluations=[evaluation_body(job) for job in page.jobs], next_cursor=page.next_cursor)


@router.get("/compare")
def compare_evaluations(
    platform: CurrentPlatform,
    tenant: CurrentTenant,
    a: Annotated[Identifier, Query(description="The evaluation to compare with")],
    b: Annotated[Identifier, Query(description="The evaluation to compare")],
) -> Comparison:
    """Differences `b - a`, item by item, as `plumb eval compare-runs`. Both must have measured the same data."""
    from evals.runs.compare_runs import compare_runs

    differences = compare_runs(_run(platform, tenant, a), _run(platform, tenant, b))
    bodies = [DifferenceBody.model_validate(dataclasses.asdict(one)) for one in differences]
    return Comparison(a=a, b=b, differences=bodies)


@router.get("/{evaluation_id}")
def show_evaluation(evaluation_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> EvaluationBody:
    return evaluation_body(_job(platform, tenant, evaluation_id))


@router.post("/{evaluation_id}/cancel", status_code=202)
def cancel_evaluation(evaluation_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> EvaluationBody:
    """The evaluation stops between two items; 409 when it has ended."""
    return evaluation_body(platform.evaluations.cancel(tenant, evaluation_id, EVALUATIONS))


@router.get("/{evaluation_id}/events", response_class=StreamingResponse, responses=_STREAM)
async def follow_evaluation(
    evaluation_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant, request_id: CurrentRequestId
) -> EventStream:
    """The evaluation as it changes, until it has ended."""
    look = functools.partial(_job, platform, tenant, evaluation_id)
    first = await run_in_threadpool(look)
    return EventStream(changes(first, look, _event, POLL_SECONDS), request_id)


@router.get("/{evaluation_id}/records", response_class=StreamingResponse, responses=_RECORDS)
def read_records(evaluation_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> StreamingResponse:
    """The record of each item, as far as the evaluation has come."""
    _job(platform, tenant, evaluation_id)
    records = platform.evaluations.store.records(tenant, evaluation_id)
    return StreamingResponse(json_lines(records), media_type=JSONL)


@router.get("/{evaluation_id}/run", response_class=JSONResponse)
def read_run(evaluation_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> JSONResponse:
    """The whole run as `plumb eval --out` writes it. 409 before the evaluation has succeeded."""
    return JSONResponse(_run(platform, tenant, evaluation_id).to_json())


@router.get("/{evaluation_id}/report", response_class=HTMLResponse)
def read_report(
    evaluation_id: Identifier,
    platform: CurrentPlatform,
    tenant: CurrentTenant,
    beside: Annotated[Identifier | None, Query(description="Another evaluation to show it beside")] = None,
) -> HTMLResponse:
    """A page that stands alone as a file: metrics with their intervals, plots, items, how to repeat it."""
    from evals.report.html_report import render_report

    ids = [evaluation_id, *([beside] if beside is not None else [])]
    page = render_report([_run(platform, tenant, one) for one in ids])
    return HTMLResponse(page, headers={"Content-Security-Policy": _REPORT_POLICY})


def _submit(platform: Platform, tenant: str, given: HandedIn[EvaluationRequest]) -> EvaluationJob:
    wanted = given.request
    if wanted.model is not None and wanted.model not in platform.models:
        raise UnknownModel(f"There is no model {wanted.model[:80]!r}; there are: {', '.join(platform.models)}.")
    if wanted.collection is not None:
        platform.registry.collection(tenant, wanted.collection)
    if (given.data is None) == (wanted.test_set_id is None):
        raise MissingFile("An evaluation takes its data as the `file` of a form, or names a `test_set_id`; not both.")
    if wanted.test_set_id is not None:
        test_set = platform.evaluations.store.job(tenant, wanted.test_set_id, (JobKind.TEST_SET,))
        if test_set.status is not JobStatus.SUCCEEDED:
            raise NotSucceeded(f"The test set is not there yet ({test_set.status}).")
    return platform.evaluations.receive(tenant, JobKind(wanted.kind), wanted.options(), given.data)


def _job(platform: Platform, tenant: str, evaluation_id: str) -> EvaluationJob:
    return platform.evaluations.store.job(tenant, evaluation_id, EVALUATIONS)


def _run(platform: Platform, tenant: str, evaluation_id: str) -> RunRecord:
    from evals.jobs.measuring import run_record

    job = _job(platform, tenant, evaluation_id)
    if job.status is not JobStatus.SUCCEEDED:
        raise NotSucceeded(f"The evaluation {evaluation_id} has no result ({job.status}).")
    return run_record(job, list(platform.evaluations.store.records(tenant, evaluation_id)))


def _event(job: EvaluationJob) -> ServerEvent:
    return ServerEvent("status", evaluation_body(job).model_dump(mode="json"))


def json_lines(records: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for record in records:
        yield json.dumps(record, ensure_ascii=False).encode(errors="replace") + b"\n"


def job_fields(job: EvaluationJob) -> dict[str, Any]:
    """What every job of the evaluation side shows of itself."""
    return {
        "status": job.status.value,
        "stage": job.stage,
        "progress": round(job.progress, 4),
        "options": {name: value for name, value in job.options.items() if value is not None},
        "cancel_requested": job.cancel_requested,
        "attempts": job.attempts,
        "error": {"code": job.error_code, "message": job.error_message} if job.error_code else None,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def evaluation_body(job: EvaluationJob) -> EvaluationBody:
    result = job.result or {}
    return EvaluationBody.model_validate(
        {
            **job_fields(job),
            "evaluation_id": job.id,
            "kind": job.kind.value,
            "data": dataclasses.asdict(job.data) if job.data else None,
            "records": job.records,
            "metrics": result.get("metrics"),
            "intervals": result.get("intervals"),
            "seconds": result.get("seconds"),
        }
    )
