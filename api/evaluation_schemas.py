"""Shapes of evaluations and test sets at the HTTP edge."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, model_validator

from api.schemas import Body, CollectionName, ErrorBody, Identifier, Text

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
