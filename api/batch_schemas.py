"""Shapes of batches at the HTTP edge."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from api.schemas import AnswerBody, AskRequest, ErrorBody, Problem

BatchStatusName = Literal["queued", "running", "waiting", "finished", "cancelled", "failed"]


class BatchLine(AskRequest):
    """A line of a batch: the body of an ask, and the caller's own id for it."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None


class BatchCounts(BaseModel):
    total: int
    answered: int
    failed: int = Field(description="Questions whose result is an error")
    open: int


class BatchUsage(BaseModel):
    """Of all answers that were made for the batch, those of an ensemble's members that were not chosen included."""

    prompt_tokens: int
    completion_tokens: int
    cost_usd: float


class BatchBody(BaseModel):
    batch_id: str
    status: BatchStatusName = Field(description="`waiting`: what is left is at a provider's batch endpoint")
    progress: float = Field(description="0..1")
    counts: BatchCounts
    usage: BatchUsage
    ensemble: list[str]
    use_provider_batch: bool
    cancel_requested: bool
    error: ErrorBody | None = Field(description="Why the whole batch failed; questions have theirs in the results")
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None


class EnsembleAnswer(BaseModel):
    """What one model of an ensemble said, or why it said nothing. `answered_by` differs when the model failed."""

    model: str
    answer_id: str | None = None
    answered_by: str | None = None
    answer: str | None = None
    refused: bool | None = None
    groundedness: float | None = None
    error: ErrorBody | None = None


class EnsembleBody(BaseModel):
    agreement: float | None = Field(description="0..1, mean over all pairs of answers; null with fewer than two")
    majority: int = Field(description="How many answers say what the chosen one says, itself included")
    answers: list[EnsembleAnswer]
    disagreements: list[str] = Field(examples=[["number: 28 / 30 (small / large)"]])


class BatchResultLine(BaseModel):
    """One line of the results: `answer`, or `error`."""

    index: int
    id: str | None = None
    answer: AnswerBody | None = None
    error: Problem | None = None
    ensemble: EnsembleBody | None = None
