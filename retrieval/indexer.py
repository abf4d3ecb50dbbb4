"""Chunks into the index: embed, encode for BM25, write, part by part."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from retrieval.embedding import Embedder
from retrieval.lexical import LexicalEncoder
from retrieval.passages import StoredChunk
from retrieval.vector_index import IndexPoint, VectorIndex

PART = 256


class Indexer:
    """Thread-safe and idempotent: the same chunks land on the same points."""

    def __init__(self, embedder: Embedder, index: VectorIndex) -> None:
        self._embedder = embedder
        self._index = index
        self._lexical = LexicalEncoder(index.generation.language, index.generation.mean_chunk_terms)

    def index(
        self,
        chunks: Sequence[StoredChunk],
        embedding_texts: Sequence[str],
        on_progress: Callable[[str, float], None] = lambda _stage, _share: None,
    ) -> None:
        """Write all chunks with their vectors. `on_progress` gets `embedding` or `indexing` and the share of all chunks
        that has passed that stage; what it raises (a cancelled job) ends the work between batches.
        """
        total = max(1, len(chunks))
        for start in range(0, len(chunks), PART):
            part, texts = chunks[start : start + PART], embedding_texts[start : start + PART]
            reached = start

            def embedding(share: float, reached: int = reached, size: int = len(part)) -> None:
                on_progress("embedding", (reached + share * size) / total)

            embeddings = self._embedder.embed_passages(texts, embedding)
            sparse = self._lexical.encode_passages(texts)
            on_progress("indexing", start / total)
            self._index.upsert(
                [
                    IndexPoint(chunk, embedding.dense, vector, embedding.tokens)
                    for chunk, embedding, vector in zip(part, embeddings, sparse, strict=True)
                ]
            )
            on_progress("indexing", (start + len(part)) / total)

    def remove(self, tenant: str, document_id: str, *, keep_version: int | None = None) -> None:
        self._index.delete_document(tenant, document_id, keep_version=keep_version)

    def flush(self) -> None:
        self._index.flush()
