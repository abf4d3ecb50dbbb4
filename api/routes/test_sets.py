"""Test sets: questions drafted from a collection with their evidence, for a person to accept, edit or reject."""

from __future__ import annotations

import functools
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.dependencies import CurrentPlatform, CurrentRequestId, CurrentTenant
from api.evaluation_schemas import (
    EvaluationStatus,
    TestItemBody,
    TestItemChange,
    TestItemList,
    TestSetBody,
    TestSetList,
    TestSetRequest,
)
from api.event_streams import EventStream, ServerEvent, changes
from api.routes.evaluations import JSONL, POLL_SECONDS, NotSucceeded, job_fields, json_lines
from api.schemas import Identifier
from evals.jobs.records import EvaluationJob, JobKind, JobStatus, UnknownRecord
from evals.test_sets.items import ItemStatus, edited
from generation.language_models.model import UnknownModel

if TYPE_CHECKING:
    from api.platform import Platform

KIND = (JobKind.TEST_SET,)

router = APIRouter(prefix="/v1/test-sets", tags=["evaluations"])

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "An event `status` with the test set for every change; the last one has a final status.",
    }
}
_EXPORT: dict[int | str, dict[str, Any]] = {
    200: {"content": {JSONL: {"schema": {"type": "string"}}}, "description": "An item a line, as `plumb eval` reads it"}
}


@router.post("", status_code=202)
def draft_test_set(body: TestSetRequest, platform: CurrentPlatform, tenant: CurrentTenant) -> TestSetBody:
    """Draft questions in the background."""
    if body.collection is not None:
        platform.registry.collection(tenant, body.collection)
    if body.model is not None and body.model not in platform.models:
        raise UnknownModel(f"There is no model {body.model[:80]!r}; there are: {', '.join(platform.models)}.")
    options = body.model_dump()
    if body.model == "extractive":  # it writes nothing of its own: rules draft
        options["model"] = None
    return _body(platform, platform.evaluations.receive(tenant, JobKind.TEST_SET, options))


@router.get("")
def list_test_sets(
    platform: CurrentPlatform,
    tenant: CurrentTenant,
    status: EvaluationStatus | None = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> TestSetList:
    """Newest first; `next_cursor` asks for the next page."""
    page = platform.evaluations.store.jobs(
        tenant, KIND, status=JobStatus(status) if status else None, cursor=cursor, limit=limit
    )
    return TestSetList(test_sets=[_body(platform, job) for job in page.jobs], next_cursor=page.next_cursor)


@router.get("/{test_set_id}")
def show_test_set(test_set_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> TestSetBody:
    return _body(platform, _job(platform, tenant, test_set_id))


@router.post("/{test_set_id}/cancel", status_code=202)
def cancel_test_set(test_set_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> TestSetBody:
    """Stop the drafting; 409 when it has ended."""
    return _body(platform, platform.evaluations.cancel(tenant, test_set_id, KIND))


@router.get("/{test_set_id}/events", response_class=StreamingResponse, responses=_STREAM)
async def follow_test_set(
    test_set_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant, request_id: CurrentRequestId
) -> EventStream:
    """The drafting as it goes on, until it has ended."""
    look = functools.partial(_job, platform, tenant, test_set_id)
    first = await run_in_threadpool(look)

    def event(job: EvaluationJob) -> ServerEvent:
        return ServerEvent("status", _body(platform, job).model_dump(mode="json"))

    return EventStream(changes(first, look, event, POLL_SECONDS), request_id)


@router.get("/{test_set_id}/items")
def list_items(test_set_id: Identifier, platform: CurrentPlatform, tenant: CurrentTenant) -> TestItemList:
    """All items, in the order in which they were drafted."""
    _job(platform, tenant, test_set_id)
    records = platform.evaluations.store.records(tenant, test_set_id)
    return TestItemList(items=[TestItemBody.model_validate(record) for record in records])


@router.patch("/{test_set_id}/items/{item_id}")
def judge_item(
    test_set_id: Identifier,
    item_id: Identifier,
    body: TestItemChange,
    platform: CurrentPlatform,
    tenant: CurrentTenant,
) -> TestItemBody:
    """Accept, reject or edit an item."""
    job = _job(platform, tenant, test_set_id)
    if job.status is not JobStatus.SUCCEEDED:
        raise NotSucceeded(f"The test set is not there yet ({job.status}).")
    store = platform.evaluations.store
    for position, record in enumerate(store.records(tenant, test_set_id)):
        if record["id"] == item_id:
            changed = (
                edited(record, question=body.question, answers=body.answers)
                if body.status is None
                else {**record, "status": body.status}
            )
            store.change_record(tenant, test_set_id, position, changed)
            return TestItemBody.model_validate(changed)
    raise UnknownRecord(f"There is no item {item_id[:80]!r} in this test set.")


@router.get("/{test_set_id}/export", response_class=StreamingResponse, responses=_EXPORT)
def export_test_set(
    test_set_id: Identifier,
    platform: CurrentPlatform,
    tenant: CurrentTenant,
    judged: Annotated[bool, Query(description="Only what a person has accepted or edited")] = False,
) -> StreamingResponse:
    """The items as a file for `plumb eval answers`, without the rejected ones."""
    _job(platform, tenant, test_set_id)
    left_out = {ItemStatus.REJECTED.value, *([ItemStatus.DRAFTED.value] if judged else [])}
    records = platform.evaluations.store.records(tenant, test_set_id)
    wanted = (record for record in records if record["status"] not in left_out)
    return StreamingResponse(json_lines(wanted), media_type=JSONL)


def _job(platform: Platform, tenant: str, test_set_id: str) -> EvaluationJob:
    return platform.evaluations.store.job(tenant, test_set_id, KIND)


def _body(platform: Platform, job: EvaluationJob) -> TestSetBody:
    records = platform.evaluations.store.records(job.tenant, job.id)
    return TestSetBody.model_validate(
        {
            **job_fields(job),
            "test_set_id": job.id,
            "questions": job.records,
            "counts": dict(Counter(record["status"] for record in records)) if job.records else {},
            "kinds": (job.result or {}).get("kinds", {}),
        }
    )
