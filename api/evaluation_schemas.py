"""Shapes of evaluations and test sets at the HTTP edge."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, model_validator

from api.schemas import Body, CollectionName, ErrorBody, Identifier, QuestionText, Text

MAX_TEST_QUESTIONS = 1000

EvaluationKind: TypeAlias = Literal["retrieval", "answers", "groundedness"]
EvaluationStatus: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Name: TypeAlias = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
ArmName: TypeAlias = Literal["bm25", "dense", "rrf", "fused", "reranked"]

ARMS: tuple[ArmName, ...] = ("bm25", "dense", "fused", "reranked")

_CHOICES = {
    "retrieval": {"split", "arms", "relevant_from"},
    "answers": {"model", "collection", "test_set_id"},
    "groundedness": {"checker"},
}


def _parted_by_commas(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class EvaluationRequest(Body):
    """What to measure, and how. Choices that another kind of evaluation has are refused."""

    kind: EvaluationKind
    model: Name | None = Field(None, description="answers: the language model; absent: the router chooses.")
    collection: CollectionName | None = Field(
        None, description="answers: where questions without a context look; absent: all collections."
    )
    test_set_id: Identifier | None = Field(None, description="answers: a stored test set in the place of a file.")
    checker: Name | None = Field(None, description="groundedness: the checker; absent: the configured one.")
    split: Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,100}$")] = Field(
        "dev", description="retrieval: which judgments, qrels/SPLIT.tsv."
    )
    arms: Annotated[list[ArmName], BeforeValidator(_parted_by_commas), Field(min_length=1)] = Field(
        list(ARMS), description="retrieval: the arms to measure, in a form parted by commas."
    )
    relevant_from: int = Field(1, ge=1, le=1000, description="retrieval: the lowest grade that counts as relevant.")

    @model_validator(mode="after")
    def _of_its_kind(self) -> EvaluationRequest:
        foreign = self.model_fields_set - {"kind"} - _CHOICES[self.kind]
        if foreign:
            raise ValueError(f"an evaluation of {self.kind} has no `{min(foreign)}`")
        return self

    def options(self) -> dict[str, Any]:
        return self.model_dump(include=_CHOICES[self.kind])


class HandedInBody(BaseModel):
    name: str
    size_bytes: int
    content_hash: str = Field(description="SHA-256 of what was sent")


class JobBodyBase(BaseModel):
    status: EvaluationStatus
    stage: str | None = Field(description="What is being done now; null before and after")
    progress: float = Field(description="0..1 over the whole job")
    options: dict[str, Any]
    cancel_requested: bool
    attempts: int
    error: ErrorBody | None
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None


class EvaluationBody(JobBodyBase):
    """`metrics` and `intervals` (95%) are there once the evaluation has succeeded."""

    evaluation_id: str
    kind: EvaluationKind
    data: HandedInBody | None
    records: int = Field(description="Items that there is a record of")
    metrics: dict[str, float | None] | None
    intervals: dict[str, tuple[float, float]] | None
    seconds: float | None = Field(description="Wall time of the measurement")


class EvaluationList(BaseModel):
    evaluations: list[EvaluationBody]
    next_cursor: str | None


class DifferenceBody(BaseModel):
    """Mean paired difference `b - a` of one value over the items that both runs have, with its 95% interval."""

    metric: str
    items: int
    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float
    p_holm: float = Field(description="p after Holm's correction over all differences of this comparison")
    higher_is_better: bool


class Comparison(BaseModel):
    a: str
    b: str
    differences: list[DifferenceBody]


class TestSetRequest(Body):
    """What to draft. The same collection, numbers and seed give the same set, unless a model drafts."""

    __test__ = False  # no test for pytest

    collection: CollectionName | None = Field(None, description="What to ask about; absent: all collections.")
    questions: int = Field(50, ge=1, le=MAX_TEST_QUESTIONS)
    unanswerable: float = Field(0.2, ge=0, le=1, description="Share of questions that the collection does not answer.")
    model: Name | None = Field(None, description="A configured language model that drafts; absent: by rule.")
    seed: int = Field(0, ge=0, le=2**31 - 1)


class EvidenceBody(BaseModel):
    document_id: str
    document_name: str
    chunk_id: str
    quote: str


class TestItemBody(BaseModel):
    __test__ = False

    id: str
    question: str
    answers: list[str]
    answerable: bool
    kind: str
    evidence: list[EvidenceBody]
    near: list[EvidenceBody] = Field(description="What an unanswerable question was made from")
    drafted_by: str
    status: Literal["drafted", "accepted", "edited", "rejected"]


class TestItemChange(Body):
    """A person's judgement. With a question or answers of their own the item becomes `edited`."""

    __test__ = False

    status: Literal["accepted", "rejected"] | None = None
    question: QuestionText | None = None
    answers: (
        Annotated[list[Annotated[Text, StringConstraints(min_length=1, max_length=2000)]], Field(max_length=20)] | None
    ) = None

    @model_validator(mode="after")
    def _says_something(self) -> TestItemChange:
        if self.status is None and self.question is None and self.answers is None:
            raise ValueError("say a `status`, a `question` or `answers`")
        if self.status is not None and (self.question is not None or self.answers is not None):
            raise ValueError("an item that is given another question or other answers is `edited`; leave `status` out")
        return self


class TestSetBody(JobBodyBase):
    """`counts` are the items by status, `kinds` by kind of question, once the set has been drafted."""

    __test__ = False

    test_set_id: str
    questions: int = Field(description="Items that were drafted")
    counts: dict[str, int]
    kinds: dict[str, int]


class TestSetList(BaseModel):
    __test__ = False

    test_sets: list[TestSetBody]
    next_cursor: str | None


class TestItemList(BaseModel):
    __test__ = False

    items: list[TestItemBody]
