"""The one door through which documents enter, are tried again and leave.

Work is queued only after the rows that it needs are committed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import BinaryIO, Protocol

from ingestion.names import checked_metadata, collection_name, document_name
from ingestion.original_store import OriginalStore
from ingestion.records import JobKind, JobRecord, MetadataValue, Upload
from ingestion.registry import Registry
from runtime.errors import PlumblineError

log = logging.getLogger(__name__)


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
        document_name(name)
        collection_name(collection)
        checked_metadata(metadata or {})
        original = self._store.put(stream)
        try:
            upload = self._registry.register_upload(
                tenant,
                collection,
                name,
                original.content_hash,
                original.size_bytes,
                metadata,
                still_stored=self._store.exists,
            )
        except BaseException:
            self._drop(original.content_hash)
            raise
        if upload.job is not None:
            self._submit(upload.job)
        return upload

    def delete(self, tenant: str, document_id: str) -> JobRecord:
        """Hide the document at once and remove it in the background. Raises UnknownDocument."""
        return self._submit(self._registry.request_delete(tenant, document_id))

    def retry(self, tenant: str, document_id: str) -> JobRecord:
        """Raises UnknownDocument, NothingToRetry."""
        return self._submit(self._registry.retry(tenant, document_id))

    def cancel(self, tenant: str, job_id: str) -> JobRecord:
        """Raises UnknownJob, JobFinished."""
        return self._registry.cancel(tenant, job_id)

    def _submit(self, job: JobRecord) -> JobRecord:
        self._queue.submit(job.id, job.kind, job.size_bytes)
        return job

    def _drop(self, content_hash: str) -> None:
        """Take back what was stored for an upload that could not be registered, unless another document has it."""
        try:
            self._registry.forget_content(content_hash, self._store.delete)
        except PlumblineError as error:  # the first error tells more; what stays behind costs only space
            log.warning("Could not take back an upload: %s", error.code)
