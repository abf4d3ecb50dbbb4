"""Everything that batches need, over two documents: records, a runner on its own loop, and models of the tests' provider."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from generation.answerer import Answerer
from generation.answers import Answer, Question
from generation.assembly import build_answerer
from generation.batches.assembly import build_batch_endpoints
from generation.batches.ensemble import Ensemble
from generation.batches.ledger import BatchLedger
from generation.batches.provider_batches import ProviderBatches
from generation.batches.provider_ledger import ProviderLedger
from generation.batches.records import BatchOptions, BatchRecord, BatchResult, NewQuestion
from generation.batches.runner import BatchRunner
from generation.batches.store import BatchStore
from retrieval.assembly import build_embedder
from retrieval.passages import Passage, Scope
from retrieval.retriever import SearchResult
from runtime.database import Database
from runtime.settings import ModelSettings, Settings
from tests.generation.passage_making import passage
from workers.batch_tasks import BatchTasks

TENANT = "t"
LEAVE = passage("Annual leave is 28 days a year for full-time employees.", document="handbook", page=7)
CANTEEN = passage("The canteen closes at two in the afternoon.", document="canteen", page=1)
QUESTIONS = ("How many days of annual leave are there?", "When does the canteen close?")


def settings_with(folder: Path, *models: ModelSettings, **values: Any) -> Settings:
    return Settings(data_dir=folder, models=models, **values)


def model(name: str, url: str, role: str = "fast", **values: Any) -> ModelSettings:
    return ModelSettings.model_validate(
        {"name": name, "endpoint": url, "role": role, "usd_per_million_prompt": 1.0, "retries": 0, **values}
    )


class Finds:
    """Searches by doing as a retriever would that knows two documents. `hook` is told of each search."""

    def __init__(self, hook: Callable[[str], None] = lambda _: None) -> None:
        self.passages: tuple[Passage, ...] = (LEAVE, CANTEEN)
        self.hook = hook

    def search(self, text: str, scope: Scope, top_k: int) -> SearchResult:
        self.hook(text)
        return SearchResult(self.passages, {"retrieve": 1.0, "rerank": 0.5})


class BatchHall:
    """`kept` are the answers that were stored, as (question, model that answered)."""

    def __init__(self, settings: Settings, database: Database, embedder: Any, hook: Callable[[str], None]) -> None:
        self.store = BatchStore(database)
        self.ledger = BatchLedger(database)
        self.search = Finds(hook)
        self.kept: list[tuple[str, str]] = []
        self._settings, self._database, self._embedder = settings, database, embedder
        self.tasks = self.new_tasks()

    def new_tasks(self) -> BatchTasks:
        """As another process would have them."""
        provider = ProviderBatches(
            ProviderLedger(self._database), self.ledger, build_batch_endpoints(self._settings), poll_pauses=(0.02,)
        )
        runner = BatchRunner(
            self.ledger,
            provider,
            Ensemble(self._embedder),
            self._new_answerer,
            self._keep,
            concurrency=self._settings.batch_concurrency,
            pauses=(0.01, 0.02),
        )
        return BatchTasks(self.ledger, runner)

    def submit(self, texts: Sequence[str] = QUESTIONS, **options: Any) -> BatchRecord:
        questions = [NewQuestion(Question(text, Scope(TENANT), use_cache=False)) for text in texts]
        return self.store.submit(TENANT, questions, BatchOptions(**options))

    def run(self, batch: BatchRecord, seconds: float = 20.0) -> BatchRecord:
        """Do as the worker does: run, pause, run again, until the batch has ended."""
        deadline = time.monotonic() + seconds
        while (pause := self.tasks.run(batch.id)) is not None:
            assert time.monotonic() < deadline, "the batch does not come to an end"
            time.sleep(min(pause, 0.1))
        return self.now(batch)

    def now(self, batch: BatchRecord) -> BatchRecord:
        return self.store.batch(TENANT, batch.id)

    def results(self, batch: BatchRecord) -> list[BatchResult]:
        return list(self.store.results(TENANT, batch.id))

    def texts(self, batch: BatchRecord) -> list[str]:
        return [
            one.answer["answer"] if one.answer else f"error {one.error and one.error.code}"
            for one in self.results(batch)
        ]

    def _new_answerer(self) -> Answerer:
        return build_answerer(self._settings, self.search, self._embedder)

    def _keep(self, question: Question, answer: Answer) -> None:
        assert threading.current_thread().name != "batches", "blocking work is done in threads"
        self.kept.append((question.text, answer.model.name))


@contextlib.contextmanager
def batch_hall(
    settings: Settings, embedder: Any = None, hook: Callable[[str], None] = lambda _: None
) -> Iterator[BatchHall]:
    database = Database(settings.resolved_database_url())
    database.upgrade()
    hall = BatchHall(settings, database, embedder or build_embedder(Settings()), hook)
    try:
        yield hall
    finally:
        hall.tasks.interrupt()
        hall.tasks.close()
        database.close()
