"""The work of evaluation jobs: the same measurements as `plumb eval`, over data that were handed in."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from evals.case_files import InvalidCases
from evals.jobs.data_files import beir_folder, jsonl_file
from evals.jobs.progress import JobProgress
from evals.jobs.records import EvaluationJob
from evals.jobs.runner import JobOutcome
from evals.jobs.store import JobStore
from evals.runs.run_record import RunRecord
from ingestion.original_store import OriginalStore

OnProgress = Callable[[str, float], None]


class Retrieval(Protocol):
    def __call__(
        self,
        folder: Path,
        *,
        split: str,
        arms: Sequence[str],
        relevant_from: int,
        command: str,
        on_progress: OnProgress,
    ) -> RunRecord: ...


class Answers(Protocol):
    def __call__(
        self,
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
    ) -> RunRecord: ...


class Groundedness(Protocol):
    def __call__(self, file: Path, *, checker: str | None, command: str, on_progress: OnProgress) -> RunRecord: ...


@dataclasses.dataclass(frozen=True, slots=True)
class HandedIn:
    """Where the data of a job come from: the store of files, or a test set that is kept as a job of its own."""

    files: OriginalStore
    jobs: JobStore
    max_unpacked_bytes: int

    @contextlib.contextmanager
    def folder(self, job: EvaluationJob) -> Iterator[Path]:
        if job.data is None:
            raise InvalidCases("No data came with this evaluation.")
        with (
            self.files.local_path(job.data.content_hash) as path,
            beir_folder(path, job.data.name, self.max_unpacked_bytes) as folder,
        ):
            yield folder

    @contextlib.contextmanager
    def file(self, job: EvaluationJob) -> Iterator[Path]:
        if job.data is not None:
            with (
                self.files.local_path(job.data.content_hash) as path,
                jsonl_file(path, job.data.name, self.max_unpacked_bytes) as file,
            ):
                yield file
            return
        test_set_id = job.options["test_set_id"]
        with tempfile.TemporaryDirectory(prefix="plumb-data-") as folder:
            file = Path(folder) / f"test-set-{test_set_id}.jsonl"
            with file.open("w", encoding="utf-8") as out:
                for record in self.jobs.records(job.tenant, test_set_id):
                    out.write(json.dumps(record, ensure_ascii=False) + "\n")
            yield file


class RetrievalJob:
    """Repeated from the start when it is taken up: its index was a temporary one."""

    stages: Mapping[str, float] = {"embedding": 0.6, "indexing": 0.1, "searching": 0.3}

    def __init__(self, data: HandedIn, measure: Retrieval) -> None:
        self._data = data
        self._measure = measure

    def do(self, job: EvaluationJob, _kept: Sequence[Mapping[str, Any]], progress: JobProgress) -> JobOutcome:
        options = job.options
        with self._data.folder(job) as folder:
            run = self._measure(
                folder,
                split=options["split"],
                arms=options["arms"],
                relevant_from=options["relevant_from"],
                command=_command(job, split=options["split"], arms=",".join(options["arms"])),
                on_progress=progress,
            )
        return _outcome(run)


class AnswersJob:
    """Goes on behind the answers that there are: they have cost money."""

    stages: Mapping[str, float] = {}

    def __init__(self, data: HandedIn, measure: Answers) -> None:
        self._data = data
        self._measure = measure

    def do(self, job: EvaluationJob, kept: Sequence[Mapping[str, Any]], progress: JobProgress) -> JobOutcome:
        collection, model = job.options.get("collection"), job.options.get("model")
        with self._data.file(job) as file:
            run = self._measure(
                file,
                tenant=job.tenant,
                collection=collection,
                model=model,
                command=_command(job, collection=collection, model=model),
                earlier=kept,
                keep=progress.keep,
                check=progress.check,
                on_progress=progress,
            )
        return _outcome(run)


class GroundednessJob:
    """Repeated from the start when it is taken up."""

    stages: Mapping[str, float] = {}

    def __init__(self, data: HandedIn, measure: Groundedness) -> None:
        self._data = data
        self._measure = measure

    def do(self, job: EvaluationJob, _kept: Sequence[Mapping[str, Any]], progress: JobProgress) -> JobOutcome:
        checker = job.options.get("checker")
        with self._data.file(job) as file:
            run = self._measure(file, checker=checker, command=_command(job, checker=checker), on_progress=progress)
        return _outcome(run)


def run_record(job: EvaluationJob, records: Sequence[Mapping[str, Any]]) -> RunRecord:
    """The run of an evaluation that has succeeded, as `plumb eval --out` writes it."""
    assert job.result is not None
    result = dict(job.result)
    intervals = {name: (low, high) for name, (low, high) in result.pop("intervals").items()}
    return RunRecord(**result, intervals=intervals, records=records)


def _outcome(run: RunRecord) -> JobOutcome:
    result = {field.name: getattr(run, field.name) for field in dataclasses.fields(run) if field.name != "records"}
    plain = _plain(result)
    plain["intervals"] = {name: ends for name, ends in plain["intervals"].items() if None not in ends}
    return JobOutcome(plain, [_plain(record) for record in run.records])


def _plain(value: Any) -> Any:
    """With `None` for numbers that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _command(job: EvaluationJob, **options: str | None) -> str:
    """The command that does the same."""
    name = job.data.name if job.data else f"test-set-{job.options['test_set_id']}.jsonl"
    words = ["plumb", "eval", job.kind.value, "--data", name]
    for option, value in options.items():
        words += [f"--{option}", value] if value is not None else []
    return shlex.join(words)
