"""Shapes of the hallucination rate, the audit and readers' opinions at the HTTP edge."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.schemas import Body, CollectionName, Text

MAX_NOTE_CHARS = 10_000
MAX_SPANS = 200
MAX_DRAW = 1_000

Window = Annotated[str, StringConstraints(max_length=20)]
Name = Annotated[Text, Field(max_length=200)]
Note = Annotated[Text, Field(max_length=MAX_NOTE_CHARS)]
AuditWord = Literal["supported", "unsupported", "undecidable"]


class OutcomeCounts(BaseModel):
    """How many answers had which outcome. `flagged` of the `checked` ones are what the checker objected to: it errs in
    both directions, so their share is not the hallucination rate.
    """

    checked: int = Field(description="Answers that a model wrote and a checker judged: the rate is about these")
    flagged: int = Field(description="Of these, how many the checker flagged; not the hallucination rate")
    refused: int
    no_claims: int = Field(description="Answers in which nothing could be wrong, such as small talk")
    fixed: int = Field(description="Flagged while they were made, and written anew, redacted or refused for it")
    unchecked: int = Field(description="Answers that no checker has seen")
    verbatim: int = Field(description="Answers that quote the documents word for word")
    cached: int = Field(description="Of all these, earlier answers that were given again, with the verdict of then")


class ErrorCountsBody(BaseModel):
    """How the checker did on answers whose truth is known; counts may be fractions."""

    sensitivity: float = Field(description="Share of answers with unsupported content that it flags")
    specificity: float = Field(description="Share of sound answers that it does not flag")
    unsupported_total: float
    supported_total: float
    source: str


class RateBody(BaseModel):
    """`rate` is null where it is unknown; `interval` holds the rate with 95% confidence ([0, 1]: nothing is known)."""

    rate: float | None = Field(description="Share of answers with unsupported content, corrected for the checker")
    interval: tuple[float, float]
    method: Literal["counts", "audit", "counts+audit", "none"] = Field(
        description="What it rests on: the checker's error counts, verdicts of the audit, both, or nothing"
    )
    answers: int = Field(description="Answers that it is about")
    audited: int = Field(description="Verdicts of the audit that were used")
    slo: Literal["within", "above", "cannot_tell"] = Field(
        description="`within` and `above` only where the whole interval is"
    )


class CheckerRateBody(RateBody):
    name: str
    version: str
    errors: ErrorCountsBody | None = Field(description="Null: this version's errors were never counted")
    counts_contradicted: bool = Field(
        description="The audit does not agree with the error counts, which were left out: the checker may have drifted"
    )


class GroupRateBody(RateBody):
    group: str = Field(description="Model, route, collection (empty: all of them were searched) or day (UTC)")
    counts: OutcomeCounts


class MonitorBody(BaseModel):
    """An alarm that may be looked for as often as one likes: it says that the rate is above the objective, and errs
    with `false_alarm_probability` at most, from `since` on for ever. It watches all answers of the tenant.
    """

    checker: str
    version: str
    since: datetime.datetime
    answers: int
    alarm: bool
    alarmed_after: int | None = Field(description="Answers after which the alarm was given; it stays until a restart")
    evidence: float = Field(description="Fortune of the bets against the objective; 1 at the start")
    threshold: float = Field(description="Evidence that gives the alarm")
    false_alarm_probability: float
    uses_flags: bool = Field(description="False: without error counts that hold, only verdicts of the audit count")


class FeedbackCountsBody(BaseModel):
    """Whoever says something of an answer chose to: this is no sample, and no rate is made of it."""

    helpful: int
    not_helpful: int
    supported: int
    unsupported: int


class AuditStateBody(BaseModel):
    judged: int = Field(description="Verdicts `supported` and `unsupported` on answers of this window")
    undecidable: int
    to_judge: int = Field(description="Drawn, and not judged yet")


class RateReportBody(RateBody):
    model_config = ConfigDict(populate_by_name=True)

    level: float = Field(0.95, description="Confidence of the interval")
    first: datetime.datetime = Field(serialization_alias="from")
    last: datetime.datetime = Field(serialization_alias="to")
    objective: float = Field(description="The share of answers with unsupported content that is not to be passed")
    says: str = Field(description="The same in a sentence")
    counts: OutcomeCounts
    checkers: list[CheckerRateBody] = Field(description="By version of the checker; the rate combines them")
    monitors: list[MonitorBody]
    audit: AuditStateBody
    feedback: FeedbackCountsBody
    groups: list[GroupRateBody] | None = Field(description="With `group_by`")


class MonitorList(BaseModel):
    monitors: list[MonitorBody]


class DrawRequest(Body):
    """Draw answers of a window for people to judge."""

    answers: Annotated[int, Field(ge=1, le=MAX_DRAW)] = Field(20, description="At most so many more")
    window: Window | None = Field(None, description="Such as 24h or 7d, up to `to`; absent: 7d")
    first: datetime.datetime | None = Field(None, alias="from")
    last: datetime.datetime | None = Field(None, alias="to", description="Absent: now")
    model: Name | None = None
    collection: CollectionName | None = None
    route: Name | None = None
    checker: Name | None = None


class DrawBody(BaseModel):
    drawn: int
    flagged: int = Field(description="How many of the drawn answers the checker had flagged")
    candidates: int = Field(description="How many answers of the window count for the rate")
    to_judge: int = Field(description="How many drawn answers wait for a verdict now, those of earlier draws included")


class AuditSentenceBody(BaseModel):
    """`nearest` are the passages that share most rare words with it, best first, whatever the checker found."""

    text: str
    span: tuple[int, int] = Field(description="[start, end) in characters of the answer")
    is_claim: bool
    nearest: list[str] = Field(description="Chunk ids")
    supported: bool | None = Field(description="The checker's verdict; null unless `reveal`")
    unsupported: list[tuple[int, int]] | None = Field(description="What the checker marked; null unless `reveal`")


class AuditPassageBody(BaseModel):
    chunk_id: str
    document_id: str
    document_name: str
    page: int | None
    section: str
    text: str


class AuditCheckerBody(BaseModel):
    name: str
    version: str
    flagged: bool
    score: float
    probability: float = Field(description="With which the answer could be drawn")


class JudgementBody(BaseModel):
    verdict: AuditWord
    spans: list[tuple[int, int]]
    note: str
    judged_by: str
    judged_at: datetime.datetime


class AuditItemBody(BaseModel):
    """An answer to judge. What the checker said is null unless `reveal`, so that it does not sway the judge."""

    audit_id: str
    answer_id: str
    question: str
    answer: str = Field(description="Citation marks are blanked out: they tell what the checker found supported")
    sentences: list[AuditSentenceBody]
    passages: list[AuditPassageBody]
    drawn_at: datetime.datetime
    judgement: JudgementBody | None = Field(description="The one that counts: the last")
    history: list[JudgementBody] = Field(description="All judgements, the first one first")
    checker: AuditCheckerBody | None


class AuditList(BaseModel):
    items: list[AuditItemBody]


class JudgeRequest(Body):
    """A person's verdict on all of the answer: `unsupported` when any of it is not in the passages."""

    verdict: AuditWord
    spans: Annotated[list[tuple[int, int]], Field(max_length=MAX_SPANS)] = Field(
        default_factory=list, description="The unsupported parts, [start, end) in characters of the answer"
    )
    note: Note = ""
    judged_by: Name = Field("", description="Who says so, as far as the caller tells people apart")


class FeedbackRequest(Body):
    """What a reader thinks of an answer: at least one of `helpful`, `verdict` and `comment`."""

    helpful: bool | None = None
    verdict: Literal["supported", "unsupported"] | None = Field(
        None, description="Whether the sources carry the answer, in the reader's opinion"
    )
    comment: Note = ""
    author: Name = Field("", description="Who says so, as far as the caller tells readers apart; each has one say")

    @model_validator(mode="after")
    def _says_something(self) -> FeedbackRequest:
        if self.helpful is None and self.verdict is None and not self.comment.strip():
            raise ValueError('give at least one of "helpful", "verdict" and "comment"')
        return self


class FeedbackBody(BaseModel):
    answer_id: str
    author: str
    helpful: bool | None
    verdict: Literal["supported", "unsupported"] | None
    comment: str
    given_at: datetime.datetime
