"""Builds the semantic cache from the settings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from runtime.settings import Settings

if TYPE_CHECKING:
    from generation.cache.semantic_cache import SemanticCache
    from retrieval.embedding import Embedder
    from retrieval.question_store import QuestionStore

_log = logging.getLogger(__name__)


def build_semantic_cache(settings: Settings, embedder: Embedder) -> SemanticCache | None:
    """The cache in the store of the mode; None when it is switched off or cannot be opened (which the log says)."""
    if not settings.semantic_cache:
        return None
    from generation.cache.question_agreement import disagreement
    from generation.cache.semantic_cache import SemanticCache

    try:
        store = _build_store(settings, embedder)
    except Exception:  # noqa: BLE001  nothing that is wrong with a cache may keep the platform from starting
        _log.warning("The semantic cache cannot be opened; answers are not cached", exc_info=True)
        return None
    return SemanticCache(
        store,
        disagreement,
        similarity=settings.cache_similarity,
        ttl_seconds=settings.cache_ttl_seconds,
        max_entries=settings.cache_max_entries,
    )


def _build_store(settings: Settings, embedder: Embedder) -> QuestionStore:
    if settings.qdrant_url is not None:
        from retrieval.qdrant_server_index import connect
        from retrieval.server_question_store import ServerQuestionStore

        api_key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
        return ServerQuestionStore(connect(settings.qdrant_url, api_key), embedder.name, embedder.dimension)
    from retrieval.edge_question_store import EdgeQuestionStore

    return EdgeQuestionStore(settings.cache_dir, embedder.name, embedder.dimension)
