"""Reading and changing single rows of the registry inside a transaction that the caller holds.

Rows are always locked in the order original, document, job, so that transactions cannot wait for each other in a ring.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ingestion.records import (
    DocumentRecord,
    ErrorInfo,
    JobKind,
    JobRecord,
    MetadataValue,
    Status,
    VersionFacts,
)
from ingestion.registry_tables import collections, document_versions, documents, jobs, originals
from runtime.database import database_clock

_shown = document_versions.alias("shown")
_active = document_versions.alias("active")

SELECT_DOCUMENTS = (
    sa.select(
        documents,
        _shown.c.content_hash,
        _shown.c.metadata.label("version_metadata"),
        _active.c.facts,
        originals.c.size_bytes,
    )
    .join(_shown, (_shown.c.document_id == documents.c.id) & (_shown.c.version == documents.c.upload_version))
    .join(originals, originals.c.content_hash == _shown.c.content_hash)
    .outerjoin(_active, (_active.c.document_id == documents.c.id) & (_active.c.version == documents.c.active_version))
)


def document_record(row: sa.Row[Any]) -> DocumentRecord:
    return DocumentRecord(
        id=row.id,
        tenant=row.tenant,
        collection=row.collection,
        name=row.name,
        status=Status(row.status),
        active_version=row.active_version,
        latest_version=row.latest_version,
        content_hash=row.content_hash,
        size_bytes=row.size_bytes,
        metadata=row.version_metadata,
        facts=None if row.facts is None else VersionFacts(**{**row.facts, "warnings": tuple(row.facts["warnings"])}),
        error=_error(row),
        job_id=row.job_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def job_record(row: sa.Row[Any]) -> JobRecord:
    return JobRecord(
        id=row.id,
        tenant=row.tenant,
        document_id=row.document_id,
        document_name=row.document_name,
        collection=row.collection,
        kind=JobKind(row.kind),
        version=row.version,
        size_bytes=row.size_bytes,
        status=Status(row.status),
        progress=row.progress,
        timings=row.timings,
        attempts=row.attempts,
        cancel_requested=row.cancel_requested,
        error=_error(row),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _error(row: sa.Row[Any]) -> ErrorInfo | None:
    return None if row.error_code is None else ErrorInfo(row.error_code, row.error_message)


def facts_to_json(facts: VersionFacts) -> dict[str, Any]:
    return dataclasses.asdict(facts)


def find_job(connection: sa.Connection, job_id: str) -> sa.Row[Any] | None:
    return connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).one_or_none()


def lock_document(connection: sa.Connection, document_id: str) -> sa.Row[Any] | None:
    """The bare document row, held until the transaction ends."""
    return connection.execute(sa.select(documents).where(documents.c.id == document_id).with_for_update()).one_or_none()


def find_version(connection: sa.Connection, document_id: str, version: int | None) -> sa.Row[Any] | None:
    query = sa.select(document_versions).where(
        document_versions.c.document_id == document_id, document_versions.c.version == version
    )
    return connection.execute(query).one_or_none()


def insert_job(
    connection: sa.Connection, document: sa.Row[Any], kind: JobKind, version: int, size_bytes: int, status: Status
) -> str:
    """A new job becomes the document's newest; the document takes its status and loses its old error."""
    job_id = str(uuid.uuid4())
    connection.execute(
        jobs.insert().values(
            id=job_id,
            tenant=document.tenant,
            collection=document.collection,
            document_id=document.id,
            document_name=document.name,
            kind=kind,
            version=version,
            size_bytes=size_bytes,
            status=Status.QUEUED,
            progress=0.0,
            timings={},
            attempts=0,
            retries=0,
            worker_deaths=0,
            cancel_requested=False,
            created_at=database_clock(),
        )
    )
    connection.execute(
        documents.update()
        .where(documents.c.id == document.id)
        .values(job_id=job_id, status=status, error_code=None, error_message=None, updated_at=database_clock())
    )
    return job_id


def insert_version(
    connection: sa.Connection,
    document: sa.Row[Any],
    content_hash: str,
    metadata: Mapping[str, MetadataValue],
    size_bytes: int,
) -> str:
    """The next version of the document and the job that builds it; returns the job's id."""
    version = document.latest_version + 1
    connection.execute(
        document_versions.insert().values(
            document_id=document.id,
            version=version,
            content_hash=content_hash,
            metadata=dict(metadata),
            created_at=database_clock(),
        )
    )
    connection.execute(
        documents.update().where(documents.c.id == document.id).values(latest_version=version, upload_version=version)
    )
    return insert_job(connection, document, JobKind.INGEST, version, size_bytes, Status.QUEUED)


def supersede_ingests(connection: sa.Connection, document: sa.Row[Any]) -> None:
    """Ask unfinished ingest jobs to stop; those that no worker ever had end at once."""
    unfinished = (
        (jobs.c.document_id == document.id)
        & (jobs.c.kind == JobKind.INGEST)
        & jobs.c.finished_at.is_(None)
        & (jobs.c.version > (document.active_version or 0))
    )
    connection.execute(jobs.update().where(unfinished).values(cancel_requested=True))
    connection.execute(
        jobs.update()
        .where(unfinished, jobs.c.attempts == 0)
        .values(status=Status.CANCELLED, finished_at=database_clock())
    )


def show_active_version(connection: sa.Connection, document: sa.Row[Any]) -> None:
    """Let the row describe the version that serves, after a later one was given up."""
    connection.execute(
        documents.update()
        .where(documents.c.id == document.id)
        .values(
            upload_version=document.active_version,
            status=Status.READY,
            error_code=None,
            error_message=None,
            updated_at=database_clock(),
        )
    )


def end_cancelled(connection: sa.Connection, document: sa.Row[Any] | None, job_id: str) -> None:
    """Finish a job as cancelled; its document, if this is still its newest job, falls back to what it had before."""
    connection.execute(
        jobs.update()
        .where(jobs.c.id == job_id)
        .values(status=Status.CANCELLED, claim=None, cancel_requested=True, finished_at=database_clock())
    )
    if document is None or document.job_id != job_id:
        return
    if document.active_version is not None:
        show_active_version(connection, document)
    else:
        connection.execute(
            documents.update()
            .where(documents.c.id == document.id)
            .values(status=Status.CANCELLED, updated_at=database_clock())
        )


def bump_revision(connection: sa.Connection, document: sa.Row[Any]) -> None:
    connection.execute(
        collections.update()
        .where(collections.c.tenant == document.tenant, collections.c.name == document.collection)
        .values(revision=collections.c.revision + 1)
    )
