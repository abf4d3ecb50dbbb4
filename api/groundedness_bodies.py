"""Rate reports and drawn answers in the form of the HTTP interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.groundedness_schemas import (
    AuditCheckerBody,
    AuditItemBody,
    AuditPassageBody,
    AuditSentenceBody,
    AuditStateBody,
    CheckerRateBody,
    ErrorCountsBody,
    FeedbackCountsBody,
    GroupRateBody,
    JudgementBody,
    MonitorBody,
    OutcomeCounts,
    RateReportBody,
)
from evals.hallucination_rate.audit_view import sentence_views, without_marks
from evals.hallucination_rate.judgements import AuditItem, GivenJudgement
from evals.hallucination_rate.rate_words import in_words
from generation.answer_outcomes import AnswerOutcome

if TYPE_CHECKING:
    from evals.hallucination_rate.corrected_rate import ErrorCounts
    from evals.hallucination_rate.monitor_store import RunningMonitor
    from evals.hallucination_rate.rate_report import CheckerRate, GroupRate
    from evals.hallucination_rate.rate_reports import RateReport
    from evals.hallucination_rate.verdict_counts import Tally


def rate_report_body(report: RateReport) -> RateReportBody:
    whole, tally = report.whole, report.whole.tally
    feedback = report.feedback
    return RateReportBody(
        **_rate(whole),
        first=report.chosen.window.start,
        last=report.chosen.window.end,
        objective=report.objective,
        says=in_words(whole, report.objective),
        counts=_counts(tally),
        checkers=[_checker(one, report.objective) for one in whole.checkers],
        monitors=[monitor_body(one) for one in report.monitors],
        audit=AuditStateBody(
            judged=sum(len(one.audited) for one in tally.checkers.values()),
            undecidable=tally.undecidable,
            to_judge=tally.to_judge,
        ),
        feedback=FeedbackCountsBody(
            helpful=feedback.helpful,
            not_helpful=feedback.not_helpful,
            supported=feedback.supported,
            unsupported=feedback.unsupported,
        ),
        groups=[
            GroupRateBody(**_rate(one), group=name, counts=_counts(one.tally)) for name, one in report.groups.items()
        ]
        if report.groups is not None
        else None,
    )


def monitor_body(running: RunningMonitor) -> MonitorBody:
    monitor = running.monitor
    return MonitorBody(
        checker=running.checker.name,
        version=running.checker.version,
        since=running.started_at,
        answers=monitor.answers,
        alarm=monitor.alarm,
        alarmed_after=monitor.alarmed_at,
        evidence=monitor.evidence,
        threshold=monitor.threshold,
        false_alarm_probability=monitor.alpha,
        uses_flags=monitor.ceiling is not None,
    )


def audit_body(item: AuditItem, *, reveal: bool) -> AuditItemBody:
    answer = item.answer
    passages = answer["passages"]
    groundedness = answer["groundedness"]
    checker = groundedness["checker"]
    history = [_judgement(given) for given in item.history]
    return AuditItemBody(
        audit_id=item.audit_id,
        answer_id=answer["answer_id"],
        question=answer["question"],
        answer=without_marks(answer["answer"]),
        sentences=[
            AuditSentenceBody(
                text=sentence.text,
                span=sentence.span,
                is_claim=sentence.is_claim,
                nearest=[passages[place]["chunk_id"] for place in sentence.nearest],
                supported=sentence.supported if reveal else None,
                unsupported=list(sentence.unsupported) if reveal else None,
            )
            for sentence in sentence_views(answer)
        ],
        passages=[AuditPassageBody(**{name: one[name] for name in AuditPassageBody.model_fields}) for one in passages],
        drawn_at=item.drawn_at,
        judgement=history[-1] if history else None,
        history=history,
        checker=AuditCheckerBody(
            name=checker["name"],
            version=checker["version"],
            flagged=item.flagged,
            score=groundedness["score"],
            probability=item.probability,
        )
        if reveal
        else None,
    )


def _rate(one: GroupRate) -> dict[str, Any]:
    return {
        "rate": one.rate,
        "interval": one.interval,
        "method": one.method,
        "answers": one.answers,
        "audited": one.audited,
        "slo": one.standing,
    }


def _checker(one: CheckerRate, objective: float) -> CheckerRateBody:
    from evals.hallucination_rate.rate_report import standing

    rate = one.rate
    return CheckerRateBody(
        name=one.checker.name,
        version=one.checker.version,
        rate=rate.rate,
        interval=rate.interval,
        method=rate.method,
        answers=rate.answers,
        audited=rate.audited,
        slo=standing(rate.interval, objective),
        errors=_errors(one.counts) if one.counts is not None else None,
        counts_contradicted=rate.counts_contradicted,
    )


def _errors(counts: ErrorCounts) -> ErrorCountsBody:
    return ErrorCountsBody(
        sensitivity=counts.sensitivity,
        specificity=counts.specificity,
        unsupported_total=counts.unsupported_total,
        supported_total=counts.supported_total,
        source=counts.source,
    )


def _counts(tally: Tally) -> OutcomeCounts:
    return OutcomeCounts(
        checked=tally.outcomes[AnswerOutcome.SUPPORTED] + tally.outcomes[AnswerOutcome.UNSUPPORTED],
        flagged=tally.outcomes[AnswerOutcome.UNSUPPORTED],
        refused=tally.outcomes[AnswerOutcome.REFUSED],
        no_claims=tally.outcomes[AnswerOutcome.NO_CLAIMS],
        fixed=tally.outcomes[AnswerOutcome.FIXED],
        unchecked=tally.outcomes[AnswerOutcome.UNCHECKED],
        verbatim=tally.verbatim,
        cached=tally.cached,
    )


def _judgement(given: GivenJudgement) -> JudgementBody:
    judgement = given.judgement
    return JudgementBody(
        verdict=judgement.verdict.value,
        spans=list(judgement.spans),
        note=judgement.note,
        judged_by=judgement.judged_by,
        judged_at=given.judged_at,
    )
