"""What workers write of evaluation jobs: who has one, how far it is, the record of each item, how it ended.

A worker claims a job before it begins, and holds the claim by a token of its own. The record of an item is written
once. Whoever takes a job over is given the records that there are, and goes on behind them.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from evals.jobs.records import EvaluationJob, JobStatus
from evals.jobs.rows import end_job, job_record
from evals.jobs.tables import evaluation_jobs, evaluation_records
from runtime.database import Database, database_clock


class JobLost(Exception):
    """Another worker has the job now; this one stops and writes nothing more."""


@dataclasses.dataclass(frozen=True, slots=True)
class JobClaim:
    """The right to work on a job.

    `begun`: how often, this time included, it was begun without that anything came of it or the worker gave it back.
    `retries`: how often work on it broke off for an error that may pass.
    """

    job: EvaluationJob
    token: str
    begun: int
    retries: int


class EvaluationLedger:
    """Thread-safe, blocking. All moments are the database's.

    `claim_expires_after`: seconds without a heartbeat after which a worker counts as dead.
    """

    def __init__(self, database: Database, *, claim_expires_after: float = 60.0) -> None:
        self._database = database
        self._expires_after = claim_expires_after

    def claim(self, job_id: str) -> JobClaim | float | None:
        """Take a job up. `None`: nothing to do. Seconds: another worker has it, ask again after them."""
        with self._database.write(durable=False) as connection:
            query = sa.select(evaluation_jobs, database_clock().label("now")).where(evaluation_jobs.c.id == job_id)
            row = connection.execute(query.with_for_update()).one_or_none()
            if row is None or row.finished_at is not None:
                return None
            if row.claim is not None and (row.now - row.heartbeat_at).total_seconds() < self._expires_after:
                return self._expires_after
            token = str(uuid.uuid4())
            connection.execute(
                evaluation_jobs.update()
                .where(evaluation_jobs.c.id == job_id)
                .values(
                    claim=token,
                    heartbeat_at=database_clock(),
                    attempts=evaluation_jobs.c.attempts + 1,
                    begun=evaluation_jobs.c.begun + 1,
                    status=JobStatus.RUNNING,
                    started_at=sa.func.coalesce(evaluation_jobs.c.started_at, database_clock()),
                )
            )
            taken = connection.execute(sa.select(evaluation_jobs).where(evaluation_jobs.c.id == job_id)).one()
            return JobClaim(job_record(taken), token, taken.begun, taken.retries)

    def kept(self, job_id: str) -> list[dict[str, Any]]:
        """The records that there are, in order."""
        query = (
            sa.select(evaluation_records.c.record)
            .where(evaluation_records.c.job_id == job_id)
            .order_by(evaluation_records.c.position)
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def heartbeat(self, claim: JobClaim) -> bool:
        """Hold the job for another while; whether it is to be cancelled. Raises JobLost."""
        with self._database.write(durable=False) as connection:
            return _hold(connection, claim)

    def report(self, claim: JobClaim, stage: str, progress: float, records: Sequence[Mapping[str, Any]] = ()) -> bool:
        """Write how far the job is and the `records` that came since; whether it is to be cancelled. Raises JobLost."""
        with self._database.write(durable=bool(records)) as connection:
            values: dict[str, Any] = {"stage": stage, "progress": progress}
            if records:
                values["begun"] = 0
            cancelled = _hold(connection, claim, **values)
            _append(connection, claim, records)
            return cancelled

    def end(
        self,
        claim: JobClaim,
        status: JobStatus,
        *,
        result: Mapping[str, Any] | None = None,
        records: Sequence[Mapping[str, Any]] | None = None,
        error_code: str | None = None,
        error_message: str | None = None,
    ) -> None:
        """Finish a job; `records`, when given, take the place of those kept on the way. Raises JobLost."""
        with self._database.write() as connection:
            _hold(connection, claim)
            if records is not None:
                connection.execute(evaluation_records.delete().where(evaluation_records.c.job_id == claim.job.id))
                connection.execute(_own(claim).values(records=0))
                _append(connection, claim, records)
            values: dict[str, Any] = {"error_code": error_code, "error_message": error_message}
            if status is JobStatus.SUCCEEDED:
                values |= {"progress": 1.0, "result": dict(result or {})}
            end_job(connection, claim.job.id, status, **values)

    def release(self, claim: JobClaim, *, failed: bool = False) -> None:
        """Give an unfinished job back: interrupted, or `failed` by an error that may pass."""
        with self._database.write(durable=False) as connection:
            connection.execute(
                _own(claim).values(
                    status=JobStatus.QUEUED,
                    claim=None,
                    begun=0,
                    retries=evaluation_jobs.c.retries + 1 if failed else 0,
                )
            )

    def release_all(self) -> None:
        """Count every claim as that of a dead worker. Only for the one process that owns the records, at its start."""
        with self._database.write(durable=False) as connection:
            connection.execute(
                evaluation_jobs.update()
                .where(evaluation_jobs.c.claim.is_not(None), evaluation_jobs.c.finished_at.is_(None))
                .values(claim=None, status=JobStatus.QUEUED)
            )

    def unfinished(self) -> list[str]:
        """Ids, oldest first."""
        query = (
            sa.select(evaluation_jobs.c.id)
            .where(evaluation_jobs.c.finished_at.is_(None))
            .order_by(evaluation_jobs.c.created_at, evaluation_jobs.c.id)
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())


def _hold(connection: sa.Connection, claim: JobClaim, **values: Any) -> bool:
    """Renew a claim within a transaction; whether the job is to be cancelled. Raises JobLost."""
    held = connection.execute(
        _own(claim).values(heartbeat_at=database_clock(), **values).returning(evaluation_jobs.c.cancel_requested)
    ).one_or_none()
    if held is None:
        raise JobLost
    return bool(held.cancel_requested)


def _append(connection: sa.Connection, claim: JobClaim, records: Sequence[Mapping[str, Any]]) -> None:
    if not records:
        return
    count = evaluation_jobs.c.records
    first = connection.execute(sa.select(count).where(evaluation_jobs.c.id == claim.job.id)).scalar_one()
    rows = [
        {"job_id": claim.job.id, "position": position, "record": dict(record)}
        for position, record in enumerate(records, start=first)
    ]
    connection.execute(evaluation_records.insert(), rows)
    connection.execute(_own(claim).values(records=first + len(rows)))


def _own(claim: JobClaim) -> sa.Update:
    return evaluation_jobs.update().where(
        evaluation_jobs.c.id == claim.job.id,
        evaluation_jobs.c.claim == claim.token,
        evaluation_jobs.c.finished_at.is_(None),
    )
