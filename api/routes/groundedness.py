"""The hallucination rate, the audit that corrects it, and what readers say of answers."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.dependencies import CurrentPlatform, CurrentTenant
from api.groundedness_bodies import audit_body, monitor_body, rate_report_body
from api.groundedness_schemas import (
    AuditItemBody,
    AuditList,
    DrawBody,
    DrawRequest,
    FeedbackBody,
    FeedbackRequest,
    JudgeRequest,
    MonitorList,
    Name,
    RateReportBody,
    Window,
)
from api.schemas import CollectionName, Identifier
from evals.hallucination_rate.judgements import AuditVerdict, Judgement
from evals.hallucination_rate.window import AnswerFilter, GroupBy, window_of
from generation.opinions import Feedback, Opinion

router = APIRouter(prefix="/v1", tags=["groundedness"])

Moment = datetime.datetime

_WINDOW = "A span up to `to`, such as 24h, 7d or 4w"


@router.get("/groundedness/rate", response_model=RateReportBody, response_model_by_alias=True)
def rate(
    platform: CurrentPlatform,
    tenant: CurrentTenant,
    window: Annotated[Window | None, Query(description=f"{_WINDOW}; absent: 24h")] = None,
    first: Annotated[Moment | None, Query(alias="from", description="Instead of `window`; UTC unless it says")] = None,
    last: Annotated[Moment | None, Query(alias="to", description="Absent: now")] = None,
    model: Annotated[Name | None, Query()] = None,
    collection: Annotated[CollectionName | None, Query()] = None,
    route: Annotated[Name | None, Query(description="fast, powerful or batch")] = None,
    checker: Annotated[Name | None, Query(description="Only what this checker judged")] = None,
    group_by: Annotated[GroupBy | None, Query()] = None,
) -> Any:
    """The share of answers with unsupported content, corrected for the checker's errors, with a 95% interval.

    It is about answers that a model wrote and a checker judged; all others are counted apart.
    """
    chosen = _filter(tenant, window or (None if first else "24h"), first, last, model, collection, route, checker)
    return rate_report_body(platform.rates.report(chosen, group_by))


@router.post("/groundedness/monitors/restart")
def restart_monitors(platform: CurrentPlatform, tenant: CurrentTenant) -> MonitorList:
    """Start the monitors anew: after an alarm that was seen to, or a change that makes the past moot.

    Each start has its own chance of a false alarm.
    """
    return MonitorList(monitors=[monitor_body(one) for one in platform.rates.restart_monitors(tenant)])


@router.get("/groundedness/audit")
def list_audit(
    platform: CurrentPlatform,
    tenant: CurrentTenant,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    reveal: Annotated[bool, Query(description="Show what the checker said. It sways whoever judges.")] = False,
) -> AuditList:
    """The next answers to judge, each with its passages."""
    items = platform.audit.to_judge(tenant, limit)
    return AuditList(items=[audit_body(item, reveal=reveal) for item in items])


@router.post("/groundedness/audit", status_code=201)
def draw_audit(body: DrawRequest, platform: CurrentPlatform, tenant: CurrentTenant) -> DrawBody:
    """Draw more answers to judge, flagged and unflagged ones, at random with known probabilities.

    Only verdicts on answers that were drawn this way correct the rate.
    """
    window = body.window or (None if body.first else "7d")
    chosen = _filter(tenant, window, body.first, body.last, body.model, body.collection, body.route, body.checker)
    draw = platform.audit.draw(chosen, body.answers)
    return DrawBody(
        drawn=draw.flagged + draw.unflagged,
        flagged=draw.flagged,
        candidates=draw.candidates,
        to_judge=platform.audit.count_to_judge(tenant),
    )


@router.get("/groundedness/audit/{audit_id}")
def show_audit(
    audit_id: Identifier,
    platform: CurrentPlatform,
    tenant: CurrentTenant,
    reveal: Annotated[bool, Query(description="Show what the checker said.")] = False,
) -> AuditItemBody:
    """One drawn answer with all judgements on it."""
    return audit_body(platform.audit.item(tenant, audit_id), reveal=reveal)


@router.post("/groundedness/audit/{audit_id}/verdict")
def judge_audit(
    audit_id: Identifier, body: JudgeRequest, platform: CurrentPlatform, tenant: CurrentTenant
) -> AuditItemBody:
    """Enter a person's verdict on a drawn answer. The last one counts; the same again changes nothing."""
    judgement = Judgement(AuditVerdict(body.verdict), body.judged_by, tuple(body.spans), body.note)
    return audit_body(platform.audit.judge(tenant, audit_id, judgement), reveal=True)


@router.post("/answers/{answer_id}/feedback", status_code=201, tags=["answers"])
def give_feedback(
    answer_id: Identifier, body: FeedbackRequest, platform: CurrentPlatform, tenant: CurrentTenant
) -> FeedbackBody:
    """What a reader thinks of an answer, in place of what this author said before. It never enters the rate."""
    opinion = Opinion(body.verdict) if body.verdict is not None else None
    feedback = Feedback(answer_id, body.author, body.helpful, opinion, body.comment)
    given_at = platform.feedback.give(tenant, feedback)
    return FeedbackBody(answer_id=answer_id, **body.model_dump(), given_at=given_at)


def _filter(
    tenant: str,
    window: str | None,
    first: Moment | None,
    last: Moment | None,
    model: str | None,
    collection: str | None,
    route: str | None,
    checker: str | None,
) -> AnswerFilter:
    return AnswerFilter(
        tenant=tenant,
        window=window_of(window, first, last, datetime.datetime.now(datetime.UTC)),
        model=model,
        collection=collection,
        route=route,
        checker=checker,
    )
