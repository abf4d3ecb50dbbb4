"""What the registry knows of collections, documents and jobs."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Mapping
from typing import TypeAlias

MetadataValue: TypeAlias = str | int | float | bool


class Status(enum.StrEnum):
    """Status words of documents and jobs. `DELETED` is met on finished delete jobs only: the document is gone then."""

    QUEUED = "queued"
    PARSING = "parsing"
    CHUNKING = "chunking"
    EMBEDDING = "embedding"
    INDEXING = "indexing"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETING = "deleting"
    DELETED = "deleted"


FINAL_STATUSES = frozenset({Status.READY, Status.FAILED, Status.CANCELLED, Status.DELETED})


class JobKind(enum.StrEnum):
    INGEST = "ingest"
    DELETE = "delete"


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorInfo:
    """Why something ended badly: a stable code for programs and a sentence for the owner of the document."""

    code: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True)
class VersionFacts:
    """What became known of a version while it was parsed and chunked. `warnings` are sentences for its owner."""

    title: str
    media_type: str
    page_count: int | None
    chunk_count: int
    language: str | None
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document as its owner sees it.

    `status` tells how the last upload fares; `active_version` is the version that searches show (`None`: none yet). So
    a document whose new version failed is `failed`, with its `error`, and still searchable. `content_hash`,
    `size_bytes` and `metadata` belong to the last upload, `facts` to the active version. `job_id` is the newest job.
    """

    id: str
    tenant: str
    collection: str
    name: str
    status: Status
    active_version: int | None
    latest_version: int
    content_hash: str
    size_bytes: int
    metadata: Mapping[str, MetadataValue]
    facts: VersionFacts | None
    error: ErrorInfo | None
    job_id: str
    created_at: datetime.datetime
    updated_at: datetime.datetime

    @property
    def searchable(self) -> bool:
        return self.active_version is not None and self.status is not Status.DELETING


@dataclasses.dataclass(frozen=True, slots=True)
class JobRecord:
    """One piece of work on one document. `progress` is 0..1 over the whole job, `timings` are seconds per stage.

    `version` is the document version that the job builds (for a delete job: the newest one it removes); no two jobs
    build the same version. `attempts` counts the times a worker took the job up.
    """

    id: str
    tenant: str
    document_id: str
    document_name: str
    collection: str
    kind: JobKind
    version: int
    size_bytes: int
    status: Status
    progress: float
    timings: Mapping[str, float]
    attempts: int
    cancel_requested: bool
    error: ErrorInfo | None
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None

    @property
    def finished(self) -> bool:
        return self.status in FINAL_STATUSES


@dataclasses.dataclass(frozen=True, slots=True)
class CollectionRecord:
    """`revision` grows whenever the set of searchable versions changes, so caches can key on it."""

    tenant: str
    name: str
    revision: int
    document_count: int
    created_at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class DocumentPage:
    """Newest documents first; `next_cursor` is `None` on the last page."""

    documents: tuple[DocumentRecord, ...]
    next_cursor: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Upload:
    """What became of an upload. `job` is `None` when nothing had to be done.

    `unchanged` with a job: these very bytes are on their way already, and this is their job.
    """

    document: DocumentRecord
    job: JobRecord | None
    unchanged: bool
