"""How a job at work tells how far it is, and hears that it is to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from evals.jobs.ledger import EvaluationLedger, JobClaim, JobLost

WRITE_SECONDS = 0.5
"""Progress reaches the records this often at most."""


class JobStopped(Exception):
    """The job was cancelled, the process is ending, or another worker has the job: the work unwinds."""


class JobProgress:
    """Made for one claim. The work calls it between two items, from one thread at a time.

    `weights`: stage to the part of the whole job that it takes, in the order of the stages; a stage that is not named
    takes the whole. `interrupted` is set when the process is ending.
    """

    def __init__(
        self,
        ledger: EvaluationLedger,
        claim: JobClaim,
        weights: Mapping[str, float],
        interrupted: threading.Event,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        self._ledger = ledger
        self._claim = claim
        self._weights = weights
        self._interrupted = interrupted
        self._write_seconds = write_seconds
        self._stage = "starting"
        self._progress = claim.job.progress
        self._records: list[Mapping[str, Any]] = []
        self._written = 0.0
        self.cancelled = claim.job.cancel_requested
        self.lost = False

    def __call__(self, stage: str, share: float) -> None:
        """Tell the stage and the share of it that is done. Raises JobStopped when the work is to end here."""
        changed = stage != self._stage
        self._stage, self._progress = stage, self._overall(stage, share)
        self.check()
        if changed or time.monotonic() - self._written >= self._write_seconds:
            self.flush()
            self.check()

    def keep(self, record: Mapping[str, Any]) -> None:
        """Keep the record of an item that is done, with the next write."""
        self._records.append(record)

    def check(self) -> None:
        """Raises JobStopped when the work is to end here. Costs nothing."""
        if self.cancelled or self.lost or self._interrupted.is_set():
            raise JobStopped

    def flush(self) -> None:
        """Write what there is. Raises Unavailable when the records do not answer, JobStopped when the job was lost."""
        records, self._records = self._records, []
        try:
            self.cancelled |= self._ledger.report(self._claim, self._stage, self._progress, records)
        except JobLost:
            self.lost = True
            raise JobStopped from None
        except BaseException:
            self._records = [*records, *self._records]
            raise
        self._written = time.monotonic()

    def beat(self) -> None:
        """Tell the records that this worker lives; from any thread. Raises Unavailable."""
        try:
            self.cancelled |= self._ledger.heartbeat(self._claim)
        except JobLost:
            self.lost = True

    def _overall(self, stage: str, share: float) -> float:
        """Never less than before: a job that is taken up goes through its first stages again."""
        if stage not in self._weights:
            return max(self._progress, min(1.0, share))
        names: Sequence[str] = list(self._weights)
        before = sum(self._weights[name] for name in names[: names.index(stage)])
        return max(self._progress, min(1.0, (before + self._weights[stage] * share) / sum(self._weights.values())))
