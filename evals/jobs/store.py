"""Evaluation jobs as their owners see them: handed in, listed, looked at, cancelled, read."""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import uuid
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO, Protocol

import sqlalchemy as sa

from evals.jobs.records import EvaluationJob, JobData, JobKind, JobPage, JobStatus, UnknownRecord
from evals.jobs.rows import end_job, job_record
from evals.jobs.tables import evaluation_jobs, evaluation_records
from ingestion.original_store import OriginalStore
from runtime.database import Database, database_clock
from runtime.errors import InvalidInput, NotFound

RECORDS_AT_ONCE = 200


class UnknownEvaluation(NotFound):
    code = "unknown_evaluation"


class EvaluationFinished(InvalidInput):
    code = "evaluation_finished"


class JobStore:
    """Blocking, thread-safe. Every call is bound to a tenant: another tenant's job does not exist.

    What workers write is in `evals.jobs.ledger`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, tenant: str, kind: JobKind, options: Mapping[str, Any], data: JobData | None) -> EvaluationJob:
        """Keep a job, queued."""
        job_id = str(uuid.uuid4())
        with self._database.write() as connection:
            connection.execute(
                evaluation_jobs.insert().values(
                    id=job_id,
                    tenant=tenant,
                    kind=kind,
                    status=JobStatus.QUEUED,
                    options=dict(options),
                    data_name=data.name if data else None,
                    data_hash=data.content_hash if data else None,
                    data_bytes=data.size_bytes if data else None,
                    progress=0.0,
                    records=0,
                    cancel_requested=False,
                    attempts=0,
                    begun=0,
                    retries=0,
                    created_at=database_clock(),
                )
            )
            return _job(connection, tenant, job_id)

    def job(self, tenant: str, job_id: str, kinds: Collection[JobKind] = tuple(JobKind)) -> EvaluationJob:
        """Raises UnknownEvaluation, also for a job that is of another kind."""
        with self._database.read() as connection:
            return _job(connection, tenant, job_id, kinds)

    def jobs(
        self,
        tenant: str,
        kinds: Collection[JobKind],
        *,
        status: JobStatus | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> JobPage:
        """Newest first. Raises InvalidInput (`invalid_cursor`)."""
        query = sa.select(evaluation_jobs).where(
            evaluation_jobs.c.tenant == tenant, evaluation_jobs.c.kind.in_([kind.value for kind in kinds])
        )
        if status is not None:
            query = query.where(evaluation_jobs.c.status == status)
        if cursor is not None:
            created_at, job_id = _read_cursor(cursor)
            query = query.where(
                (evaluation_jobs.c.created_at < created_at)
                | ((evaluation_jobs.c.created_at == created_at) & (evaluation_jobs.c.id < job_id))
            )
        query = query.order_by(evaluation_jobs.c.created_at.desc(), evaluation_jobs.c.id.desc()).limit(limit + 1)
        with self._database.read() as connection:
            found = [job_record(row) for row in connection.execute(query)]
        page = tuple(found[:limit])
        return JobPage(page, _write_cursor(page[-1]) if len(found) > limit else None)

    def cancel(self, tenant: str, job_id: str, kinds: Collection[JobKind] = tuple(JobKind)) -> EvaluationJob:
        """Ask a job to stop between two items; one that no worker has begun ends at once.

        Raises UnknownEvaluation, EvaluationFinished.
        """
        with self._database.write() as connection:
            job = _job(connection, tenant, job_id, kinds, for_update=True)
            if job.finished:
                raise EvaluationFinished(f"This job has ended already ({job.status}).")
            if job.attempts == 0:
                end_job(connection, job_id, JobStatus.CANCELLED, cancel_requested=True)
            else:
                connection.execute(
                    evaluation_jobs.update().where(evaluation_jobs.c.id == job_id).values(cancel_requested=True)
                )
            return _job(connection, tenant, job_id)

    def records(self, tenant: str, job_id: str) -> Iterator[dict[str, Any]]:
        """The record of each item so far, in order. Raises UnknownEvaluation at the first.

        Read in pieces: nothing is held open between them.
        """
        self.job(tenant, job_id)
        after = -1
        while True:
            query = (
                sa.select(evaluation_records)
                .where(evaluation_records.c.job_id == job_id, evaluation_records.c.position > after)
                .order_by(evaluation_records.c.position)
                .limit(RECORDS_AT_ONCE)
            )
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            yield from (row.record for row in rows)
            after = rows[-1].position

    def change_record(self, tenant: str, job_id: str, position: int, record: Mapping[str, Any]) -> None:
        """Put another record in the place of one. Raises UnknownEvaluation, UnknownRecord."""
        with self._database.write() as connection:
            _job(connection, tenant, job_id)
            changed = connection.execute(
                evaluation_records.update()
                .where(evaluation_records.c.job_id == job_id, evaluation_records.c.position == position)
                .values(record=dict(record))
            )
            if changed.rowcount == 0:
                raise UnknownRecord(f"There is no record {position} here.")


class EvaluationQueue(Protocol):
    """Carries job ids to a worker. The job row is the truth: a message that is lost or doubled does no harm."""

    def submit(self, job_id: str, *, delay: float = 0.0) -> None:
        """Queue a committed job, to be taken up after `delay` seconds at the earliest."""


class EvaluationIntake:
    """The one door through which evaluation jobs enter and are stopped. Blocking, thread-safe."""

    def __init__(self, store: JobStore, files: OriginalStore, queue: EvaluationQueue, *, max_bytes: int) -> None:
        self.store = store
        self.max_bytes = max_bytes
        self._files = files
        self._queue = queue

    def receive(
        self, tenant: str, kind: JobKind, options: Mapping[str, Any], data: tuple[str, BinaryIO] | None = None
    ) -> EvaluationJob:
        """Keep a job and its data (a name and a stream), then queue it. Raises FileTooLarge, StorageFull."""
        kept = None
        if data is not None:
            name, stream = data
            original = self._files.put(stream)
            kept = JobData(name, original.content_hash, original.size_bytes)
        job = self.store.submit(tenant, kind, options, kept)
        self._queue.submit(job.id)
        return job

    def cancel(self, tenant: str, job_id: str, kinds: Collection[JobKind]) -> EvaluationJob:
        """Raises UnknownEvaluation, EvaluationFinished."""
        job = self.store.cancel(tenant, job_id, kinds)
        if not job.finished:
            self._queue.submit(job_id)  # one that waits to be tried again hears of it now
        return job


def _job(
    connection: sa.Connection,
    tenant: str,
    job_id: str,
    kinds: Collection[JobKind] = tuple(JobKind),
    *,
    for_update: bool = False,
) -> EvaluationJob:
    query = sa.select(evaluation_jobs).where(
        evaluation_jobs.c.tenant == tenant,
        evaluation_jobs.c.id == job_id,
        evaluation_jobs.c.kind.in_([kind.value for kind in kinds]),
    )
    row = connection.execute(query.with_for_update() if for_update else query).one_or_none()
    if row is None:
        what = "test set" if tuple(kinds) == (JobKind.TEST_SET,) else "evaluation"
        raise UnknownEvaluation(f"There is no {what} {job_id[:80]!r}.")
    return job_record(row)


def _write_cursor(last: EvaluationJob) -> str:
    return base64.urlsafe_b64encode(json.dumps([last.created_at.isoformat(), last.id]).encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime.datetime, str]:
    try:
        created_at, job_id = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
        moment = datetime.datetime.fromisoformat(created_at)
        if moment.tzinfo is None or not isinstance(job_id, str):
            raise ValueError("not written by this program")
    except (ValueError, TypeError, binascii.Error) as error:
        raise InvalidInput(
            "The cursor is not one that this list has given. Start again without it.", code="invalid_cursor"
        ) from error
    return moment, job_id
