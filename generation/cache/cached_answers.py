"""The semantic cache on the way of a question: when an earlier answer may be given again, and which are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from generation.answers import Answer, Question
from generation.cache.semantic_cache import CacheKey, Found, SemanticCache
from retrieval.embedding import Embedder
from retrieval.passages import Passage

Revision = Callable[[str, str | None], int]
"""Tenant and collection (None: all) to a number that grows whenever what can be found there changes."""


class CachedAnswers:
    """Blocking and thread-safe. `policy` names what this installation answers with; another one has other answers."""

    def __init__(self, cache: SemanticCache, embedder: Embedder, revision: Revision, policy: str) -> None:
        self._cache = cache
        self._embedder = embedder
        self._revision = revision
        self._policy = policy

    def look_up(self, question: Question, text: str) -> LookedUp:
        """Look for an answer to the standalone question `text`."""
        key = CacheKey(
            tenant=question.scope.tenant,
            collection=question.scope.collection,
            filters=question.scope.filters,
            model=question.model,
            on_unsupported=question.on_unsupported,
            max_tokens=question.max_tokens,
            json_schema=question.json_schema,
            top_k=question.top_k,
            policy=f"{self._policy}/{question.format_hint}",
        )
        revision = self._revision(question.scope.tenant, question.scope.collection)
        embedding = self._embedder.embed_query(text).dense
        found = self._cache.look_up(key, text, embedding)
        limited = question.max_cost_usd is not None or question.max_latency_ms is not None
        return LookedUp(self._cache, key, text, embedding, revision, found, may_keep=not limited)


class LookedUp:
    """What the cache knew of one question."""

    def __init__(
        self,
        cache: SemanticCache,
        key: CacheKey,
        text: str,
        embedding: NDArray[np.float32],
        revision: int,
        found: Found | None,
        *,
        may_keep: bool,
    ) -> None:
        self._cache = cache
        self._key = key
        self._text = text
        self._embedding = embedding
        self._revision = revision
        self._found = found
        self._may_keep = may_keep

    @property
    def current(self) -> bool:
        """Whether nothing has changed since the answer was made, so that nothing needs to be searched."""
        return self._found is not None and self._found.entry.revision == self._revision

    def answer(self, passages: Sequence[Passage]) -> Answer | None:
        """The earlier answer, when it may be given again; after a change only if these passages are still the same."""
        if self._found is None:
            return None
        if not self.current:
            if not self._cache.still_valid(self._found.entry, passages):
                self._cache.drop(self._found.entry)
                return None
            self._cache.refresh(self._found.entry, self._revision)
        return self._cache.served(self._found)

    def keep(self, answer: Answer, passages: Sequence[Passage]) -> None:
        """Keep an answer for the next who asks this, if it is one that should be given again.

        Not kept: refusals, what is not wholly supported, what came about in an emergency (fallbacks, warnings), and
        what the caller's limits on time or cost may have shaped.
        """
        supported = answer.groundedness is not None and answer.groundedness.supported
        clean = not (answer.refused or answer.model.fallbacks or answer.warnings or answer.cut_short)
        if self._may_keep and supported and clean:
            self._cache.put(self._key, self._text, self._embedding, answer, passages, self._revision)
