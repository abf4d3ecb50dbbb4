"""Which documents exist, which version of each may be shown, and what their owners asked for."""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from ingestion.names import checked_metadata, collection_name, document_name
from ingestion.records import (
    CollectionRecord,
    DocumentPage,
    DocumentRecord,
    JobKind,
    JobRecord,
    MetadataValue,
    Status,
    Upload,
)
from ingestion.registry_rows import (
    SELECT_DOCUMENTS,
    bump_revision,
    document_record,
    end_cancelled,
    find_job,
    find_version,
    insert_job,
    insert_version,
    job_record,
    lock_document,
    show_active_version,
    supersede_ingests,
)
from ingestion.registry_tables import collections, document_versions, documents, jobs, originals
from runtime.database import Database, database_clock, insert_if_absent
from runtime.errors import InvalidInput, NotFound, Unavailable

NAMED_COLLECTIONS = 10


class UnknownCollection(NotFound):
    code = "unknown_collection"


class UnknownDocument(NotFound):
    code = "unknown_document"


class UnknownJob(NotFound):
    code = "unknown_job"


class NothingToRetry(InvalidInput):
    code = "nothing_to_retry"


class JobFinished(InvalidInput):
    code = "job_finished"


class NotCancellable(InvalidInput):
    code = "not_cancellable"


class UploadCollided(Unavailable):
    """The same bytes were being removed for good at this very moment."""

    code = "upload_collided"


