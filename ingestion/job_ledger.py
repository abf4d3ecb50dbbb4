"""What workers write of their jobs: who has a job, how far it is, how it ended.

A worker claims a job before it touches anything and holds the claim by a token of its own. One document is worked on by
one job at a time. A worker that died stops its heartbeat; whoever claims the job next counts the death. Only how a job
ends is written durably: what else a crash of the machine swallows is done again.
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ingestion.records import ErrorInfo, JobKind, JobRecord, MetadataValue, Status, VersionFacts
from ingestion.registry_rows import (
    bump_revision,
    end_cancelled,
    facts_to_json,
    find_job,
    find_version,
    job_record,
    lock_document,
)
from ingestion.registry_tables import document_versions, documents, jobs
from runtime.database import Database, database_clock


class JobLost(Exception):
    """Another worker has the job now; this one stops and touches nothing more."""


class JobCancelled(Exception):
    """Somebody asked for this job to stop, or a later upload has made it pointless."""


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job. `active_version` stays as it is while the claim is held, but for this job's doing."""

    job: JobRecord
    token: str
    content_hash: str | None
    metadata: dict[str, MetadataValue]
    active_version: int | None
    retries: int
    worker_deaths: int

    @property
    def activated(self) -> bool:
        """The version serves already; only cleaning up is left."""
        return self.job.kind is JobKind.INGEST and self.active_version == self.job.version


class JobLedger:
    """Thread-safe, blocking. All moments are the database's, so hosts with wrong clocks do no harm.

    `claim_expires_after`: seconds without a heartbeat after which a worker counts as dead.
    """

    def __init__(self, database: Database, *, claim_expires_after: float = 60.0) -> None:
        self._database = database
        self._expires_after = claim_expires_after

    def claim(self, job_id: str) -> Claim | float | None:
        """Take a job up. `None`: nothing to do. Seconds: somebody else is at this document, ask again after them."""
        with self._database.write(durable=False) as connection:
            row = find_job(connection, job_id)
            if row is None or row.finished_at is not None:
                return None
            document = lock_document(connection, row.document_id)
            job = connection.execute(sa.select(jobs).where(jobs.c.id == job_id).with_for_update()).one()
            if job.finished_at is not None:
                return None
            now = connection.execute(sa.select(database_clock())).scalar_one()
            if self._is_held(job, now):
                return self._expires_after
            others = sa.select(jobs).where(
                jobs.c.document_id == job.document_id, jobs.c.id != job_id, jobs.c.finished_at.is_(None)
            )
            if any(self._is_held(other, now) for other in connection.execute(others)):
                return 1.0
            if job.kind == JobKind.INGEST and (document is None or document.status == Status.DELETING):
                end_cancelled(connection, document, job_id)
                return None
            return _take(connection, job, document)

    def _is_held(self, job: sa.Row[Any], now: datetime.datetime) -> bool:
        return job.claim is not None and (now - job.heartbeat_at).total_seconds() < self._expires_after

    def heartbeat(self, claim: Claim) -> None:
        """Hold the job for another while. Raises JobLost."""
        with self._database.write(durable=False) as connection:
            if connection.execute(_own(claim).values(heartbeat_at=database_clock())).rowcount == 0:
                raise JobLost

    def report(self, claim: Claim, status: Status, progress: float, timings: Mapping[str, float]) -> None:
        """Write how far the job is. Raises JobLost and JobCancelled."""
        with self._database.write(durable=False) as connection:
            connection.execute(
                documents.update()
                .where(documents.c.job_id == claim.job.id, documents.c.status.not_in([status, Status.DELETING]))
                .values(status=status, updated_at=database_clock())
            )
            held = connection.execute(
                _own(claim)
                .values(status=status, progress=progress, timings=dict(timings), heartbeat_at=database_clock())
                .returning(jobs.c.cancel_requested)
            ).one_or_none()
            if held is None:
                raise JobLost
            if held.cancel_requested:
                raise JobCancelled

    def activate(self, claim: Claim, facts: VersionFacts) -> Claim:
        """Let searches show this version. Raises JobLost and JobCancelled; a later version is never replaced."""
        with self._database.write() as connection:
            document = lock_document(connection, claim.job.document_id)
            job = _held(connection, claim)
            if job.cancel_requested or document is None or document.status == Status.DELETING:
                raise JobCancelled
            if (document.active_version or 0) > job.version:
                raise JobCancelled
            connection.execute(
                document_versions.update()
                .where(document_versions.c.document_id == document.id, document_versions.c.version == job.version)
                .values(facts=facts_to_json(facts))
            )
            connection.execute(
                documents.update()
                .where(documents.c.id == document.id)
                .values(
                    active_version=job.version,
                    upload_version=job.version,
                    status=Status.READY,
                    error_code=None,
                    error_message=None,
                    updated_at=database_clock(),
                )
            )
            bump_revision(connection, document)
        return dataclasses.replace(claim, active_version=claim.job.version)

    def end_ready(self, claim: Claim, timings: Mapping[str, float]) -> list[str]:
        """Finish a job whose version serves. Returns content that no version of the document needs any more."""
        with self._database.write() as connection:
            document = lock_document(connection, claim.job.document_id)
            _held(connection, claim)
            connection.execute(
                _own(claim).values(
                    status=Status.READY, progress=1.0, timings=dict(timings), claim=None, finished_at=database_clock()
                )
            )
            return _prune(connection, document)

    def end_cancelled(self, claim: Claim) -> list[str]:
        """Finish a job that was asked to stop. Returns content that no version of the document needs any more."""
        with self._database.write() as connection:
            document = lock_document(connection, claim.job.document_id)
            _held(connection, claim)
            end_cancelled(connection, document, claim.job.id)
            return _prune(connection, lock_document(connection, claim.job.document_id))

    def end_failed(self, claim: Claim, error: ErrorInfo, timings: Mapping[str, float]) -> None:
        """Finish a job with the reason why its version cannot serve; an older active version goes on serving."""
        with self._database.write() as connection:
            document = lock_document(connection, claim.job.document_id)
            _held(connection, claim)
            reason = {"status": Status.FAILED, "error_code": error.code, "error_message": error.message}
            connection.execute(
                _own(claim).values(**reason, timings=dict(timings), claim=None, finished_at=database_clock())
            )
            if document is not None and document.job_id == claim.job.id:
                connection.execute(
                    documents.update()
                    .where(documents.c.id == document.id)
                    .values(**reason, updated_at=database_clock())
                )

    def end_deleted(self, claim: Claim) -> list[str]:
        """Remove the document's rows and finish its delete job. Returns the content that it referred to."""
        with self._database.write() as connection:
            document_id = claim.job.document_id
            lock_document(connection, document_id)
            _held(connection, claim)
            released = connection.execute(
                document_versions.delete()
                .where(document_versions.c.document_id == document_id)
                .returning(document_versions.c.content_hash)
            ).scalars()
            hashes = sorted(set(released))
            connection.execute(documents.delete().where(documents.c.id == document_id))
            connection.execute(
                jobs.update()
                .where(jobs.c.document_id == document_id, jobs.c.finished_at.is_(None), jobs.c.id != claim.job.id)
                .values(status=Status.CANCELLED, claim=None, finished_at=database_clock())
            )
            connection.execute(
                _own(claim).values(status=Status.DELETED, progress=1.0, claim=None, finished_at=database_clock())
            )
            return hashes

    def release(self, claim: Claim, error: ErrorInfo | None = None) -> None:
        """Give an unfinished job back; with an error, as one more try that failed for a reason that can pass."""
        values: dict[str, Any] = {"status": Status.QUEUED, "claim": None, "heartbeat_at": database_clock()}
        if error is not None:
            values |= {"retries": jobs.c.retries + 1, "error_code": error.code, "error_message": error.message}
        with self._database.write(durable=False) as connection:
            lock_document(connection, claim.job.document_id)
            connection.execute(_own(claim).values(**values))
            connection.execute(
                documents.update()
                .where(
                    documents.c.job_id == claim.job.id,
                    documents.c.status.not_in([Status.READY, Status.DELETING]),
                )
                .values(status=Status.QUEUED, updated_at=database_clock())
            )

    def release_all(self) -> None:
        """Count every claim as that of a dead worker. Only for the one process that owns the records, at its start."""
        with self._database.write(durable=False) as connection:
            connection.execute(
                jobs.update()
                .where(jobs.c.claim.is_not(None), jobs.c.finished_at.is_(None))
                .values(claim=None, worker_deaths=jobs.c.worker_deaths + 1)
            )

    def unfinished_jobs(self) -> list[JobRecord]:
        """Oldest first."""
        query = sa.select(jobs).where(jobs.c.finished_at.is_(None)).order_by(jobs.c.created_at, jobs.c.id)
        with self._database.read() as connection:
            return [job_record(row) for row in connection.execute(query)]


