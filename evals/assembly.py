"""Evaluations put together from the settings: what `plumb eval`, the scripts and the jobs call.

Each returns a `RunRecord`; the caller prints it, and writes it with `record.write(path)`.
"""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evals.cases import AnswerCase, ContextText, read_answers, read_retrieval
from evals.run_record import Evaluation, RunRecord, machine_facts, source_commit, utc_now
from retrieval.passages import Passage, Scope, StoredChunk
from runtime.errors import InvalidInput

if TYPE_CHECKING:
    from evals.evaluate_answers import Ask
    from retrieval.retriever import SearchResult
    from runtime.settings import Settings

OnProgress = Callable[[str, float], None]
"""Gets the stage ("embedding", "indexing", "searching", "answering") and the share of it that is done, 0 to 1."""

AskCollection = Callable[[str], Mapping[str, Any]]
"""A question's text to the answer object of the outward contract, for cases without a context of their own."""

AskModelOfCollection = Callable[[str, str], Mapping[str, Any]]
"""The same of one model: question and model's name."""

ARMS = ("bm25", "dense", "fused", "reranked")
KNOWN_ARMS = (*ARMS, "rrf")

_READING = "reading"


def run_retrieval(
    settings: Settings,
    folder: pathlib.Path,
    *,
    split: str = "dev",
    arms: Sequence[str] = ARMS,
    relevant_from: int = 1,
    command: str,
    on_progress: OnProgress | None = None,
) -> RunRecord:
    """Measure retrieval on a folder in BEIR form, in a temporary index of its own; the user's index is not touched.

    `relevant_from` is the lowest grade that recall, MRR and MAP count as relevant. Raises `InvalidCases`
    (file and line) and `InvalidInput` for an unknown arm. Blocking.
    """
    from evals.evaluate_retrieval import evaluate_retrieval
    from evals.temporary_index import temporary_index

    unknown = [arm for arm in arms if arm not in KNOWN_ARMS]
    if unknown or not arms:
        raise InvalidInput(f"Unknown arm {', '.join(unknown) or '(none given)'}; there are {', '.join(KNOWN_ARMS)}.")
    report = on_progress or (lambda _stage, _share: None)
    started, start = utc_now(), time.perf_counter()
    data = read_retrieval(folder, split)
    with temporary_index(settings, data.corpus, report) as index:
        found = evaluate_retrieval(
            data,
            index.rank,
            list(dict.fromkeys(arms)),
            relevant_from=relevant_from,
            on_progress=lambda share: report("searching", share),
        )
        sizes = {"records": float(len(data.corpus)), "chunks": float(index.chunks)}
    described = describe_settings(settings) | {
        "data": data.name,
        "split": split,
        "arms": list(arms),
        "relevant_from": relevant_from,
    }
    evaluation = Evaluation({**found.metrics, **sizes}, found.intervals, found.records)
    return _record(evaluation, command, described, started, start, data.data_hash)


def run_answers(
    settings: Settings,
    file: pathlib.Path,
    *,
    command: str,
    model: str | None = None,
    ask_collection: AskCollection | None = None,
    ask_case: Ask | None = None,
    earlier: Sequence[Mapping[str, Any]] = (),
    keep: Callable[[Mapping[str, Any]], None] = lambda _record: None,
    on_progress: OnProgress | None = None,
) -> RunRecord:
    """Measure answers on a JSONL file. Cases with a `context` are read in this process; the user's index is not opened.

    Cases without one go through `ask_collection` (the command line passes a call of `POST /v1/ask` with the cache off);
    without it such a file is refused with `InvalidInput`. Raises `InvalidCases` (file and line). Blocking.

    `ask_case` answers every case in the place of both. `earlier` are the records of a run over the same file that broke
    off, whose questions are not asked again; `keep` gets each new record as soon as it is there.
    """
    from evals.evaluate_answers import evaluate_answers

    started, start = utc_now(), time.perf_counter()
    data = read_answers(file)
    report = on_progress or (lambda _stage, _share: None)
    with contextlib.ExitStack() as stack:
        reads = ask_case is None and any(case.context for case in data.cases)
        read = stack.enter_context(_reading(settings, model)) if reads else None

        def ask(case: AnswerCase) -> Mapping[str, Any]:
            if ask_case is not None:
                return ask_case(case)
            if case.context and read is not None:
                return read(case)
            if ask_collection is None:
                raise InvalidInput(
                    f"The question {case.case_id!r} has no context, and there is no collection to search here. "
                    "Use plumb eval answers, which asks the ingested documents."
                )
            return ask_collection(case.question)

        evaluation = evaluate_answers(
            data.cases,
            ask,
            earlier={str(record["id"]): record for record in earlier},
            keep=keep,
            on_progress=lambda share: report("answering", share),
        )
    described = describe_settings(settings) | {"data": file.name, "model": model}
    return _record(evaluation, command, described, started, start, data.data_hash)


