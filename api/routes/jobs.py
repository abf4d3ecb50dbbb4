"""Jobs: what is being done to a document."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.dependencies import CurrentPlatform, CurrentRequestId, CurrentTenant
from api.event_streams import EventStream, ServerEvent, changes
from api.schemas import Identifier, JobBody
from ingestion.records import JobRecord, Status

if TYPE_CHECKING:
    pass

POLL_SECONDS = 0.2

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "An event `status` with the job for every change; the last one has a final status.",
    }
}


@router.get("/{job_id}")
def show_job(job_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> JobBody:
    return job_body(platform.registry.job(tenant, job_id))


@router.post("/{job_id}/cancel", status_code=202)
def cancel_job(job_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> JobBody:
    """The job stops between two batches; 409 when it has ended already."""
    return job_body(platform.intake.cancel(tenant, job_id))


@router.get("/{job_id}/events", response_class=StreamingResponse, responses=_STREAM)
async def follow_job(
    job_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant, request_id: CurrentRequestId
) -> EventStream:
    """The job as it changes, until it has ended."""
    first = await run_in_threadpool(platform.registry.job, tenant, job_id)
    look = functools.partial(platform.registry.job, tenant, job_id)
    return EventStream(changes(first, look, _event, POLL_SECONDS), request_id)


def _event(job: JobRecord) -> ServerEvent:
    return ServerEvent("status", job_body(job).model_dump(mode="json"))


def job_body(job: JobRecord) -> JobBody:
    waiting_or_done = job.finished or job.status is Status.QUEUED
    return JobBody.model_validate(
        {
            "job_id": job.id,
            "document_id": job.document_id,
            "document_name": job.document_name,
            "collection": job.collection,
            "kind": job.kind.value,
            "status": job.status.value,
            "stage": None if waiting_or_done else job.status.value,
            "progress": job.progress,
            "timings": dict(job.timings),
            "attempts": job.attempts,
            "cancel_requested": job.cancel_requested,
            "error": {"code": job.error.code, "message": job.error.message} if job.error else None,
            "created_at": job.created_at,
            "started_at": job.started_at,
            "finished_at": job.finished_at,
        }
    )
