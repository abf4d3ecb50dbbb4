"""Lets the pipeline, which knows chunks, use embedding and index, which know points."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ingestion.documents import Chunk
from ingestion.records import JobRecord, MetadataValue, Status
from retrieval.indexer import Indexer
from retrieval.passages import StoredChunk


class PipelineIndex:
    """Satisfies `ingestion.pipeline.ChunkIndex`.

    `forget` gets the id of a document that is removed altogether, for whoever else holds some of its text.
    """

    def __init__(self, indexer: Indexer, forget: Callable[[str], None]) -> None:
        self._indexer = indexer
        self._forget = forget

    def index(
        self,
        job: JobRecord,
        metadata: dict[str, MetadataValue],
        chunks: Sequence[Chunk],
        on_progress: Callable[[Status, float], None],
    ) -> None:
        self._indexer.index(
            [_stored(job, metadata, chunk) for chunk in chunks],
            [chunk.embedding_text for chunk in chunks],
            lambda stage, share: on_progress(Status(stage), share),
        )

    def remove(self, tenant: str, document_id: str, *, keep_version: int | None = None) -> None:
        self._indexer.remove(tenant, document_id, keep_version=keep_version)
        self._indexer.flush()
        if keep_version is None:
            self._forget(document_id)

    def flush(self) -> None:
        self._indexer.flush()


def _stored(job: JobRecord, metadata: dict[str, MetadataValue], chunk: Chunk) -> StoredChunk:
    return StoredChunk(
        tenant=job.tenant,
        collection=job.collection,
        document_id=job.document_id,
        version=job.version,
        document_name=job.document_name,
        ordinal=chunk.ordinal,
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        page=chunk.page,
        heading_path=chunk.heading_path,
        parent=chunk.parent,
        metadata=metadata,
        page_turns=chunk.page_turns,
    )
