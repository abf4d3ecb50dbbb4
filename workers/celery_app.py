"""The Celery application: how job ids travel to workers.

A message holds a job id and nothing else. The database is the truth about jobs, so messages may be lost or doubled;
results are never sent back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from celery import Celery

IN_PROCESS_BROKER = "memory://localhost/"
INGEST_QUEUE = "ingest"
BATCH_QUEUE = "batches"
EVALUATE_QUEUE = "evaluate"


def make_app(broker_url: str, *, queue: str = INGEST_QUEUE) -> Celery:
    """An application over a broker (`memory://`, `redis://`). Connects to nothing yet."""
    from celery import Celery

    app = Celery("plumbline", broker=broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_default_queue=queue,
        # A message goes to whoever is free, and is gone only when its work is done.
        worker_prefetch_multiplier=1,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        broker_connection_retry_on_startup=True,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        enable_utc=True,
    )
    if broker_url.startswith("memory:"):
        app.conf.broker_transport_options = {"polling_interval": 0.05}
    return app


def thread_pool() -> type:
    """A thread pool whose threads know their application.

    Celery's own leaves them with whichever application of the process came last, and they find no task there.
    """
    from concurrent.futures import ThreadPoolExecutor

    from celery.concurrency.thread import TaskPool

    class AppThreadPool(TaskPool):  # type: ignore[misc]
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)
            self.executor = ThreadPoolExecutor(max_workers=self.limit, initializer=self.app.set_current)

    return AppThreadPool
