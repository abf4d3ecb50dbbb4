"""A Celery worker inside the process that serves: in-memory transport, threads."""

from __future__ import annotations

import abc
import contextlib
import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ingestion.records import JobKind, JobRecord
from runtime.errors import PlumblineError
from workers.batch_tasks import CeleryBatchQueue, register_batch_tasks
from workers.celery_app import BATCH_QUEUE, EVALUATE_QUEUE, IN_PROCESS_BROKER, INGEST_QUEUE, make_app, thread_pool
from workers.evaluation_tasks import CeleryEvaluationQueue, register_evaluation_tasks
from workers.ingest_tasks import CeleryJobQueue, register_ingest_tasks

if TYPE_CHECKING:
    from celery import Celery
    from celery.worker import WorkController

log = logging.getLogger(__name__)

Unfinished = TypeVar("Unfinished")
UnfinishedToo = TypeVar("UnfinishedToo", covariant=True)
Queue = TypeVar("Queue")


class JobRunner(Protocol[UnfinishedToo]):
    """What does the work: `ingestion.pipeline.DocumentPipeline`, `workers.batch_tasks.BatchTasks` and the like."""

    def run(self, job_id: str, /) -> float | None: ...

    def recover(self) -> Iterable[UnfinishedToo]: ...

    def interrupt(self) -> None: ...


class _InProcess(abc.ABC, Generic[Queue, Unfinished]):
    """Queue and worker of the embedded mode for one kind of work.

    The messages live in memory; what they stand for is in the database, so `start` queues everything unfinished again.
    Celery is loaded and its threads begin when the first job is there, so a process that only asks pays nothing.
    """

    queue_name: str

    def __init__(self, runner: JobRunner[Unfinished], *, concurrency: int = 1) -> None:
        self._runner = runner
        self._concurrency = concurrency
        self._changed = threading.Condition()
        self._active = 0
        self._stopped = False
        self._queue: Queue | None = None
        self._controller: WorkController | None = None
        self._taken_up = threading.Event()
        self._taken_up.set()

    def start(self) -> None:
        """Take up unfinished jobs of earlier processes and work until stopped. Returns at once."""
        self._taken_up.clear()
        _spawn("take-up-jobs", self._take_up)

    @abc.abstractmethod
    def _connected(self, app: Celery) -> Queue:
        """Register the tasks, which call `_run`; the queue that reaches them."""

    @abc.abstractmethod
    def _submit_again(self, unfinished: Unfinished) -> None: ...

    def _open_queue(self) -> Queue | None:
        """After `stop` there is none: what is committed stays in the database for the next start."""
        with self._changed:
            if self._stopped:
                return None
            if self._queue is None:
                self._queue = self._begin()
            return self._queue

    def stop(self, timeout: float = 5.0) -> None:
        """Interrupt running jobs between batches (the next start takes them up) and end within `timeout` seconds.

        Nothing touches the records or the index afterwards, unless a job did not come to an end in time. Celery's own
        threads, idle by then, wind up in the background: they look up from the queue about once a second.
        """
        with self._changed:
            self._stopped = True
        self._runner.interrupt()
        with self._changed:
            if not self._changed.wait_for(lambda: self._active == 0, timeout):
                log.warning("A job is still at work at the end of the process; the next start takes it up")
        if self._controller is not None:
            _spawn("stop-worker", self._controller.stop)

    @contextlib.contextmanager
    def _activity(self) -> Iterator[bool]:
        """False when it is too late to begin anything."""
        with self._changed:
            may_begin = not self._stopped
            self._active += may_begin
        try:
            yield may_begin
        finally:
            with self._changed:
                self._active -= may_begin
                self._changed.notify_all()

    def _run(self, job_id: str) -> float | None:
        # Taking up releases the claims of dead workers: a job that began meanwhile would lose its own.
        self._taken_up.wait()
        with self._activity() as may_begin:
            return self._runner.run(job_id) if may_begin else None

    def _take_up(self) -> None:
        with self._activity() as may_begin:
            if not may_begin:
                self._taken_up.set()
                return
            unfinished: Iterable[Unfinished] = []
            try:
                unfinished = self._runner.recover()
            except PlumblineError as error:
                log.error("Unfinished jobs could not be taken up", extra={"code": error.code})
            finally:
                self._taken_up.set()
            for job in unfinished:
                self._submit_again(job)

    def _begin(self) -> Queue:
        # Queues of the in-memory transport are shared by the whole process; this worker wants its own.
        app = make_app(IN_PROCESS_BROKER, queue=f"{self.queue_name}-{uuid.uuid4()}")
        queue = self._connected(app)
        self._controller = app.WorkController(
            pool_cls=thread_pool(),
            concurrency=self._concurrency,
            # The next job is at hand when one ends; the transport is only looked at twenty times a second.
            prefetch_multiplier=4,
            hostname=f"plumbline-{self.queue_name}@localhost",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        _spawn("worker", self._controller.start)
        return queue


class InProcessWorker(_InProcess[CeleryJobQueue, JobRecord]):
    """Works on documents. Satisfies `ingestion.intake.JobQueue`."""

    queue_name = INGEST_QUEUE

    def submit(self, job_id: str, kind: JobKind, size_bytes: int, *, delay: float = 0.0) -> None:
        """Queue a committed job."""
        queue = self._open_queue()
        if queue is not None:
            queue.submit(job_id, kind, size_bytes, delay=delay)

    def _connected(self, app: Celery) -> CeleryJobQueue:
        register_ingest_tasks(app, self._run)
        return CeleryJobQueue(app)

    def _submit_again(self, unfinished: JobRecord) -> None:
        self.submit(unfinished.id, unfinished.kind, unfinished.size_bytes)


class InProcessBatchWorker(_InProcess[CeleryBatchQueue, str]):
    """Works on batches of questions, beside the documents: neither waits for the other.

    Satisfies `generation.batches.store.BatchQueue`.
    """

    queue_name = BATCH_QUEUE

    def submit(self, batch_id: str, *, delay: float = 0.0) -> None:
        """Queue a committed batch."""
        queue = self._open_queue()
        if queue is not None:
            queue.submit(batch_id, delay=delay)

    def _connected(self, app: Celery) -> CeleryBatchQueue:
        register_batch_tasks(app, self._run)
        return CeleryBatchQueue(app)

    def _submit_again(self, unfinished: str) -> None:
        self.submit(unfinished)


class InProcessEvaluationWorker(_InProcess[CeleryEvaluationQueue, str]):
    """Works on evaluations, beside documents and batches. Satisfies `evals.jobs.store.EvaluationQueue`."""

    queue_name = EVALUATE_QUEUE

    def submit(self, job_id: str, *, delay: float = 0.0) -> None:
        """Queue a committed job."""
        queue = self._open_queue()
        if queue is not None:
            queue.submit(job_id, delay=delay)

    def _connected(self, app: Celery) -> CeleryEvaluationQueue:
        register_evaluation_tasks(app, self._run)
        return CeleryEvaluationQueue(app)

    def _submit_again(self, unfinished: str) -> None:
        self.submit(unfinished)


def _spawn(name: str, work: Callable[[], None]) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()
