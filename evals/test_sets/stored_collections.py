"""The chunks and titles of a collection, and searches in it, for whoever drafts a test set from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from ingestion.records import DocumentPage, DocumentRecord
from retrieval.passages import Scope, StoredChunk, chunk_id
from retrieval.retriever import SearchResult

_PASSAGES = 10
_FETCHED_AT_ONCE = 1000


class Documents(Protocol):
    """`ingestion.registry.Registry`."""

    def documents(
        self, tenant: str, *, collection: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> DocumentPage: ...

    def active_versions(self, tenant: str, document_ids: Iterable[str]) -> dict[str, int]: ...


class Chunks(Protocol):
    """`retrieval.vector_index.VectorIndex`."""

    def fetch(self, scope: Scope, chunk_ids: Iterable[str]) -> Mapping[str, StoredChunk]: ...


class Searching(Protocol):
    """`retrieval.retriever.Retriever`."""

    def search(self, text: str, scope: Scope, top_k: int) -> SearchResult: ...


class StoredCollections:
    """Blocking, thread-safe. `collection` None means all collections of the tenant."""

    def __init__(self, documents: Documents, index: Chunks, retriever: Searching) -> None:
        self._documents = documents
        self._index = index
        self._retriever = retriever

    def chunks(self, tenant: str, collection: str | None) -> tuple[list[StoredChunk], dict[str, str]]:
        """The chunks of what is shown now, document by document in the order of the text, and titles by document id."""
        scope, wanted, titles = Scope(tenant, collection), list[str](), dict[str, str]()
        for document, version in self._shown(tenant, collection):
            assert document.facts is not None
            titles[document.id] = document.facts.title
            wanted += [chunk_id(document.id, version, ordinal) for ordinal in range(document.facts.chunk_count)]
        found: dict[str, StoredChunk] = {}
        for start in range(0, len(wanted), _FETCHED_AT_ONCE):
            found |= self._index.fetch(scope, wanted[start : start + _FETCHED_AT_ONCE])
        return [found[key] for key in wanted if key in found], titles

    def search(self, tenant: str, collection: str | None, text: str) -> Sequence[tuple[str, str]]:
        """(chunk id, text) of the passages that a search finds, best first."""
        result = self._retriever.search(text, Scope(tenant, collection), _PASSAGES)
        return [(passage.chunk.chunk_id, passage.context) for passage in result.passages]

    def _shown(self, tenant: str, collection: str | None) -> Iterator[tuple[DocumentRecord, int]]:
        """By name, so that a set does not depend on what was uploaded first."""
        found: list[DocumentRecord] = []
        cursor: str | None = None
        while True:
            page = self._documents.documents(tenant, collection=collection, cursor=cursor, limit=500)
            found += page.documents
            cursor = page.next_cursor
            if cursor is None:
                break
        versions = self._documents.active_versions(tenant, [document.id for document in found])
        for document in sorted(found, key=lambda one: (one.collection, one.name)):
            if document.facts is not None and document.id in versions:
                yield document, versions[document.id]
