"""The tasks that work on evaluations: a job id in, everything else in the database."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from workers.event_loop import EventLoopThread

if TYPE_CHECKING:
    from celery import Celery

    from generation.answers import Answer, Question
    from generation.language_models.model import ModelRequest
    from generation.language_models.resilience import HeldModel

Result = TypeVar("Result")

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
    """Asks questions, and models themselves, from a worker's thread: on an event loop of its own, one at a time.

    `answerer` makes one for evaluations alone (connections belong to an event loop), when the first question is there;
    `models` makes the language models, for what is no question to the documents.
    """

    def __init__(
        self, answerer: Callable[[], AskedAnswerer], models: Callable[[], Sequence[HeldModel]], *, seconds: float
    ) -> None:
        self._new_answerer = answerer
        self._new_models = models
        self._seconds = seconds
        self._answerer: AskedAnswerer | None = None
        self._models: dict[str, HeldModel] | None = None
        self._loop = EventLoopThread("evaluations")

    def ask(self, question: Question, check: Callable[[], None]) -> Answer:
        """Wait for the answer; what `check` raises meanwhile ends the asking. Raises what the answerer raises."""
        answerer = self._answerer = self._answerer or self._new_answerer()
        return self._awaited(lambda: answerer.answer(question), check)

    def complete(self, model: str, request: ModelRequest, check: Callable[[], None]) -> str:
        """What a model writes. Raises ModelError, UnknownModel."""
        from generation.language_models.model import UnknownModel

        if self._models is None:
            self._models = {one.profile.name: one for one in self._new_models()}
        held = self._models.get(model)
        if held is None:
            raise UnknownModel(f"There is no model {model[:80]!r} any more; choose another.")
        return self._awaited(lambda: _written(held, request, self._seconds), check)

    def close(self) -> None:
        """After everything has stopped."""
        self._loop.finish(self._close)

    async def _close(self) -> None:
        for model in (self._models or {}).values():
            await model.aclose()
        if self._answerer is not None:
            await self._answerer.close()

    def _awaited(self, work: Callable[[], Coroutine[Any, Any, Result]], check: Callable[[], None]) -> Result:
        future = self._loop.begin(work)
        try:
            while not concurrent.futures.wait({future}, LOOK_SECONDS).done:
                check()
        except BaseException:
            future.cancel()
            raise
        return future.result()


async def _written(model: HeldModel, request: ModelRequest, seconds: float) -> str:
    from generation.language_models.model import Deadline

    pieces = [piece async for piece in model.stream(request, Deadline.after(seconds)) if isinstance(piece, str)]
    return "".join(pieces)
