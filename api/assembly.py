"""Builds the platform behind the HTTP interface from the settings."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from api.platform import Platform

if TYPE_CHECKING:
    from generation.answerer import Answerer
    from generation.answers import Answer, Question
    from runtime.settings import Settings


def open_platform(settings: Settings) -> Platform:
    """Open records, embedding model and index, and start the worker. Blocking: seconds.

    Whatever was opened is closed again when a later part fails.
    """
    from evals.hallucination_rate.audit_queue import AuditQueue
    from evals.hallucination_rate.error_counts import shipped_table
    from evals.hallucination_rate.rate_metrics import RateMetrics
    from evals.hallucination_rate.rate_reports import RateReports
    from evals.test_sets.stored_collections import StoredCollections
    from generation.answer_feedback import FeedbackStore
    from generation.answer_store import AnswerStore
    from generation.assembly import build_answerer
    from generation.cache.assembly import build_semantic_cache
    from generation.costs.usage_ledger import UsageLedger
    from generation.verdict_metrics import VerdictMetrics
    from retrieval.assembly import build_embedder, build_index, build_retriever
    from retrieval.index_metrics import IndexMetrics
    from retrieval.recent_questions import RecentQuestions
    from runtime.database import Database
    from workers.assembly import build_batches, build_evaluations, build_ingestion

    with contextlib.ExitStack() as opened:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        upload_dir = settings.data_dir / "uploads"
        upload_dir.mkdir(exist_ok=True, mode=0o700)
        database = Database(settings.resolved_database_url())
        opened.callback(database.close)
        database.upgrade()
        embedder = RecentQuestions(build_embedder(settings))
        index = build_index(settings, embedder)
        opened.callback(index.close)
        cache = build_semantic_cache(settings, embedder)
        if cache is not None:
            opened.callback(cache.close)
        forget = cache.forget_document if cache is not None else _nothing
        ingestion = build_ingestion(settings, database, embedder, index, forget)
        registry = ingestion.registry
        retriever = build_retriever(settings, embedder, index, registry.active_versions)
        answerer = build_answerer(settings, retriever, embedder, cache=cache, revision=registry.revision)
        verdict_metrics = VerdictMetrics()
        errors = shipped_table()
        rates = RateReports(database, lambda one: errors.of(one.name, one.version), settings.hallucination_slo)
        answers, usage = AnswerStore(database, verdict_metrics.answer_kept), UsageLedger(database)

        def new_answerer() -> Answerer:
            # One thread: batches may wait for many models at once, and leave the processors to those who wait for them.
            return build_answerer(
                settings,
                retriever,
                embedder,
                cache=cache,
                revision=registry.revision,
                metrics=answerer.metrics,
                threads=1,
            )

        def keep(question: Question, answer: Answer) -> None:
            answers.save(question.scope.tenant, question.scope.collection, answer.to_json())
            usage.record(question.scope.tenant, question.key, answer)

        def spent(question: Question, answer: Answer) -> None:
            usage.record(question.scope.tenant, question.key, answer)

        batches = build_batches(settings, database, embedder, new_answerer, keep)
        evaluations = build_evaluations(
            settings, database, new_answerer, spent, StoredCollections(registry, index, retriever)
        )
        opened.callback(ingestion.stop)
        opened.callback(batches.stop)
        opened.callback(evaluations.stop)
        ingestion.start()
        batches.start()
        evaluations.start()
        return Platform(
            registry=ingestion.registry,
            intake=ingestion.intake,
            batches=batches.intake,
            evaluations=evaluations.intake,
            retriever=retriever,
            answerer=answerer,
            models=(*(model.name for model in settings.models), "extractive"),
            answers=answers,
            feedback=FeedbackStore(database),
            rates=rates,
            audit=AuditQueue(database),
            usage=usage,
            upload_dir=upload_dir,
            max_file_bytes=settings.max_file_bytes,
            top_k=settings.top_k,
            collectors=(
                ingestion.metrics,
                IndexMetrics(index),
                answerer.metrics,
                verdict_metrics,
                RateMetrics(rates),
                *([cache.metrics] if cache else []),
            ),
            check=database.ping,
            close=opened.pop_all().close,
        )


def _nothing(_document_id: str) -> None:
    """Without a cache nothing else holds the text of a document."""
