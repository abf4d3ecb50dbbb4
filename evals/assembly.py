"""Evaluations put together from the settings: what `plumb eval`, the scripts and the jobs call.

Each returns a `RunRecord`; the caller prints it, and writes it with `record.write(path)`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evals.cases import AnswerCase, ContextText, read_answers, read_retrieval
from evals.groundedness.groundedness_cases import GroundednessCase, read_groundedness
from evals.runs.run_record import Evaluation, RunRecord, finished_run, utc_now
from retrieval.passages import Passage, Scope, StoredChunk
from runtime.errors import InvalidInput

if TYPE_CHECKING:
    from evals.answers.evaluate_answers import Ask
    from generation.answers import CheckerInfo
    from retrieval.embedding import Embedder
    from retrieval.retriever import SearchResult
    from runtime.settings import Settings

OnProgress = Callable[[str, float], None]
"""Gets the stage ("embedding", "indexing", "searching", "answering") and the share of it that is done, 0 to 1."""

MEASURING = {"cache": False, "store": False}
"""What such a call adds to the body of `POST /v1/ask`: an answer of its own, that is not counted as a user's."""

AskCollection = Callable[[str], Mapping[str, Any]]
"""A question's text to the answer object of the outward contract, for cases without a context of their own."""

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
    from evals.retrieval.evaluate_retrieval import evaluate_retrieval
    from evals.retrieval.temporary_index import temporary_index

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
    return finished_run(
        evaluation,
        kind="retrieval",
        command=command,
        settings=described,
        models=describe_models(settings),
        started=started,
        start=start,
        data_hash=data.data_hash,
    )


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
    from evals.answers.answer_judging import AnswerJudge
    from evals.answers.evaluate_answers import evaluate_answers
    from evals.hallucination_rate.error_counts import shipped_table
    from generation.checking.assembly import build_checker
    from retrieval.assembly import build_embedder

    started, start = utc_now(), time.perf_counter()
    data = read_answers(file)
    report = on_progress or (lambda _stage, _share: None)
    embedder = build_embedder(settings)
    checker = build_checker(settings, embedder)
    errors = shipped_table()
    with contextlib.ExitStack() as stack:
        reads = ask_case is None and any(case.context for case in data.cases)
        read = stack.enter_context(reading_by(settings, embedder)) if reads else None

        def ask(case: AnswerCase) -> Mapping[str, Any]:
            if ask_case is not None:
                return ask_case(case)
            if case.context and read is not None:
                return read(case, model)
            if ask_collection is None:
                raise InvalidInput(
                    f"The question {case.case_id!r} has no context, and there is no collection to search here. "
                    "Use plumb eval answers, which asks the ingested documents."
                )
            return ask_collection(case.question)

        evaluation = evaluate_answers(
            data.cases,
            ask,
            judge=AnswerJudge(embedder, checker),
            counts_of=lambda one: errors.of(one.name, one.version),
            earlier={str(record["id"]): record for record in earlier},
            keep=keep,
            on_progress=lambda share: report("answering", share),
        )
    described = describe_settings(settings) | {"data": file.name, "model": model}
    return finished_run(
        evaluation,
        kind="answers",
        command=command,
        settings=described,
        models=describe_models(settings, checker.info),
        started=started,
        start=start,
        data_hash=data.data_hash,
    )


def run_groundedness(
    settings: Settings,
    file: pathlib.Path,
    *,
    checker: str | None = None,
    limit: int | None = None,
    group_by: str | None = None,
    threads: int = 1,
    command: str,
    on_progress: OnProgress | None = None,
) -> RunRecord:
    """Measure a checker (that of the settings unless named) on a JSONL file of judged answers.

    `threads` answers are checked at a time: worth it for checkers that wait for a server. Those that compute share the
    interpreter lock, take as long in all, and longer for each answer.
    `group_by` names the field whose equal values hang together. Raises `InvalidCases` (file and line), and
    `ConfigurationError` for a checker that does not exist. Blocking.
    """
    from evals.answers.answer_checking import verify
    from evals.groundedness.evaluate_groundedness import evaluate_groundedness
    from generation.checking.assembly import build_checker
    from retrieval.assembly import build_embedder

    started, start = utc_now(), time.perf_counter()
    report = on_progress or (lambda _stage, _share: None)
    data = read_groundedness(file, limit=limit, group_by=group_by)
    used = build_checker(settings, build_embedder(settings), name=checker)
    evaluation = evaluate_groundedness(
        data.cases,
        lambda case: verify(used, case, passages_of(_as_texts(case))),
        threads=threads,
        on_progress=lambda share: report("checking", share),
    )
    options = {"data": file.name, "limit": limit, "group_by": group_by, "threads": threads}
    return finished_run(
        evaluation,
        kind="groundedness",
        command=command,
        settings=describe_settings(settings) | options,
        models=describe_models(settings, used.info),
        started=started,
        start=start,
        data_hash=data.data_hash,
    )


def _as_texts(case: GroundednessCase) -> list[ContextText]:
    return [ContextText(str(place), "", text) for place, text in enumerate(case.context)]


def describe_settings(settings: Settings) -> dict[str, Any]:
    """The effective settings as `plumb doctor` shows them, secrets hidden."""
    return {row.name: row.value for row in settings.describe() if row.name}


def describe_models(settings: Settings, checker: CheckerInfo | None = None) -> dict[str, Any]:
    """Names and versions of what answers and verdicts are made with; the hash of the embedding model's weights."""
    from generation.prompting.prompts import ANSWER_PROMPT
    from retrieval.assembly import DEFAULT_MODEL
    from runtime.model_files import MINILM_SHA256

    embedding = {"name": settings.embedding_model, "backend": settings.embedding_backend}
    if settings.embedding_model == DEFAULT_MODEL:
        embedding["sha256"] = MINILM_SHA256
    described: dict[str, Any] = {
        "embedding": embedding,
        "reranker": settings.reranker,
        "language_models": [
            {"name": model.name, "model": model.model or model.name, "role": model.role} for model in settings.models
        ],
        "prompt": ANSWER_PROMPT,
    }
    if checker is not None:
        described["checker"] = dataclasses.asdict(checker)
    return described


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
def reading_by(
    settings: Settings, embedder: Embedder
) -> Iterator[Callable[[AnswerCase, str | None], Mapping[str, Any]]]:
    """Answers from the passages of a case alone, by the model named with each; None: the router chooses."""
    from generation.answers import Question
    from generation.assembly import build_answerer

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
