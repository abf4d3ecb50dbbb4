"""A Celery worker inside the process that serves: in-memory transport, threads."""

from __future__ import annotations

from ingestion.records import JobKind


class InProcessWorker:
    """Queue and worker of the embedded mode. Satisfies `ingestion.intake.JobQueue`.

    The messages live in memory; what they stand for is in the database, so `start` queues every unfinished job again.
    """

    def start(self) -> None:
        """Take up unfinished jobs of earlier processes and work until stopped. Returns at once."""

    def stop(self, timeout: float = 5.0) -> None:
        """Interrupt running jobs between batches (the next start takes them up) and end within `timeout` seconds."""

    def submit(self, job_id: str, kind: JobKind, size_bytes: int, *, delay: float = 0.0) -> None: ...
