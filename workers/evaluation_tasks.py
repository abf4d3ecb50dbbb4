"""The tasks that work on evaluations: a job id in, everything else in the database."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from workers.event_loop import EventLoopThread

if TYPE_CHECKING:
    from celery import Celery

    from generation.answers import Answer, Question

RUN_EVALUATION = "plumbline.run_evaluation"
LOOK_SECONDS = 0.1
"""While an answer is awaited, how often it is seen whether the job is to stop."""


class CeleryEvaluationQueue:
    """Satisfies `evals.jobs.store.EvaluationQueue`."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def submit(self, job_id: str, *, delay: float = 0.0) -> None:
        """Queue a committed job, to be taken up after `delay` seconds at the earliest."""
        self._app.send_task(RUN_EVALUATION, args=[job_id], countdown=delay or None)


def register_evaluation_tasks(app: Celery, run: Callable[[str], float | None]) -> None:
    """Let workers of this application run evaluations; `run` returns the seconds after which one wants to run again."""
    queue = CeleryEvaluationQueue(app)

    # shared=False: as for the tasks of documents.
    @app.task(name=RUN_EVALUATION, shared=False)  # type: ignore[untyped-decorator]
    def run_evaluation(job_id: str) -> None:
        pause = run(job_id)
        if pause is not None:
            queue.submit(job_id, delay=pause)


class AskedAnswerer(Protocol):
    """`generation.answerer.Answerer`."""

    def answer(self, question: Question) -> Coroutine[Any, Any, Answer]: ...

    async def close(self) -> None: ...


class BlockingAnswerer:
    """Asks questions from a worker's thread, on an event loop of its own, one at a time.

    `answerer` makes one for evaluations alone (connections belong to an event loop), when the first question is there.
    """

    def __init__(self, answerer: Callable[[], AskedAnswerer]) -> None:
        self._new_answerer = answerer
        self._answerer: AskedAnswerer | None = None
        self._loop = EventLoopThread("evaluations")

    def ask(self, question: Question, check: Callable[[], None]) -> Answer:
        """Wait for the answer; what `check` raises meanwhile ends the asking. Raises what the answerer raises."""
        answerer = self._answerer = self._answerer or self._new_answerer()
        future = self._loop.begin(lambda: answerer.answer(question))
        try:
            while not concurrent.futures.wait({future}, LOOK_SECONDS).done:
                check()
        except BaseException:
            future.cancel()
            raise
        return future.result()

    def close(self) -> None:
        """After everything has stopped."""
        answerer = self._answerer
        if answerer is not None:
            self._loop.finish(answerer.close)
