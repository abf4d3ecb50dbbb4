"""The way of a document: parse, clean, chunk, embed, index, switch the active version, remove the old points."""

from __future__ import annotations

import contextlib
import errno
import logging
import random
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from ingestion.documents import Chunk, DocumentRejected, ParsedDocument
from ingestion.job_ledger import Claim, JobCancelled, JobLedger, JobLost
from ingestion.job_metrics import JobMetrics
from ingestion.job_progress import Interrupted, JobProgress
from ingestion.original_store import OriginalStore, StorageFull
from ingestion.records import ErrorInfo, JobKind, JobRecord, MetadataValue, Status, VersionFacts
from ingestion.registry import Registry
from runtime.errors import PlumblineError, Unavailable

MAX_WORKER_DEATHS = 3
RETRY_PAUSES = (2.0, 8.0, 30.0, 120.0)
LAST_PAUSE_SECONDS = 300.0
RECORDS_PAUSE_SECONDS = 2.0

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Parser(Protocol):
    def parse(self, path: Path, name: str, on_progress: Callable[[float], None]) -> ParsedDocument:
        """Blocking, thread-safe. What `on_progress` raises ends the parsing. Raises DocumentRejected."""

    def close(self) -> None:
        """End what is being parsed; the calls that wait for it raise."""


class ChunkMaker(Protocol):
    def chunks(self, document: ParsedDocument) -> list[Chunk]: ...


class ChunkIndex(Protocol):
    """What the pipeline needs of embedding and index (`workers.chunk_indexing` provides it over `retrieval`)."""

    def index(
        self,
        job: JobRecord,
        metadata: dict[str, MetadataValue],
        chunks: Sequence[Chunk],
        on_progress: Callable[[Status, float], None],
    ) -> None:
        """Embed and write all chunks of a version; idempotent. `on_progress` gets `embedding` or `indexing` and the
        share done of it, between batches; what it raises passes through."""

    def remove(self, tenant: str, document_id: str, *, keep_version: int | None = None) -> None:
        """Remove the document's points, of all versions or of all but one; durable when it returns."""

    def flush(self) -> None:
        """Make what was written survive a crash of the machine."""


class WorkerDied(PlumblineError):
    code = "worker_died"


