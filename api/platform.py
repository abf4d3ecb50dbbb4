"""What the HTTP interface needs of the platform, and its start beside the already open port."""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from starlette.concurrency import run_in_threadpool

from runtime.errors import PlumblineError, Unavailable

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from evals.hallucination_rate.audit_queue import AuditQueue
    from evals.hallucination_rate.rate_reports import RateReports
    from evals.jobs.store import EvaluationIntake
    from generation.answer_feedback import FeedbackStore
    from generation.answer_store import AnswerStore
    from generation.answers import Answer, AnswerEvent, Question
    from generation.batches.store import BatchIntake
    from generation.costs.usage_ledger import UsageLedger
    from ingestion.intake import Intake
    from ingestion.registry import Registry
    from retrieval.passages import Scope
    from retrieval.retriever import SearchResult

_log = logging.getLogger(__name__)


class Starting(Unavailable):
    """The embedding model and the index are still being opened."""

    code = "starting"


class StartFailed(Unavailable):
    """Opening met something unforeseen; the log has it."""

    code = "start_failed"
    retryable = False


class Searching(Protocol):
    def search(self, text: str, scope: Scope, top_k: int) -> SearchResult: ...


class Answering(Protocol):
    def stream(self, question: Question) -> AsyncIterator[AnswerEvent]: ...

    async def answer(self, question: Question) -> Answer: ...

    async def close(self) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Platform:
    """Everything behind the routes. `check` raises Unavailable while the records do not answer.

    `models` are the names that a question can ask for; `collectors` hold the metrics of the parts.
    """

    registry: Registry
    intake: Intake
    batches: BatchIntake
    evaluations: EvaluationIntake
    retriever: Searching
    answerer: Answering
    models: tuple[str, ...]
    answers: AnswerStore
    feedback: FeedbackStore
    rates: RateReports
    audit: AuditQueue
    usage: UsageLedger
    upload_dir: Path
    max_file_bytes: int
    top_k: int
    collectors: tuple[Collector, ...]
    check: Callable[[], None]
    close: Callable[[], None]


class PlatformStart:
    """Opens the platform in a thread; calls that come earlier wait for it."""

    def __init__(self, open_platform: Callable[[], Platform]) -> None:
        self._executor = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="platform-start")
        self._opened = self._executor.submit(open_platform)
        self._opened.add_done_callback(_log_failure)

    async def ready(self, wait_seconds: float) -> Platform:
        """The platform. Raises Starting after `wait_seconds`, or the error that prevented the start."""
        if not self._opened.done():
            opened = asyncio.wrap_future(self._opened)
            opened.add_done_callback(asyncio.Future.exception)  # seen by whoever asks next, not by this one
            await asyncio.wait({opened}, timeout=wait_seconds)
        if not self._opened.done():
            raise Starting("The embedding model and the index are still being opened. Try again shortly.")
        error = self._opened.exception()
        if error is not None and not isinstance(error, PlumblineError):
            raise StartFailed("The platform could not start. The server's log says why.") from error
        return self._opened.result()

    async def close(self) -> None:
        """Wait for a start that is under way, then close what it opened."""
        await run_in_threadpool(self._executor.shutdown)
        if self._opened.exception() is None:
            platform = self._opened.result()
            await platform.answerer.close()
            await run_in_threadpool(platform.close)


def _log_failure(opened: concurrent.futures.Future[Platform]) -> None:
    error = opened.exception()
    if isinstance(error, PlumblineError):
        _log.error("The platform cannot start: %s", error.message)
    elif error is not None:
        _log.error("The platform cannot start", exc_info=error)
