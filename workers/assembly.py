"""Builds the ingestion side from the settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ingestion.cleaning import clean
from ingestion.intake import Intake
from ingestion.job_ledger import JobLedger
from ingestion.job_metrics import JobMetrics
from ingestion.original_store import OriginalStore, open_original_store
from ingestion.parsing.limits import ParseLimits
from ingestion.parsing.sandbox import ParserPool
from ingestion.pipeline import DocumentPipeline
from ingestion.registry import Registry
from runtime.errors import ConfigurationError
from workers.in_process import InProcessBatchWorker, InProcessEvaluationWorker, InProcessWorker

if TYPE_CHECKING:
    from evals.jobs.drafting import Collections
    from evals.jobs.store import EvaluationIntake
    from generation.answers import Answer, Question
    from generation.batches.store import BatchIntake
    from generation.batches.work import BatchAnswerer
    from generation.language_models.resilience import HeldModel
    from retrieval.embedding import Embedder
    from retrieval.vector_index import VectorIndex
    from runtime.database import Database
    from runtime.settings import Settings
    from workers.evaluation_tasks import AskedAnswerer

BATCHES_AT_ONCE = 2
"""So that a large batch does not hold up a small one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ingestion:
    """Everything that takes documents in. `start` and `stop` the worker with the process that serves.

    `metrics` is a Prometheus collector.
    """

    registry: Registry
    store: OriginalStore
    intake: Intake
    metrics: JobMetrics
    start: Callable[[], None]
    stop: Callable[[], None]


def build_ingestion(
    settings: Settings,
    database: Database,
    embedder: Embedder,
    index: VectorIndex,
    forget: Callable[[str], None] = lambda _document_id: None,
) -> Ingestion:
    """Assemble without starting anything: no thread, no process, no connection yet.

    The schema of the database must be up to date. `forget` is told the id of each document that is removed altogether.
    """
    if settings.broker_url is not None:
        raise ConfigurationError(
            "PLUMB_BROKER_URL is set, but this version works documents off in its own process only. Unset it.",
            code="broker_unsupported",
        )
    registry = Registry(database)
    store = open_original_store(settings.resolved_originals_url(), settings.max_file_bytes)
    metrics = JobMetrics()
    pipeline = build_pipeline(settings, registry, JobLedger(database), store, embedder, index, metrics, forget)
    worker = InProcessWorker(pipeline, concurrency=settings.worker_concurrency)
    return Ingestion(
        registry=registry,
        store=store,
        intake=Intake(store, registry, worker),
        metrics=metrics,
        start=worker.start,
        stop=worker.stop,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Batches:
    """Everything that answers batches of questions. `start` and `stop` its worker with the process that serves."""

    intake: BatchIntake
    start: Callable[[], None]
    stop: Callable[[], None]


def build_batches(
    settings: Settings,
    database: Database,
    embedder: Embedder,
    answerer: Callable[[], BatchAnswerer],
    keep: Callable[[Question, Answer], None],
) -> Batches:
    """Assemble without starting anything. The schema of the database must be up to date.

    `answerer` makes one for batches alone (connections belong to an event loop, and batches have their own), when the
    first question is there. `keep` stores an answer and enters what it cost; blocking.
    """
    from generation.batches.assembly import build_batch_runner
    from generation.batches.ledger import BatchLedger
    from generation.batches.store import BatchIntake, BatchStore
    from workers.batch_tasks import BatchTasks

    tasks = BatchTasks(BatchLedger(database), build_batch_runner(settings, database, embedder, answerer, keep))
    worker = InProcessBatchWorker(tasks, concurrency=BATCHES_AT_ONCE)

    def stop() -> None:
        worker.stop()
        tasks.close()

    intake = BatchIntake(
        BatchStore(database),
        worker,
        endpoints=tuple(model.name for model in settings.models if model.role == "batch"),
        max_questions=settings.max_batch_questions,
        max_bytes=settings.max_batch_bytes,
    )
    return Batches(intake, worker.start, stop)


@dataclasses.dataclass(frozen=True, slots=True)
class Evaluations:
    """Everything that works on evaluation jobs. `start` and `stop` its worker with the process that serves."""

    intake: EvaluationIntake
    start: Callable[[], None]
    stop: Callable[[], None]


def build_evaluations(
    settings: Settings,
    database: Database,
    answerer: Callable[[], AskedAnswerer],
    spent: Callable[[Question, Answer], None],
    collections: Collections,
) -> Evaluations:
    """Assemble without starting anything. The schema of the database must be up to date.

    `answerer` makes one for evaluations alone, as for batches. `spent` enters what an answer has cost; blocking.
    `collections` are what test sets are drafted from.
    One job at a time: questions of users go before.
    """
    from evals.jobs.assembly import build_evaluation_runner
    from evals.jobs.store import EvaluationIntake, JobStore
    from workers.evaluation_tasks import BlockingAnswerer

    def models() -> Sequence[HeldModel]:
        from generation.language_models.assembly import build_models

        return build_models(settings)

    asking = BlockingAnswerer(answerer, models, seconds=settings.answer_seconds)
    # Beside the documents' originals, which are kept by two levels of hexadecimal names: these are no documents.
    files = open_original_store(f"{settings.resolved_originals_url().rstrip('/')}/evaluations", settings.max_file_bytes)
    store = JobStore(database)
    runner = build_evaluation_runner(settings, database, store, files, asking.ask, spent, collections, asking.complete)
    worker = InProcessEvaluationWorker(runner)

    def stop() -> None:
        worker.stop()
        asking.close()

    intake = EvaluationIntake(store, files, worker, max_bytes=settings.max_file_bytes)
    return Evaluations(intake, worker.start, stop)


def build_pipeline(
    settings: Settings,
    registry: Registry,
    ledger: JobLedger,
    store: OriginalStore,
    embedder: Embedder,
    index: VectorIndex,
    metrics: JobMetrics,
    forget: Callable[[str], None] = lambda _document_id: None,
) -> DocumentPipeline:
    from retrieval.assembly import build_chunker
    from retrieval.indexer import Indexer
    from workers.chunk_indexing import PipelineIndex

    limits = ParseLimits(
        memory_bytes=settings.parse_memory_bytes,
        seconds=settings.parse_seconds,
        total_seconds=settings.parse_total_seconds,
        pages=settings.max_pages,
        ocr_pages=settings.max_ocr_pages,
        file_bytes=settings.max_file_bytes,
        text_bytes=settings.max_text_bytes,
        unpacked_bytes=settings.max_unpacked_bytes,
    )
    return DocumentPipeline(
        parser=ParserPool(limits, settings.parser_processes),
        clean=clean,
        chunker=build_chunker(embedder),
        index=PipelineIndex(Indexer(embedder, index), forget),
        store=store,
        registry=registry,
        ledger=ledger,
        metrics=metrics,
    )
