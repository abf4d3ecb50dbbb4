"""Carries a running job's progress to its row, keeps its heartbeat, and notices when it has to stop."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator

from ingestion.job_ledger import Claim, JobLedger, JobLost
from ingestion.records import Status
from runtime.errors import PlumblineError

HEARTBEAT_SECONDS = 10.0
REPORT_SECONDS = 0.5

# A stage's usual share of a job's time; the rest is for switching versions and removing the old one.
_WEIGHTS = {
    Status.PARSING: 0.3,
    Status.CHUNKING: 0.05,
    Status.EMBEDDING: 0.55,
    Status.INDEXING: 0.09,
    Status.DELETING: 0.99,
}

log = logging.getLogger(__name__)


class Interrupted(Exception):
    """The process is ending; the job is given back and taken up at the next start."""


class JobProgress:
    """One job's progress in one worker thread.

    Every report is a checkpoint: it raises Interrupted, JobCancelled or JobLost when the job has to stop. Reports
    within a stage are written at most every `REPORT_SECONDS`.
    """

    def __init__(self, ledger: JobLedger, claim: Claim, interrupted: threading.Event) -> None:
        self._ledger = ledger
        self.claim = claim
        self._interrupted = interrupted
        self._status: Status | None = None
        self._reported_at = 0.0
        self._shares: dict[Status, float] = {}
        self.timings: dict[str, float] = {}

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of the block to the job's timings."""
        started = time.monotonic()
        try:
            yield
        finally:
            elapsed = time.monotonic() - started
            self.timings[stage] = round(self.timings.get(stage, 0.0) + elapsed, 4)

    def report(self, status: Status, share: float = 0.0) -> None:
        """`share` of the stage is done."""
        if self._interrupted.is_set():
            raise Interrupted
        now = time.monotonic()
        if status is self._status and now - self._reported_at < REPORT_SECONDS:
            return
        if status in {Status.EMBEDDING, Status.INDEXING}:  # these two take turns over the parts of a document
            self._shares |= {Status.PARSING: 1.0, Status.CHUNKING: 1.0}
        self._shares[status] = max(self._shares.get(status, 0.0), min(share, 1.0))
        progress = sum(_WEIGHTS[stage] * done for stage, done in self._shares.items())
        self._ledger.report(self.claim, status, round(progress, 4), self.timings)
        self._status, self._reported_at = status, now

    @contextlib.contextmanager
    def timed_by_reports(self) -> Iterator[Callable[[Status, float], None]]:
        """A reporter for work that changes between stages: the time before each report counts for its stage."""
        last, stage = time.monotonic(), Status.EMBEDDING

        def count() -> None:
            nonlocal last
            now = time.monotonic()
            self.timings[stage.value] = round(self.timings.get(stage.value, 0.0) + now - last, 4)
            last = now

        def report(status: Status, share: float) -> None:
            nonlocal stage
            stage = status
            count()
            self.report(status, share)

        try:
            yield report
        finally:
            count()

    @contextlib.contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Tell the records every few seconds that this worker lives, also while a stage reports nothing."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(HEARTBEAT_SECONDS):
                try:
                    self._ledger.heartbeat(self.claim)
                except JobLost:
                    return  # the job itself learns of it at its next checkpoint
                except PlumblineError as error:  # the next beat may get through; the job itself meets the same error
                    log.warning("Heartbeat failed", extra={"job_id": self.claim.job.id, "code": error.code})

        thread = threading.Thread(target=beat, name=f"heartbeat-{self.claim.job.id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
