"""Takes evaluation jobs up, keeps hold of them, and ends, interrupts or postpones their work.

All state is in the records: a worker that is killed leaves a job that any other goes on with.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from evals.jobs.ledger import EvaluationLedger, JobClaim, JobLost
from evals.jobs.progress import JobProgress, JobStopped
from evals.jobs.records import EvaluationJob, JobKind, JobStatus
from runtime.errors import PlumblineError, Unavailable

HEARTBEAT_SECONDS = 10.0
RETRY_PAUSES = (5.0, 60.0, 300.0)
RECORDS_PAUSE_SECONDS = 2.0
MAX_WORKER_DEATHS = 3

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class JobOutcome:
    """`records` take the place of those kept on the way; None: those are the ones."""

    result: Mapping[str, Any]
    records: Sequence[Mapping[str, Any]] | None = None


class JobWork(Protocol):
    """What is done for one kind of job. `stages` are its stages with the part of the time that each takes."""

    stages: Mapping[str, float]

    def do(self, job: EvaluationJob, kept: Sequence[Mapping[str, Any]], progress: JobProgress) -> JobOutcome:
        """Blocking. `kept` are the records that an earlier go has left.

        Raises PlumblineError for what its owner can understand, and lets JobStopped of `progress` through.
        """


class EvaluationRunner:
    """Runs one job in the thread that calls."""

    def __init__(
        self,
        ledger: EvaluationLedger,
        works: Mapping[JobKind, JobWork],
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        retry_pauses: Sequence[float] = RETRY_PAUSES,
    ) -> None:
        self._ledger = ledger
        self._works = works
        self._heartbeat_seconds = heartbeat_seconds
        self._retry_pauses = retry_pauses
        self._interrupted = threading.Event()

    def run(self, job_id: str) -> float | None:
        """Do the work of a job. Returns the seconds after which it wants to run again, None when it is done.

        Never raises for what is wrong with the data or a service. A job that another worker has is asked for again
        later, in case that worker dies.
        """
        if self._interrupted.is_set():
            return None
        try:
            claim = self._ledger.claim(job_id)
        except Unavailable as error:
            log.warning("Cannot take up an evaluation", extra={"job_id": job_id, "code": error.code})
            return RECORDS_PAUSE_SECONDS
        if not isinstance(claim, JobClaim):
            return claim
        try:
            return self._run_claimed(claim)
        except JobLost:
            log.warning("Another worker took this evaluation over", extra={"job_id": job_id})
            return None
        except Unavailable as error:  # the records themselves: whoever comes next finds the claim of a dead worker
            log.warning("An evaluation cannot go on", extra={"job_id": job_id, "code": error.code})
            return RECORDS_PAUSE_SECONDS

    def recover(self) -> list[str]:
        """Ids of jobs that an earlier process left unfinished, to be queued again.

        Only for a process that owns the records alone: every claim in them is taken for that of a dead worker.
        """
        self._ledger.release_all()
        return self._ledger.unfinished()

    def interrupt(self) -> None:
        """Stop between two items. For the end of the process."""
        self._interrupted.set()

    def _run_claimed(self, claim: JobClaim) -> float | None:
        job = claim.job
        if job.cancel_requested:
            self._ledger.end(claim, JobStatus.CANCELLED)
            return None
        if claim.begun > MAX_WORKER_DEATHS:
            self._fail(
                claim,
                "worker_died",
                f"The program ended {claim.begun - 1} times at the same place of this job, so it is left alone now. "
                "Start it again if the program was stopped from outside.",
            )
            return None
        work = self._works[job.kind]
        progress = JobProgress(self._ledger, claim, work.stages, self._interrupted)
        try:
            with self._beating(progress):
                progress("preparing", 0.0)
                outcome = work.do(job, self._ledger.kept(job.id), progress)
                if outcome.records is None:
                    progress.flush()
        except JobStopped:
            self._stopped(claim, progress)
            return None
        except PlumblineError as error:
            return self._failed(claim, progress, error)
        except Exception as error:  # a defect must not take the worker down
            log.error("An evaluation broke off", exc_info=error, extra={"job_id": job.id})
            told = f"Something went wrong on our side. The log has the details under job {job.id}."
            self._fail(claim, "internal_error", told)
            return None
        self._ledger.end(claim, JobStatus.SUCCEEDED, result=outcome.result, records=outcome.records)
        log.info("Evaluation ended", extra={"job_id": job.id})
        return None

    def _stopped(self, claim: JobClaim, progress: JobProgress) -> None:
        if progress.lost:
            raise JobLost
        if progress.cancelled:
            _write_the_rest(progress)
            self._ledger.end(claim, JobStatus.CANCELLED)
            log.info("Evaluation cancelled", extra={"job_id": claim.job.id})
            return
        _write_the_rest(progress)
        self._ledger.release(claim)
        log.info("Evaluation interrupted; the next start takes it up", extra={"job_id": claim.job.id})

    def _failed(self, claim: JobClaim, progress: JobProgress, error: PlumblineError) -> float | None:
        _write_the_rest(progress)
        if error.retryable and claim.retries < len(self._retry_pauses):
            log.warning("An evaluation is tried again later", extra={"job_id": claim.job.id, "code": error.code})
            self._ledger.release(claim, failed=True)
            return self._retry_pauses[claim.retries]
        self._fail(claim, error.code, error.message)
        return None

    def _fail(self, claim: JobClaim, code: str, message: str) -> None:
        self._ledger.end(claim, JobStatus.FAILED, error_code=code, error_message=message)

    @contextlib.contextmanager
    def _beating(self, progress: JobProgress) -> Iterator[None]:
        """A thread that tells the records every few seconds that this worker lives: an item may take minutes."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(self._heartbeat_seconds):
                try:
                    progress.beat()
                except PlumblineError as error:  # the next beat may get through; the work meets the same error
                    log.warning("Heartbeat failed", extra={"code": error.code})

        thread = threading.Thread(target=beat, name="evaluation-heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _write_the_rest(progress: JobProgress) -> None:
    with contextlib.suppress(JobStopped):
        progress.flush()
