"""An embedder that remembers the last questions: the cache, the search and the extractive model embed the same one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from retrieval.embedding import Embedder, Embedding

REMEMBERED = 128


class RecentQuestions:
    """Satisfies `Embedder`. Thread-safe; nobody may change the arrays that it gives."""

    def __init__(self, embedder: Embedder) -> None:
        self.name = embedder.name
        self.dimension = embedder.dimension
        self.token_dimension = embedder.token_dimension
        self.max_tokens = embedder.max_tokens
        self._embedder = embedder
        self._embed_query = functools.lru_cache(maxsize=REMEMBERED)(embedder.embed_query)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._embedder.count_tokens(texts)

    def embed_passages(
        self, texts: Sequence[str], on_progress: Callable[[float], None] | None = None
    ) -> list[Embedding]:
        return self._embedder.embed_passages(texts, on_progress)

    def embed_query(self, text: str) -> Embedding:
        return self._embed_query(text)

    def embed_queries(self, texts: Sequence[str]) -> list[Embedding]:
        return self._embedder.embed_queries(texts)
