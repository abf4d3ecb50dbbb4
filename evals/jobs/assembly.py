"""Builds the running of evaluation jobs from the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evals.cases import AnswerCase
    from evals.jobs.drafting import Collections, Complete
    from evals.jobs.runner import EvaluationRunner
    from evals.jobs.store import JobStore
    from evals.runs.run_record import RunRecord
    from generation.answers import Answer, Question
    from ingestion.original_store import OriginalStore
    from runtime.database import Database
    from runtime.settings import Settings

OnProgress = Callable[[str, float], None]


def build_evaluation_runner(
    settings: Settings,
    database: Database,
    store: JobStore,
    files: OriginalStore,
    ask: Callable[[Question, Callable[[], None]], Answer],
    spent: Callable[[Question, Answer], None],
    collections: Collections,
    complete: Complete,
) -> EvaluationRunner:
    """`ask` answers a question and calls its second argument while it waits, which raises when the job is to stop.

    `spent` enters what an answer has cost. `complete` asks a model by its name, as `ask` does. Loads nothing heavy
    before the first job.
    """
    from evals.jobs.drafting import TestSetJob
    from evals.jobs.ledger import EvaluationLedger
    from evals.jobs.measuring import AnswersJob, GroundednessJob, HandedIn, RetrievalJob
    from evals.jobs.records import JobKind
    from evals.jobs.runner import EvaluationRunner, JobWork

    def retrieval(
        folder: Path, *, split: str, arms: Sequence[str], relevant_from: int, command: str, on_progress: OnProgress
    ) -> RunRecord:
        from evals.assembly import run_retrieval

        return run_retrieval(
            settings,
            folder,
            split=split,
            arms=arms,
            relevant_from=relevant_from,
            command=command,
            on_progress=on_progress,
        )

    def answers(
        file: Path,
        *,
        tenant: str,
        collection: str | None,
        model: str | None,
        command: str,
        earlier: Sequence[Mapping[str, Any]],
        keep: Callable[[Mapping[str, Any]], None],
        check: Callable[[], None],
        on_progress: OnProgress,
    ) -> RunRecord:
        from evals.assembly import passages_of, run_answers
        from generation.answers import Question
        from retrieval.passages import Scope

        def ask_case(case: AnswerCase) -> Mapping[str, Any]:
            question = Question(
                text=case.question,
                scope=Scope(tenant, collection),
                model=model,
                use_cache=False,
                passages=passages_of(case.context) if case.context else None,
            )
            answer = ask(question, check)
            spent(question, answer)
            return answer.to_json()

        return run_answers(
            settings,
            file,
            command=command,
            model=model,
            ask_case=ask_case,
            earlier=earlier,
            keep=keep,
            on_progress=on_progress,
        )

    def groundedness(file: Path, *, checker: str | None, command: str, on_progress: OnProgress) -> RunRecord:
        from evals.assembly import run_groundedness

        return run_groundedness(settings, file, checker=checker, command=command, on_progress=on_progress)

    data = HandedIn(files, store, settings.max_unpacked_bytes)
    works: dict[JobKind, JobWork] = {
        JobKind.RETRIEVAL: RetrievalJob(data, retrieval),
        JobKind.ANSWERS: AnswersJob(data, answers),
        JobKind.GROUNDEDNESS: GroundednessJob(data, groundedness),
        JobKind.TEST_SET: TestSetJob(collections, complete),
    }
    return EvaluationRunner(EvaluationLedger(database), works)