def _take(connection: sa.Connection, job: sa.Row[Any], document: sa.Row[Any] | None) -> Claim:
    token = str(uuid.uuid4())
    deaths = job.worker_deaths + (job.claim is not None)
    connection.execute(
        jobs.update()
        .where(jobs.c.id == job.id)
        .values(
            claim=token,
            heartbeat_at=database_clock(),
            attempts=jobs.c.attempts + 1,
            worker_deaths=deaths,
            started_at=sa.func.coalesce(jobs.c.started_at, database_clock()),
            error_code=None,
            error_message=None,
        )
    )
    row = find_job(connection, job.id)
    assert row is not None
    version = find_version(connection, job.document_id, job.version)
    return Claim(
        job=job_record(row),
        token=token,
        content_hash=None if version is None else version.content_hash,
        metadata={} if version is None else dict(version.metadata),
        active_version=None if document is None else document.active_version,
        retries=job.retries,
        worker_deaths=deaths,
    )


def _own(claim: Claim) -> sa.Update:
    return jobs.update().where(jobs.c.id == claim.job.id, jobs.c.claim == claim.token, jobs.c.finished_at.is_(None))


def _held(connection: sa.Connection, claim: Claim) -> sa.Row[Any]:
    query = sa.select(jobs).where(jobs.c.id == claim.job.id, jobs.c.claim == claim.token).with_for_update()
    job = connection.execute(query).one_or_none()
    if job is None or job.finished_at is not None:
        raise JobLost
    return job


def _prune(connection: sa.Connection, document: sa.Row[Any] | None) -> list[str]:
    """Drop version rows that neither serve, nor describe the last upload, nor are being built."""
    if document is None:
        return []
    building = sa.select(jobs.c.version).where(
        jobs.c.document_id == document.id, jobs.c.kind == JobKind.INGEST, jobs.c.finished_at.is_(None)
    )
    kept = [version for version in (document.active_version, document.upload_version) if version is not None]
    released = connection.execute(
        document_versions.delete()
        .where(
            document_versions.c.document_id == document.id,
            document_versions.c.version.not_in(kept),
            document_versions.c.version.not_in(building),
        )
        .returning(document_versions.c.content_hash)
    ).scalars()
    return sorted(set(released))
