"""The one door through which documents enter, are tried again and leave.

Work is queued only after the rows that it needs are committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO, Protocol

from ingestion.original_store import OriginalStore
from ingestion.records import JobKind, JobRecord, MetadataValue, Upload
from ingestion.registry import Registry


class JobQueue(Protocol):
    """Carries job ids to a worker. The job row is the truth: a message that is lost or doubled does no harm."""

    def submit(self, job_id: str, kind: JobKind, size_bytes: int, *, delay: float = 0.0) -> None:
        """Queue a committed job, to be taken up after `delay` seconds at the earliest."""


class Intake:
    """Stores, registers and queues. Blocking (reads the upload, writes files and rows); thread-safe."""

    def __init__(self, store: OriginalStore, registry: Registry, queue: JobQueue) -> None:
        self._store = store
        self._registry = registry
        self._queue = queue

    def receive(
        self,
        tenant: str,
        collection: str,
        name: str,
        stream: BinaryIO,
        metadata: Mapping[str, MetadataValue] | None = None,
    ) -> Upload:
        """Take in an upload. Names are checked before the stream is read.

        Raises InvalidInput (`invalid_document_name`, `invalid_collection_name`, `invalid_metadata`, `too_large`) and
        Unavailable (`storage_full`, `database_unavailable`); nothing is left behind then.
        """
        raise NotImplementedError

    def delete(self, tenant: str, document_id: str) -> JobRecord:
        """Hide the document at once and remove it in the background. Raises UnknownDocument."""
        raise NotImplementedError

    def retry(self, tenant: str, document_id: str) -> JobRecord:
        """Raises UnknownDocument, NothingToRetry."""
        raise NotImplementedError

    def cancel(self, tenant: str, job_id: str) -> JobRecord:
        """Raises UnknownJob, JobFinished."""
        raise NotImplementedError
