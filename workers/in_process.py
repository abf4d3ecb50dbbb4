"""A Celery worker inside the process that serves: in-memory transport, threads."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from ingestion.records import JobKind, JobRecord
from runtime.errors import PlumblineError
from workers.celery_app import IN_PROCESS_BROKER, make_app
from workers.ingest_tasks import CeleryJobQueue, register_ingest_tasks

if TYPE_CHECKING:
    from celery.worker import WorkController

log = logging.getLogger(__name__)


class JobRunner(Protocol):
    """What does the work: `ingestion.pipeline.DocumentPipeline`."""

    def run(self, job_id: str) -> float | None: ...

    def recover(self) -> Iterable[JobRecord]: ...

    def interrupt(self) -> None: ...


class InProcessWorker:
    """Queue and worker of the embedded mode. Satisfies `ingestion.intake.JobQueue`.

    The messages live in memory; what they stand for is in the database, so `start` queues every unfinished job again.
    Celery is loaded and its threads begin when the first job is there, so a process that only asks pays nothing.
    """

    def __init__(self, runner: JobRunner, *, concurrency: int = 1) -> None:
        self._runner = runner
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._queue: CeleryJobQueue | None = None
        self._controller: WorkController | None = None
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def start(self) -> None:
        """Take up unfinished jobs of earlier processes and work until stopped. Returns at once."""
        self._spawn("take-up-jobs", self._take_up)

    def submit(self, job_id: str, kind: JobKind, size_bytes: int, *, delay: float = 0.0) -> None:
        """Queue a committed job. After `stop` it stays in the database for the next start."""
        with self._lock:
            if self._stopped:
                return
            if self._queue is None:
                self._queue = self._begin()
            queue = self._queue
        queue.submit(job_id, kind, size_bytes, delay=delay)

    def stop(self, timeout: float = 5.0) -> None:
        """Interrupt running jobs between batches (the next start takes them up) and end within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._lock:
            self._stopped = True
            controller = self._controller
        self._runner.interrupt()
        if controller is not None:
            # It waits for running jobs without a limit of its own.
            self._spawn("stop-worker", controller.stop)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            log.warning("The worker is still busy at the end of the process; the next start takes its job up")

    def _take_up(self) -> None:
        try:
            for job in self._runner.recover():
                self.submit(job.id, job.kind, job.size_bytes)
        except PlumblineError as error:
            log.error("Unfinished jobs could not be taken up", extra={"code": error.code})

    def _begin(self) -> CeleryJobQueue:
        # Queues of the in-memory transport are shared by the whole process; this worker wants its own.
        app = make_app(IN_PROCESS_BROKER, queue=f"ingest-{uuid.uuid4()}")
        register_ingest_tasks(app, self._runner.run)
        self._controller = app.WorkController(
            pool_cls="threads",
            concurrency=self._concurrency,
            hostname="plumbline@localhost",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        self._spawn("worker", self._controller.start)
        return CeleryJobQueue(app)

    def _spawn(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
