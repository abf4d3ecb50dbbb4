"""The way of a document: parse, clean, chunk, embed, index, switch the active version, remove the old points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from ingestion.documents import Chunk, ParsedDocument
from ingestion.records import JobRecord, MetadataValue


class Parser(Protocol):
    def parse(self, path: Path, name: str, on_progress: Callable[[float], None]) -> ParsedDocument:
        """Blocking, thread-safe. Raises DocumentRejected."""


class ChunkMaker(Protocol):
    def chunks(self, document: ParsedDocument) -> list[Chunk]: ...


class ChunkIndex(Protocol):
    """What the pipeline needs of embedding and index (`workers.chunk_indexing` provides it over `retrieval`)."""

    def index(
        self,
        job: JobRecord,
        metadata: dict[str, MetadataValue],
        chunks: Sequence[Chunk],
        on_progress: Callable[[str, float], None],
    ) -> None:
        """Embed and write all chunks of a version; idempotent. `on_progress` gets the stage (`embedding`, `indexing`)
        and the share done of it, between batches; what it raises passes through."""

    def remove(self, tenant: str, document_id: str, *, keep_version: int | None = None) -> None:
        """Remove the document's points, of all versions or of all but one."""

    def flush(self) -> None:
        """Make what was written survive a crash of the machine."""


class DocumentPipeline:
    """Runs jobs. Thread-safe; several may run in several processes: the job row decides who works on what."""

    def run(self, job_id: str) -> float | None:
        """Do the work of a job. Returns the seconds after which it wants to run again, `None` when it is done.

        Never raises for what is wrong with a document or a service: that ends in the job row. Running a finished job,
        or one that another worker has, does nothing.
        """
        raise NotImplementedError
