"""The tasks that work on documents: a job id in, everything else in the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ingestion.records import JobKind

if TYPE_CHECKING:
    from celery import Celery

RUN_JOB = "plumbline.run_job"


class CeleryJobQueue:
    """Satisfies `ingestion.intake.JobQueue`."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def submit(self, job_id: str, kind: JobKind, size_bytes: int, *, delay: float = 0.0) -> None:
        """Queue a committed job, to be taken up after `delay` seconds at the earliest."""
        self._app.send_task(RUN_JOB, args=[job_id, kind, size_bytes], countdown=delay or None)


def register_ingest_tasks(app: Celery, run: Callable[[str], float | None]) -> None:
    """Let workers of this application run jobs; `run` returns the seconds after which a job wants to run again."""
    queue = CeleryJobQueue(app)

    # shared=False: Celery would else hand the task of the first application to every later one in the process.
    @app.task(name=RUN_JOB, shared=False)  # type: ignore[untyped-decorator]
    def run_job(job_id: str, kind: str, size_bytes: int) -> None:
        pause = run(job_id)
        if pause is not None:
            queue.submit(job_id, JobKind(kind), size_bytes, delay=pause)