def record_routing(
    settings: Settings,
    file: pathlib.Path,
    *,
    command: str,
    ask_collection: AskModelOfCollection | None = None,
    on_progress: OnProgress | None = None,
) -> RunRecord:
    """Ask every question of a JSONL file of every model but those for batches, to replay routing policies over it.

    Cases with a `context` are read in this process, the others go through `ask_collection`, as in `run_answers`. Raises
    `InvalidInput` without a fast and a powerful model, and `InvalidCases`. Blocking; costs money.
    """
    from evals.routing_recording import record_answers
    from evals.routing_replay import MODELS_KEY, profiles_to_json
    from generation.language_models.assembly import build_models
    from generation.language_models.model import Role
    from generation.routing.router import EXTRACTIVE

    started, start = utc_now(), time.perf_counter()
    profiles = [model.profile for model in build_models(settings) if model.profile.role is not Role.BATCH]
    if {profile.role for profile in profiles} != {Role.FAST, Role.POWERFUL}:
        raise InvalidInput("Routing chooses between models: configure a fast and a powerful one (PLUMB_MODELS).")
    data = read_answers(file)
    report = on_progress or (lambda _stage, _share: None)
    with contextlib.ExitStack() as stack:
        reads = any(case.context for case in data.cases)
        read = stack.enter_context(_reading_by(settings)) if reads else None

        def ask(case: AnswerCase, model: str) -> Mapping[str, Any]:
            if case.context and read is not None:
                return read(case, model)
            if ask_collection is None:
                raise InvalidInput(
                    f"The question {case.case_id!r} has no context, and there is no collection to search."
                )
            return ask_collection(case.question, model)

        evaluation = record_answers(
            data.cases,
            [*(profile.name for profile in profiles), EXTRACTIVE],
            ask,
            lambda case: passages_of(case.context),
            on_progress=lambda share: report("answering", share),
        )
    described = describe_settings(settings) | {"data": file.name, MODELS_KEY: profiles_to_json(profiles)}
    return _record(evaluation, command, described, started, start, data.data_hash)


def replay_routing(
    settings: Settings,
    run_file: pathlib.Path,
    policy_file: pathlib.Path | None,
    *,
    command: str,
    max_latency_ms: float | None = None,
    max_cost_usd: float | None = None,
) -> RunRecord:
    """Replay the policy of a JSON file, or that of the settings, over a recorded run. Raises `InvalidInput`."""
    import dataclasses

    from evals.routing_replay import replay
    from evals.run_record import read_run_record
    from generation.routing.policy import RoutingPolicy

    started, start = utc_now(), time.perf_counter()
    run = read_run_record(run_file)
    policy = RoutingPolicy.from_json(settings.routing) if policy_file is None else RoutingPolicy.read(policy_file)
    evaluation = replay(run, policy, max_latency_ms=max_latency_ms, max_cost_usd=max_cost_usd)
    described = {
        "run": run_file.name,
        "data": run.settings.get("data"),
        "policy": dataclasses.asdict(policy),
        "max_latency_ms": max_latency_ms,
        "max_cost_usd": max_cost_usd,
    }
    return _record(evaluation, command, described, started, start, run.data_hash)


def describe_settings(settings: Settings) -> dict[str, Any]:
    """The effective settings as `plumb doctor` shows them, secrets hidden."""
    return {row.name: row.value for row in settings.describe() if row.name}


def passages_of(context: Sequence[ContextText]) -> tuple[Passage, ...]:
    """The texts of a case as passages, in the order given, each a document of its own."""
    return tuple(
        Passage(chunk=_chunk_of(text), score=1.0, scores={}, context=text.text, context_start=0) for text in context
    )


def _chunk_of(text: ContextText) -> StoredChunk:
    return StoredChunk(
        tenant=_READING,
        collection=_READING,
        document_id=text.context_id,
        version=1,
        document_name=text.title or text.context_id,
        ordinal=0,
        text=text.text,
        start=0,
        end=len(text.text),
        page=None,
        heading_path=(text.title,) if text.title else (),
        parent=(0, 0),
    )


@contextlib.contextmanager
def _reading(settings: Settings, model: str | None) -> Iterator[Ask]:
    """Answers from the passages of a case alone."""
    with _reading_by(settings) as read:
        yield lambda case: read(case, model)


@contextlib.contextmanager
def _reading_by(settings: Settings) -> Iterator[Callable[[AnswerCase, str | None], Mapping[str, Any]]]:
    """The same by the model that is named at each question; None: the router chooses."""
    from generation.answers import Question
    from generation.assembly import build_answerer
    from retrieval.assembly import build_embedder

    embedder = build_embedder(settings)
    answerer = build_answerer(settings, _NoRetriever(), embedder)
    with asyncio.Runner() as runner:

        def read(case: AnswerCase, model: str | None) -> Mapping[str, Any]:
            question = Question(
                text=case.question,
                scope=Scope(_READING),
                model=model,
                use_cache=False,
                passages=passages_of(case.context),
            )
            return runner.run(answerer.answer(question)).to_json()

        try:
            yield read
        finally:
            runner.run(answerer.close())


class _NoRetriever:
    """Reading searches nothing: a question whose passages are given must never get here."""

    def search(self, text: str, scope: Scope, top_k: int) -> SearchResult:
        raise AssertionError(f"the {top_k} best passages of {scope} were asked for, to read {text!r}")


def _record(
    evaluation: Evaluation,
    command: str,
    settings: Mapping[str, Any],
    started: str,
    start: float,
    data_hash: str,
) -> RunRecord:
    return RunRecord(
        command=command,
        settings=settings,
        commit=source_commit(),
        machine=machine_facts(),
        started=started,
        seconds=time.perf_counter() - start,
        metrics=evaluation.metrics,
        intervals=evaluation.intervals,
        records=evaluation.records,
        data_hash=data_hash,
    )