class Registry:
    """Reads and requests. What workers write is in `ingestion.job_ledger`. Thread-safe, blocking.

    Every call is bound to a tenant: another tenant's ids raise the same NotFound as ids that do not exist.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def register_upload(
        self,
        tenant: str,
        collection: str,
        name: str,
        content_hash: str,
        size_bytes: int,
        metadata: Mapping[str, MetadataValue] | None = None,
        *,
        still_stored: Callable[[str], bool] = lambda _: True,
    ) -> Upload:
        """Write document, version and job rows in one transaction. `Intake.receive` also stores and queues.

        The identity of a document is (tenant, collection, name). `metadata=None` keeps what the document has. The same
        bytes and metadata as the version on its way, or else as the active one, change nothing. Anything else becomes
        a new version that supersedes an unfinished one.
        Raises InvalidInput (`invalid_document_name`, `invalid_collection_name`, `invalid_metadata`).
        """
        collection, name = collection_name(collection), document_name(name)
        wanted = None if metadata is None else checked_metadata(metadata)
        with self._database.write() as connection:
            _hold_original(connection, content_hash, size_bytes, still_stored)
            document = _find_or_add(connection, tenant, collection, name)
            shown = find_version(connection, document.id, document.upload_version)
            if wanted is None:
                wanted = {} if shown is None else shown.metadata
            pending = _pending_job(connection, document)
            if pending is not None and _is_version(connection, document, pending.version, content_hash, wanted):
                return Upload(_document(connection, tenant, document.id), job_record(pending), unchanged=True)
            supersede_ingests(connection, document)
            if _is_version(connection, document, document.active_version, content_hash, wanted):
                if document.status != Status.READY:
                    show_active_version(connection, document)
                return Upload(_document(connection, tenant, document.id), None, unchanged=True)
            job_id = insert_version(connection, document, content_hash, wanted, size_bytes)
            return Upload(_document(connection, tenant, document.id), _job(connection, tenant, job_id), unchanged=False)

    def document(self, tenant: str, document_id: str) -> DocumentRecord:
        """Raises UnknownDocument."""
        with self._database.read() as connection:
            return _document(connection, tenant, document_id)

    def documents(
        self,
        tenant: str,
        *,
        collection: str | None = None,
        status: Status | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> DocumentPage:
        """Newest first. Raises UnknownCollection, and InvalidInput (`invalid_cursor`)."""
        query = SELECT_DOCUMENTS.where(documents.c.tenant == tenant)
        if collection is not None:
            self.collection(tenant, collection)
            query = query.where(documents.c.collection == collection)
        if status is not None:
            query = query.where(documents.c.status == status)
        if cursor is not None:
            created_at, document_id = _read_cursor(cursor)
            query = query.where(
                (documents.c.created_at < created_at)
                | ((documents.c.created_at == created_at) & (documents.c.id < document_id))
            )
        query = query.order_by(documents.c.created_at.desc(), documents.c.id.desc()).limit(limit + 1)
        with self._database.read() as connection:
            found = [document_record(row) for row in connection.execute(query)]
        page = tuple(found[:limit])
        return DocumentPage(page, _write_cursor(page[-1]) if len(found) > limit else None)

    def collections(self, tenant: str) -> list[CollectionRecord]:
        """By name."""
        with self._database.read() as connection:
            return [_collection_record(row) for row in connection.execute(_collections_of(tenant))]

    def collection(self, tenant: str, name: str) -> CollectionRecord:
        """Raises UnknownCollection."""
        with self._database.read() as connection:
            row = connection.execute(_collections_of(tenant).where(collections.c.name == name)).one_or_none()
        if row is None:
            known = [one.name for one in self.collections(tenant)]
            listed = f"There are: {', '.join(known[:NAMED_COLLECTIONS])}" if known else "There is none yet"
            more = f" and {len(known) - NAMED_COLLECTIONS} more" if len(known) > NAMED_COLLECTIONS else ""
            raise UnknownCollection(
                f"There is no collection {name[:80]!r}. {listed}{more}. A collection comes into being with its first "
                "document."
            )
        return _collection_record(row)

    def revision(self, tenant: str, collection: str | None = None) -> int:
        """A number that grows with every change of what can be found in a collection, or in any of the tenant (`None`).

        A deleted document counts as one, and a collection that has lost its last document keeps its row, so that no
        number returns. 0 for a collection that does not exist.
        """
        query = sa.select(sa.func.coalesce(sa.func.sum(collections.c.revision), 0)).where(
            collections.c.tenant == tenant
        )
        if collection is not None:
            query = query.where(collections.c.name == collection)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def job(self, tenant: str, job_id: str) -> JobRecord:
        """Raises UnknownJob."""
        with self._database.read() as connection:
            return _job(connection, tenant, job_id)

    def active_versions(self, tenant: str, document_ids: Iterable[str]) -> dict[str, int]:
        """The version of each document that may be shown; documents that may not be shown are absent."""
        query = sa.select(documents.c.id, documents.c.active_version).where(
            documents.c.tenant == tenant,
            documents.c.id.in_(set(document_ids)),
            documents.c.active_version.is_not(None),
            documents.c.status != Status.DELETING,
        )
        with self._database.read() as connection:
            return {row.id: row.active_version for row in connection.execute(query)}

    def request_delete(self, tenant: str, document_id: str) -> JobRecord:
        """Hide the document from searches at once; the job returned removes it (asked again: the same job)."""
        with self._database.write() as connection:
            document = _locked_document(connection, tenant, document_id)
            if document.status == Status.DELETING:
                return _job(connection, tenant, document.job_id)
            supersede_ingests(connection, document)
            bump_revision(connection, document)
            version = document.latest_version
            job_id = insert_job(connection, document, JobKind.DELETE, version, 0, Status.DELETING)
            return _job(connection, tenant, job_id)

    def retry(self, tenant: str, document_id: str) -> JobRecord:
        """A new job over the last upload of a failed or cancelled document. Raises NothingToRetry."""
        with self._database.write() as connection:
            document = _locked_document(connection, tenant, document_id)
            if document.status not in {Status.FAILED, Status.CANCELLED}:
                raise NothingToRetry(f"Only a failed or cancelled document can be retried; this is {document.status}.")
            supersede_ingests(connection, document)
            record = _document(connection, tenant, document_id)
            job_id = insert_version(connection, document, record.content_hash, record.metadata, record.size_bytes)
            return _job(connection, tenant, job_id)

    def cancel(self, tenant: str, job_id: str) -> JobRecord:
        """Ask a job to stop between two batches. Raises JobFinished, also when its version is already active."""
        with self._database.write() as connection:
            document = lock_document(connection, _job(connection, tenant, job_id).document_id)
            job = _job(connection, tenant, job_id)
            if job.kind is JobKind.DELETE:
                raise NotCancellable("A deletion cannot be cancelled. Upload the document again.")
            if job.finished or (document is not None and document.active_version == job.version):
                raise JobFinished(f"This job has ended already ({job.status if job.finished else Status.READY}).")
            if job.attempts == 0:
                end_cancelled(connection, document, job_id)
            else:
                connection.execute(jobs.update().where(jobs.c.id == job_id).values(cancel_requested=True))
            return _job(connection, tenant, job_id)

    def unreferenced_content(self) -> list[str]:
        """Content whose removal was interrupted."""
        query = sa.select(originals.c.content_hash).where(~_referenced(originals.c.content_hash))
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def forget_content(self, content_hash: str, delete: Callable[[str], None]) -> None:
        """Delete stored content unless a version refers to it; uploads of the same bytes wait meanwhile."""
        with self._database.write() as connection:
            connection.execute(
                sa.select(originals).where(originals.c.content_hash == content_hash).with_for_update(key_share=True)
            )
            if connection.execute(sa.select(_referenced(content_hash))).scalar_one():
                return
            connection.execute(originals.delete().where(originals.c.content_hash == content_hash))
            delete(content_hash)


def _hold_original(
    connection: sa.Connection, content_hash: str, size_bytes: int, still_stored: Callable[[str], bool]
) -> None:
    """Keep the content from being removed until the version that refers to it is committed."""
    insert_if_absent(
        connection,
        originals,
        {"content_hash": content_hash, "size_bytes": size_bytes, "created_at": database_clock()},
    )
    held = connection.execute(
        sa.select(originals.c.content_hash)
        .where(originals.c.content_hash == content_hash)
        .with_for_update(key_share=True)
    ).one_or_none()
    if held is None or not still_stored(content_hash):
        raise UploadCollided("The same file was being deleted at this moment. Upload it again.")


def _referenced(content_hash: str | sa.ColumnElement[str]) -> sa.Exists:
    return sa.exists().where(document_versions.c.content_hash == content_hash)


def _find_or_add(connection: sa.Connection, tenant: str, collection: str, name: str) -> sa.Row[Any]:
    identity = (
        sa.select(documents)
        .where(
            documents.c.tenant == tenant,
            documents.c.collection == collection,
            documents.c.name == name,
            documents.c.status != Status.DELETING,
        )
        .with_for_update()
    )
    while (document := connection.execute(identity).one_or_none()) is None:
        now = database_clock()
        insert_if_absent(
            connection, collections, {"tenant": tenant, "name": collection, "revision": 0, "created_at": now}
        )
        insert_if_absent(
            connection,
            documents,
            {
                "id": str(uuid.uuid4()),
                "tenant": tenant,
                "collection": collection,
                "name": name,
                "status": Status.QUEUED,
                "upload_version": 0,
                "latest_version": 0,
                "job_id": "",
                "created_at": now,
                "updated_at": now,
            },
        )
    return document


def _pending_job(connection: sa.Connection, document: sa.Row[Any]) -> sa.Row[Any] | None:
    query = sa.select(jobs).where(
        jobs.c.document_id == document.id,
        jobs.c.kind == JobKind.INGEST,
        jobs.c.finished_at.is_(None),
        jobs.c.cancel_requested.is_(False),
        jobs.c.version > (document.active_version or 0),
    )
    return connection.execute(query).one_or_none()


def _is_version(
    connection: sa.Connection,
    document: sa.Row[Any],
    version: int | None,
    content_hash: str,
    metadata: Mapping[str, MetadataValue],
) -> bool:
    row = find_version(connection, document.id, version)
    return row is not None and row.content_hash == content_hash and row.metadata == metadata


def _locked_document(connection: sa.Connection, tenant: str, document_id: str) -> sa.Row[Any]:
    document = lock_document(connection, document_id)
    if document is None or document.tenant != tenant:
        raise _unknown_document(document_id)
    return document


def _document(connection: sa.Connection, tenant: str, document_id: str) -> DocumentRecord:
    query = SELECT_DOCUMENTS.where(documents.c.tenant == tenant, documents.c.id == document_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _unknown_document(document_id)
    return document_record(row)


def _unknown_document(document_id: str) -> UnknownDocument:
    return UnknownDocument(f"There is no document {document_id[:80]!r}; it may have been deleted.")


def _job(connection: sa.Connection, tenant: str, job_id: str) -> JobRecord:
    row = find_job(connection, job_id)
    if row is None or row.tenant != tenant:
        raise UnknownJob(f"There is no job {job_id[:80]!r}.")
    return job_record(row)


def _collections_of(tenant: str) -> sa.Select[Any]:
    living = (
        (documents.c.tenant == collections.c.tenant)
        & (documents.c.collection == collections.c.name)
        & (documents.c.status != Status.DELETING)
    )
    return (
        sa.select(collections, sa.func.count(documents.c.id).label("document_count"))
        .outerjoin(documents, living)
        .where(collections.c.tenant == tenant)
        .group_by(*collections.c)
        .order_by(collections.c.name)
    )


def _collection_record(row: sa.Row[Any]) -> CollectionRecord:
    return CollectionRecord(row.tenant, row.name, row.revision, row.document_count, row.created_at)


def _write_cursor(last: DocumentRecord) -> str:
    return base64.urlsafe_b64encode(json.dumps([last.created_at.isoformat(), last.id]).encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime.datetime, str]:
    try:
        created_at, document_id = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
        moment = datetime.datetime.fromisoformat(created_at)
        if moment.tzinfo is None or not isinstance(document_id, str):
            raise ValueError("not written by this program")
    except (ValueError, TypeError, binascii.Error) as error:
        raise InvalidInput(
            "The cursor is not one that this list has given. Start again without it.", code="invalid_cursor"
        ) from error
    return moment, document_id
