"""The tasks that work on batches of questions: a batch id in, everything else in the database."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from generation.batches.ledger import BatchLedger
from generation.batches.runner import BatchRunner
from workers.event_loop import EventLoopThread

if TYPE_CHECKING:
    from celery import Celery

RUN_BATCH = "plumbline.run_batch"

log = logging.getLogger(__name__)


class CeleryBatchQueue:
    """Satisfies `generation.batches.store.BatchQueue`."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def submit(self, batch_id: str, *, delay: float = 0.0) -> None:
        """Queue a committed batch, to be taken up after `delay` seconds at the earliest."""
        self._app.send_task(RUN_BATCH, args=[batch_id], countdown=delay or None)


def register_batch_tasks(app: Celery, run: Callable[[str], float | None]) -> None:
    """Let workers of this application run batches; `run` returns the seconds after which a batch wants to run again."""
    queue = CeleryBatchQueue(app)

    # shared=False: as for the tasks of documents.
    @app.task(name=RUN_BATCH, shared=False)  # type: ignore[untyped-decorator]
    def run_batch(batch_id: str) -> None:
        pause = run(batch_id)
        if pause is not None:
            queue.submit(batch_id, delay=pause)


class BatchTasks:
    """What a worker's threads call: the runner on an event loop of its own. Blocking, thread-safe."""

    def __init__(self, ledger: BatchLedger, runner: BatchRunner) -> None:
        self._ledger = ledger
        self._runner = runner
        self._loop = EventLoopThread("batches")

    def run(self, batch_id: str) -> float | None:
        """See `BatchRunner.run`."""
        return self._loop.run(lambda: self._runner.run(batch_id))

    def recover(self) -> list[str]:
        """Ids of batches that an earlier process left unfinished, to be queued again.

        Only for a process that owns the records alone: every claim in them is taken for that of a dead worker.
        """
        self._ledger.release_all()
        return self._ledger.unfinished()

    def interrupt(self) -> None:
        """Stop between two questions. For the end of the process."""
        self._loop.tell(self._runner.interrupt)

    def close(self) -> None:
        """After everything has stopped."""
        self._loop.finish(self._runner.close)
