"""Sends files to the platform, a few at a time, and follows their jobs."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import queue
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from cli.file_walk import SourceFile
from cli.http_client import Json, RemoteProblem

UPLOADS_AT_ONCE = 4
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.5
# Workers take jobs up roughly in the order of arrival, so behind this many waiting ones little has moved; a job that
# waits for its next attempt lets others pass, so a few of those behind are looked at in turn.
WAITING_BEFORE_STOP = UPLOADS_AT_ONCE + 1
LOOKS_BEHIND = 4

_FINAL = frozenset({"ready", "unchanged", "failed", "cancelled"})


@dataclasses.dataclass(slots=True)
class Outcome:
    """What became of one file so far. `status` is a status word of the contract, `unchanged`, or `not sent`.

    `error` of an unfinished file says why it waits for another try.
    """

    file: SourceFile
    status: str = "not sent"
    document_id: str | None = None
    job_id: str | None = None
    pages: int | None = None
    chunks: int | None = None
    seconds: float | None = None
    progress: float = 0.0
    error: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def finished(self) -> bool:
        return self.status in _FINAL

    def to_json(self) -> Json:
        names = ("document_id", "status", "pages", "chunks", "seconds", "error")
        return {"path": str(self.file.path), **{name: getattr(self, name) for name in names}}


class Platform(Protocol):
    """What is needed of `cli.connection.Connection`."""

    def get(self, path: str, **params: Any) -> Json: ...
    def upload(self, open_file: Callable[[], Any], name: str, collection: str | None) -> Json: ...


class IngestRun:
    """One `plumb ingest`. `on_change(outcomes)` is called whenever something has moved."""

    def __init__(
        self,
        connection: Platform,
        files: Sequence[SourceFile],
        collection: str | None,
        on_change: Callable[[Sequence[Outcome]], None],
    ) -> None:
        self._connection = connection
        self._collection = collection
        self._on_change = on_change
        self._started = time.monotonic()
        self._turn = 0
        self.outcomes = [Outcome(file) for file in files]

    def run(self) -> None:
        """Return when every file is finished. KeyboardInterrupt leaves what was sent in the platform's hands."""
        sent: queue.SimpleQueue[concurrent.futures.Future[Outcome]] = queue.SimpleQueue()
        uploads = concurrent.futures.ThreadPoolExecutor(UPLOADS_AT_ONCE, thread_name_prefix="plumb-upload")
        try:
            for outcome in self.outcomes:
                uploads.submit(self._send, outcome).add_done_callback(sent.put)
            self._follow(sent)
        finally:
            uploads.shutdown(wait=True, cancel_futures=True)

    def _follow(self, sent: queue.SimpleQueue[concurrent.futures.Future[Outcome]]) -> None:
        to_send, under_way, pause = len(self.outcomes), list[Outcome](), FIRST_PAUSE_S
        while to_send or under_way:
            arrived = _take(sent, pause)
            to_send -= len(arrived)
            under_way += (future.result() for future in arrived)
            moved = self._look(under_way) or bool(arrived)
            under_way = [outcome for outcome in under_way if not outcome.finished]
            pause = FIRST_PAUSE_S if moved else min(LONGEST_PAUSE_S, pause * 1.5)
            if moved:
                self._on_change(self.outcomes)

    def _look(self, under_way: Sequence[Outcome]) -> bool:
        """Ask after the jobs at the front of the queue, and after a few of the others; true when any has moved."""
        moved, waiting, position = False, 0, 0
        while position < len(under_way) and waiting < WAITING_BEFORE_STOP:
            outcome = under_way[position]
            moved = outcome.finished or self._ask_after(outcome) or moved
            waiting += outcome.status == "queued"
            position += 1
        behind = under_way[position:]
        for _ in range(min(LOOKS_BEHIND, len(behind))):
            self._turn += 1
            outcome = behind[self._turn % len(behind)]
            moved = outcome.finished or self._ask_after(outcome) or moved
        return moved

    def _ask_after(self, outcome: Outcome) -> bool:
        try:
            job = self._connection.get(f"/v1/jobs/{outcome.job_id}")
        except RemoteProblem as problem:
            if problem.status != 404:
                raise
            outcome.status, outcome.error = "failed", "The document was deleted while it was being ingested."
            return True
        error = job["error"]["message"] if job["error"] else None
        if (job["status"], job["progress"], error) == (outcome.status, outcome.progress, outcome.error):
            return False
        outcome.status, outcome.progress, outcome.error = job["status"], job["progress"], error
        if outcome.finished:
            self._finish(outcome, job)
        return True

    def _send(self, outcome: Outcome) -> Outcome:
        """Upload one file. What is wrong with this file alone becomes its outcome; anything else ends the run."""
        started = time.monotonic()
        try:
            outcome.file.name.encode()
            accepted = self._connection.upload(
                lambda: outcome.file.path.open("rb"), outcome.file.name, self._collection
            )
        except UnicodeEncodeError:
            outcome.status, outcome.error = "failed", "Its name is not valid UTF-8. Rename the file and try again."
        except OSError as error:
            outcome.status, outcome.error = "failed", f"It cannot be read: {error.strerror or error}."
        except RemoteProblem as problem:
            if not _concerns_one_file(problem):
                raise
            outcome.status, outcome.error = "failed", problem.message
        else:
            outcome.document_id, outcome.job_id = accepted["document_id"], accepted["job_id"]
            outcome.status = accepted["status"]
            if outcome.status == "unchanged" and outcome.job_id is None:
                self._add_facts(outcome)
            elif outcome.status == "unchanged":
                outcome.status = "queued"  # these very bytes are on their way already
        outcome.seconds = round(time.monotonic() - started, 3)
        return outcome

    def _finish(self, outcome: Outcome, job: Json) -> None:
        outcome.seconds = round((outcome.seconds or 0.0) + sum(job["timings"].values()), 3)
        if outcome.status == "ready":
            self._add_facts(outcome)

    def _add_facts(self, outcome: Outcome) -> None:
        document = self._connection.get(f"/v1/documents/{outcome.document_id}")
        outcome.pages, outcome.chunks = document["pages"], document["chunks"]
        outcome.warnings = tuple(document["warnings"])

    @property
    def failures(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status in ("failed", "cancelled")]

    def totals(self) -> dict[str, Any]:
        """Counts by what became of the files, pages, chunks and the wall time in seconds."""
        by_status = {word: sum(o.status == word for o in self.outcomes) for word in ("ready", "unchanged")}
        failed = len(self.failures)
        return {
            "documents": len(self.outcomes),
            **by_status,
            "failed": failed,
            "unfinished": len(self.outcomes) - failed - sum(by_status.values()),
            "pages": sum(o.pages or 0 for o in self.outcomes),
            "chunks": sum(o.chunks or 0 for o in self.outcomes),
            "seconds": round(time.monotonic() - self._started, 3),
        }

    def to_json(self) -> Json:
        return {"documents": [outcome.to_json() for outcome in self.outcomes], "totals": self.totals()}

    def resume_hint(self) -> str:
        """What an interrupted run has left, in words."""
        totals = self.totals()
        unsent = sum(o.status == "not sent" for o in self.outcomes)
        return (
            f"Stopped: {totals['ready'] + totals['unchanged']} of {totals['documents']} documents are searchable, "
            f"{totals['unfinished'] - unsent} were taken in and go on with the next plumb command, "
            f"{unsent} were not sent. Run the same command again to finish: what is done is not done twice."
        )


def _take(
    sent: queue.SimpleQueue[concurrent.futures.Future[Outcome]], patience_s: float
) -> list[concurrent.futures.Future[Outcome]]:
    """What has arrived, waiting at most `patience_s` for the first."""
    arrived = []
    with contextlib.suppress(queue.Empty):
        arrived.append(sent.get(timeout=patience_s))
        while True:
            arrived.append(sent.get_nowait())
    return arrived


def _concerns_one_file(problem: RemoteProblem) -> bool:
    """Whether the other files can go on: the server refused this one, not everybody."""
    return 400 <= problem.status < 500 and problem.status not in (401, 403, 429)
