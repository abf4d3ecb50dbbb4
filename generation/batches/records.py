"""What a batch of questions is, how far it is, and what became of each question."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Mapping
from typing import Any

from generation.answers import Question
from runtime.errors import ToldError


class BatchStatus(enum.StrEnum):
    """`waiting`: what is left is at a provider's batch endpoint. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


class QuestionState(enum.StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    FAILED = "failed"


class PartState(enum.StrEnum):
    """`away`: at a provider; `live`: came back from there without an answer, to be asked directly."""

    AWAY = "away"
    LIVE = "live"
    DONE = "done"


@dataclasses.dataclass(frozen=True, slots=True)
class BatchOptions:
    """`ensemble`: models that each answer every question. `use_provider`: batch endpoints where a model has one."""

    ensemble: tuple[str, ...] = ()
    use_provider: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class NewQuestion:
    """`caller_id` comes back with the result."""

    question: Question
    caller_id: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Spent:
    """Tokens, and what they cost in USD."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class BatchRecord:
    """`error` is why a whole batch failed; what is wrong with one question is in its result."""

    id: str
    tenant: str
    status: BatchStatus
    options: BatchOptions
    total: int
    answered: int
    failed: int
    spent: Spent
    cancel_requested: bool
    attempts: int
    error_code: str | None
    error_message: str | None
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None

    @property
    def finished(self) -> bool:
        return self.finished_at is not None

    @property
    def progress(self) -> float:
        """0..1."""
        return (self.answered + self.failed) / self.total


@dataclasses.dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of the question at `index` (from 0): `answer` (the outward contract's form), or `error`.

    `ensemble` is how far several models agreed (`generation.batches.ensemble.Consensus.to_json`).
    """

    index: int
    caller_id: str | None
    answer: Mapping[str, Any] | None
    error: ToldError | None
    ensemble: Mapping[str, Any] | None = None
