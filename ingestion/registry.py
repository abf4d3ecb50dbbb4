"""Which documents exist, which version of each may be shown, and what their owners asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ingestion.records import (
    CollectionRecord,
    DocumentPage,
    DocumentRecord,
    JobRecord,
    MetadataValue,
    Status,
    Upload,
)
from runtime.database import Database
from runtime.errors import InvalidInput, NotFound


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
        still_stored: Callable[[str], bool] = lambda content_hash: True,
    ) -> Upload:
        """Write document, version and job rows in one transaction. Prefer `Intake.receive`, which also stores and queues.

        The identity of a document is (tenant, collection, name). `metadata=None` keeps what the document has. The same
        bytes and metadata as the version on its way, or else as the active one, change nothing. Anything else becomes
        a new version that supersedes an unfinished one.
        Raises InvalidInput (`invalid_document_name`, `invalid_collection_name`, `invalid_metadata`).
        """
        raise NotImplementedError

    def document(self, tenant: str, document_id: str) -> DocumentRecord:
        """Raises UnknownDocument."""
        raise NotImplementedError

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
        raise NotImplementedError

    def collections(self, tenant: str) -> list[CollectionRecord]:
        """By name."""
        raise NotImplementedError

    def collection(self, tenant: str, name: str) -> CollectionRecord:
        """Raises UnknownCollection."""
        raise NotImplementedError

    def job(self, tenant: str, job_id: str) -> JobRecord:
        """Raises UnknownJob."""
        raise NotImplementedError

    def active_versions(self, tenant: str, document_ids: Iterable[str]) -> dict[str, int]:
        """The version of each document that may be shown; documents that may not be shown are absent."""
        raise NotImplementedError

    def request_delete(self, tenant: str, document_id: str) -> JobRecord:
        """Hide the document from searches at once and create the job that removes it (the running one on repetition)."""
        raise NotImplementedError

    def retry(self, tenant: str, document_id: str) -> JobRecord:
        """A new job over the last upload of a failed or cancelled document. Raises NothingToRetry."""
        raise NotImplementedError

    def cancel(self, tenant: str, job_id: str) -> JobRecord:
        """Ask a job to stop between two batches. Raises JobFinished, also when its version is already active."""
        raise NotImplementedError
