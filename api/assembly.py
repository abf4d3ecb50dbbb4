"""Builds the platform behind the HTTP interface from the settings."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from api.platform import Platform

if TYPE_CHECKING:
    from runtime.settings import Settings


def open_platform(settings: Settings) -> Platform:
    """Open records, embedding model and index, and start the worker. Blocking: seconds.

    Whatever was opened is closed again when a later part fails.
    """
    from generation.answer_store import AnswerStore
    from generation.assembly import build_answerer
    from generation.cache_assembly import build_semantic_cache
    from generation.usage_ledger import UsageLedger
    from retrieval.assembly import build_embedder, build_index, build_retriever
    from retrieval.index_metrics import IndexMetrics
    from runtime.database import Database
    from workers.assembly import build_ingestion

    with contextlib.ExitStack() as opened:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        upload_dir = settings.data_dir / "uploads"
        upload_dir.mkdir(exist_ok=True, mode=0o700)
        database = Database(settings.resolved_database_url())
        opened.callback(database.close)
        database.upgrade()
        embedder = build_embedder(settings)
        index = build_index(settings, embedder)
        opened.callback(index.close)
        ingestion = build_ingestion(settings, database, embedder, index)
        retriever = build_retriever(settings, embedder, index, ingestion.registry.active_versions)
        cache = build_semantic_cache(settings, embedder)
        if cache is not None:
            opened.callback(cache.close)
        answerer = build_answerer(settings, retriever, embedder, cache=cache, revision=ingestion.registry.revision)
        opened.callback(ingestion.stop)
        ingestion.start()
        return Platform(
            registry=ingestion.registry,
            intake=ingestion.intake,
            retriever=retriever,
            answerer=answerer,
            models=(*(model.name for model in settings.models), "extractive"),
            answers=AnswerStore(database),
            usage=UsageLedger(database),
            upload_dir=upload_dir,
            max_file_bytes=settings.max_file_bytes,
            top_k=settings.top_k,
            collectors=(ingestion.metrics, IndexMetrics(index), answerer.metrics, *([cache.metrics] if cache else [])),
            check=database.ping,
            close=opened.pop_all().close,
        )
