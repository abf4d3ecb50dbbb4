"""What a job of the evaluation side is, and how far it is."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Mapping
from typing import Any

from runtime.errors import NotFound


class UnknownRecord(NotFound):
    code = "unknown_record"


class JobStatus(enum.StrEnum):
    """The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobKind(enum.StrEnum):
    """`TEST_SET` drafts questions, the others measure."""

    RETRIEVAL = "retrieval"
    ANSWERS = "answers"
    GROUNDEDNESS = "groundedness"
    TEST_SET = "test_set"


EVALUATIONS = (JobKind.RETRIEVAL, JobKind.ANSWERS, JobKind.GROUNDEDNESS)


@dataclasses.dataclass(frozen=True, slots=True)
class JobData:
    """What was handed in with a job: the name it was sent under, and its content in the store."""

    name: str
    content_hash: str
    size_bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class EvaluationJob:
    """`options` are as the caller chose them. `progress` is 0..1 over the whole job.

    `result` is what came out, without the record of each item: for an evaluation the run record of `plumb eval --out`
    less its `records`. `records` counts those that are kept.
    """

    id: str
    tenant: str
    kind: JobKind
    status: JobStatus
    options: Mapping[str, Any]
    data: JobData | None
    stage: str | None
    progress: float
    records: int
    result: Mapping[str, Any] | None
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


@dataclasses.dataclass(frozen=True, slots=True)
class JobPage:
    jobs: tuple[EvaluationJob, ...]
    next_cursor: str | None