class DocumentPipeline:
    """Runs jobs. Thread-safe; several may run in several processes: the job row decides who works on what."""

    def __init__(
        self,
        *,
        parser: Parser,
        clean: Callable[[ParsedDocument], ParsedDocument],
        chunker: ChunkMaker,
        index: ChunkIndex,
        store: OriginalStore,
        registry: Registry,
        ledger: JobLedger,
        metrics: JobMetrics,
    ) -> None:
        self._parser = parser
        self._clean = clean
        self._chunker = chunker
        self._index = index
        self._store = store
        self._registry = registry
        self._ledger = ledger
        self._metrics = metrics
        self._interrupted = threading.Event()

    def run(self, job_id: str) -> float | None:
        """Do the work of a job. Returns the seconds after which it wants to run again, `None` when it is done.

        Never raises for what is wrong with a document or a service: that ends in the job row. Running a finished job
        does nothing; one that another worker has is asked for again later, in case that worker dies.
        """
        if self._interrupted.is_set():
            return None
        try:
            claim = self._ledger.claim(job_id)
        except Unavailable as error:
            log.warning("Cannot take up a job", extra={"job_id": job_id, "code": error.code})
            return RECORDS_PAUSE_SECONDS
        if not isinstance(claim, Claim):
            return claim
        progress = JobProgress(self._ledger, claim, self._interrupted)
        with self._metrics.running.track_inprogress(), progress.heartbeat():
            try:
                if claim.job.kind is JobKind.DELETE:
                    return self._guarded(claim, progress, self._delete)
                if not claim.activated:
                    pause = self._guarded(claim, progress, self._build)
                    claim = progress.claim
                    if not claim.activated:
                        return pause
                return self._guarded(claim, progress, self._clean_up)
            except JobLost:
                log.warning("Another worker took this job over", extra={"job_id": job_id})
            except Interrupted:
                log.info("Job interrupted; the next start takes it up", extra={"job_id": job_id})
        return None

    def interrupt(self) -> None:
        """Stop running jobs at their next checkpoint and start no further ones. For the end of the process."""
        self._interrupted.set()
        self._parser.close()

    def recover(self) -> list[JobRecord]:
        """What an earlier process left unfinished, to be queued again.

        Only for a process that owns the records alone: every claim in them is taken for that of a dead worker.
        """
        self._ledger.release_all()
        self._store.remove_abandoned()
        self._forget(self._registry.unreferenced_content())
        return self._ledger.unfinished_jobs()

    def _guarded(self, claim: Claim, progress: JobProgress, work: Callable[[Claim, JobProgress], None]) -> float | None:
        """Let `work` end as it may; the records tell how. Returns the pause before another try, if one is due."""
        try:
            work(claim, progress)
        except Exception as error:  # a defect must not take the worker down; `_for_owner` logs it
            # Whatever breaks because the process is ending is no fault of the document.
            if self._interrupted.is_set():
                with contextlib.suppress(Unavailable):  # then the next start finds the job claimed and takes it up too
                    self._ledger.release(claim)
                raise Interrupted from error
            if isinstance(error, JobLost):
                raise
            if isinstance(error, JobCancelled):
                self._end_cancelled(claim)
                return None
            return self._end_badly(claim, progress, _for_owner(error, claim))
        return None

    def _build(self, claim: Claim, progress: JobProgress) -> None:
        """Parse, clean, chunk, embed and index a version, then let searches show it."""
        assert claim.content_hash is not None
        if claim.worker_deaths >= MAX_WORKER_DEATHS:
            raise WorkerDied(
                f"The program ended {claim.worker_deaths} times while it worked on this document, so it is left alone "
                "now. Retry it if the program was stopped from outside."
            )
        progress.report(Status.PARSING)
        with progress.timed("parsing"), self._store.local_path(claim.content_hash) as path:
            document = self._parser.parse(
                path, claim.job.document_name, lambda share: progress.report(Status.PARSING, share)
            )
        with progress.timed("cleaning"):
            document = self._clean(document)
        progress.report(Status.CHUNKING)
        with progress.timed("chunking"):
            chunks = self._chunker.chunks(document)
        if not chunks:
            raise DocumentRejected("No text was found in this file.", code="no_text")
        progress.report(Status.EMBEDDING)
        with progress.timed_by_reports() as report:
            self._index.index(claim.job, claim.metadata, chunks, report)
        with progress.timed("indexing"):
            self._index.flush()
        facts = VersionFacts(
            title=document.title,
            media_type=document.media_type,
            page_count=document.page_count,
            chunk_count=len(chunks),
            language=document.language,
            warnings=document.warnings,
        )
        progress.claim = self._settle(lambda: self._ledger.activate(claim, facts))
        self._metrics.chunks.inc(len(chunks))

    def _clean_up(self, claim: Claim, progress: JobProgress) -> None:
        """Remove what an older version left, then end the job."""
        self._ledger.heartbeat(claim)
        if claim.job.version > 1:
            with progress.timed("cleanup"):
                self._index.remove(claim.job.tenant, claim.job.document_id, keep_version=claim.job.version)
        self._forget(self._settle(lambda: self._ledger.end_ready(claim, progress.timings)))
        self._count(claim, Status.READY, progress)

    def _delete(self, claim: Claim, progress: JobProgress) -> None:
        progress.report(Status.DELETING)
        with progress.timed("deleting"):
            self._index.remove(claim.job.tenant, claim.job.document_id)
        self._forget(self._settle(lambda: self._ledger.end_deleted(claim)))
        self._count(claim, Status.DELETED, progress)

    def _end_badly(self, claim: Claim, progress: JobProgress, error: PlumblineError) -> float | None:
        """Plan another try where it can help, else end the job as failed.

        Deleting and cleaning up are tried until they succeed: what remains to be done there is not the owner's concern.
        """
        reason = ErrorInfo(error.code, error.message)
        must_succeed = claim.job.kind is JobKind.DELETE or claim.activated
        extra = {"job_id": claim.job.id, "code": error.code, "retries": claim.retries}
        if must_succeed or (error.retryable and claim.retries < len(RETRY_PAUSES)):
            self._settle(lambda: self._ledger.release(claim, reason))
            self._metrics.retried.inc()
            log.warning("Job will be tried again", extra=extra)
            pause = RETRY_PAUSES[claim.retries] if claim.retries < len(RETRY_PAUSES) else LAST_PAUSE_SECONDS
            return pause * random.uniform(0.8, 1.2)
        self._remove_own_points(claim)
        self._settle(lambda: self._ledger.end_failed(claim, reason, progress.timings))
        self._count(claim, Status.FAILED, progress, error.code)
        log.warning("Job failed", extra=extra)
        return None

    def _end_cancelled(self, claim: Claim) -> None:
        self._remove_own_points(claim)
        self._forget(self._settle(lambda: self._ledger.end_cancelled(claim)))
        self._metrics.ended.labels(claim.job.kind, Status.CANCELLED, "").inc()

    def _remove_own_points(self, claim: Claim) -> None:
        """Remove what the job has written; only one job works on a document, so all but the active version is its."""
        self._settle(lambda: self._ledger.heartbeat(claim))
        try:
            self._index.remove(claim.job.tenant, claim.job.document_id, keep_version=claim.active_version)
        except Exception:  # they are invisible, and the document's next version or its deletion removes them
            log.warning("Points of a failed job stay behind", extra={"job_id": claim.job.id}, exc_info=True)

    def _forget(self, contents: list[str]) -> None:
        for content_hash in contents:
            try:
                self._registry.forget_content(content_hash, self._store.delete)
            except (PlumblineError, OSError):  # the next start finds it unreferenced and tries again
                log.warning("Content stays behind", extra={"content_hash": content_hash}, exc_info=True)

    def _settle(self, write: Callable[[], Result]) -> Result:
        """Write how a job ended, waiting for the records when they do not answer (a full disk, a restart)."""
        while True:
            try:
                return write()
            except Unavailable as error:
                log.warning("The records do not answer", extra={"code": error.code})
                if self._interrupted.wait(RECORDS_PAUSE_SECONDS):
                    raise Interrupted from error

    def _count(self, claim: Claim, status: Status, progress: JobProgress, code: str = "") -> None:
        self._metrics.ended.labels(claim.job.kind, status, code).inc()
        for stage, seconds in progress.timings.items():
            self._metrics.stage_seconds.labels(stage).observe(seconds)
        log.info("Job ended", extra={"job_id": claim.job.id, "status": status, "seconds": progress.timings})


def _for_owner(error: Exception, claim: Claim) -> PlumblineError:
    """What the owner of the document is told; for a defect of ours or of a library the log has the traceback."""
    if isinstance(error, PlumblineError):
        return error
    # Native libraries report a full disk in words only.
    if getattr(error, "errno", None) == errno.ENOSPC or "no space left on device" in str(error).lower():
        return StorageFull("The disk is full. Free some space and try again.")
    log.error("Job failed unexpectedly", extra={"job_id": claim.job.id, "kind": claim.job.kind}, exc_info=error)
    return PlumblineError(
        "Something unexpected went wrong with this document. Try it again; if it fails again, the log has the details "
        f"under job {claim.job.id}."
    )
