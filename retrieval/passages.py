"""What is stored for a chunk, what a search returns, and within which bounds it may look."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from typing import TypeAlias

MetadataValue: TypeAlias = str | int | float | bool

_POINT_NAMESPACE = uuid.UUID("6b2c1f0e-6d55-5c0a-9c59-0f8a3f6f2d11")


def chunk_id(document_id: str, version: int, ordinal: int) -> str:
    """Point id of a chunk: the same chunk of the same version always lands on the same point."""
    return str(uuid.uuid5(_POINT_NAMESPACE, f"{document_id}/{version}/{ordinal}"))


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """Inclusive bounds on a numeric metadata field; `None` leaves a side open."""

    gte: float | None = None
    lte: float | None = None


Filter: TypeAlias = MetadataValue | Sequence[MetadataValue] | Range


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """Where a search may look. The index applies it itself, so that no caller can forget the tenant."""

    tenant: str
    collection: str | None = None
    filters: Mapping[str, Filter] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk as the index keeps it (its payload). Offsets refer to the document's text.

    `page` is that of the first character; `page_turns` holds (offset, page) where later pages begin.
    """

    tenant: str
    collection: str
    document_id: str
    version: int
    document_name: str
    ordinal: int
    text: str
    start: int
    end: int
    page: int | None
    heading_path: tuple[str, ...]
    parent: tuple[int, int]
    metadata: Mapping[str, MetadataValue] = dataclasses.field(default_factory=dict)
    page_turns: tuple[tuple[int, int], ...] = ()

    def page_at(self, offset: int) -> int | None:
        """The page on which this offset of the document is."""
        page = self.page
        for start, following in self.page_turns:
            if start <= offset:
                page = following
        return page

    @property
    def chunk_id(self) -> str:
        return chunk_id(self.document_id, self.version, self.ordinal)

    @property
    def section(self) -> str:
        return " > ".join(self.heading_path)


@dataclasses.dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk with its scores; `context` is the larger passage around it (equal to its text when alone).

    `context_start` is the offset of `context` in the document's text and `context_chunks` are the chunks it is made of
    (none when it is the chunk alone). `score` is the score that orders the passages, `scores` holds those of the single
    arms: `dense`, `bm25`, `fused`, `rerank`, where they were computed.
    """

    chunk: StoredChunk
    score: float
    scores: Mapping[str, float]
    context: str
    context_start: int
    context_chunks: tuple[StoredChunk, ...] = ()

    def chunk_at(self, offset: int) -> StoredChunk:
        """The chunk of the context that holds this offset of the document (the one before a gap)."""
        found = self.chunk
        for chunk in self.context_chunks:
            if chunk.start <= offset:
                found = chunk
        return found
