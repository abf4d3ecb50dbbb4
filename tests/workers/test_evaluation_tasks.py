"""Evaluations through the real in-process worker: Celery, threads, an event loop, SQLite; stopped and killed."""

from __future__ import annotations

import collections
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evals.jobs.records import EvaluationJob, JobKind, JobStatus
from evals.jobs.store import EvaluationIntake, JobStore
from generation.assembly import build_answerer
from ingestion.original_store import open_original_store
from retrieval.assembly import build_embedder
from runtime.database import Database
from runtime.settings import Settings
from tests.generation.batches.batch_hall import QUESTIONS, TENANT, Finds
from workers.assembly import Evaluations, build_evaluations

OPTIONS = {"collection": None, "model": None, "test_set_id": None}


@pytest.fixture(scope="module")
def embedder() -> Any:
    return build_embedder(Settings())


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(Settings(data_dir=tmp_path).resolved_database_url())
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def open_evaluations(tmp_path: Path, database: Database, embedder: Any) -> Iterator[Callable[..., Evaluations]]:
    settings, opened = Settings(data_dir=tmp_path), list[Evaluations]()

    def open_one(hook: Callable[[str], None] = lambda _: None) -> Evaluations:
        search = Finds(hook)
        evaluations = build_evaluations(
            settings,
            database,
            lambda: build_answerer(settings, search, embedder),
            lambda *_: None,
            None,  # type: ignore[arg-type]
        )
        opened.append(evaluations)
        evaluations.start()
        return evaluations

    yield open_one
    for evaluations in opened:
        evaluations.stop()


def cases(count: int) -> list[dict[str, Any]]:
    return [{"id": str(n), "question": f"{QUESTIONS[n % 2]} ({n})", "answers": ["28 days"]} for n in range(count)]


def handed_in(rows: list[dict[str, Any]]) -> tuple[str, io.BytesIO]:
    return "cases.jsonl", io.BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode())


def await_end(store: JobStore, job: EvaluationJob, seconds: float = 30.0) -> EvaluationJob:
    deadline = time.monotonic() + seconds
    while not (now := store.job(TENANT, job.id)).finished:
        assert time.monotonic() < deadline, now
        time.sleep(0.02)
    return now


def test_stop_is_quick_and_the_next_start_goes_on(open_evaluations: Callable[..., Evaluations]) -> None:
    asked = list[str]()

    def slow(text: str) -> None:
        asked.append(text)
        time.sleep(0.02)

    first = open_evaluations(slow)
    job = first.intake.receive(TENANT, JobKind.ANSWERS, OPTIONS, handed_in(cases(60)))
    deadline = time.monotonic() + 15
    while len(asked) < 10:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    began = time.monotonic()
    first.stop()
    assert time.monotonic() - began < 2
    before = first.intake.store.job(TENANT, job.id)
    assert (before.status, 0 < before.records < 60) == (JobStatus.QUEUED, True)
    count = len(asked)
    time.sleep(0.2)
    assert len(asked) == count, "nothing goes on after it has stopped"
    ended = await_end(open_evaluations(slow).intake.store, job)
    assert (ended.status, ended.records, ended.attempts) == (JobStatus.SUCCEEDED, 60, 2)
    # Each go asks its first question once more, to warm up; what was being asked at the end is asked again.
    assert sum(collections.Counter(asked).values()) <= 60 + 2 + 1
    assert [one["id"] for one in first.intake.store.records(TENANT, job.id)] == [str(n) for n in range(60)]


def test_killed_in_the_middle_nothing_is_lost_or_doubled(tmp_path: Path, database: Database) -> None:
    store, command = JobStore(database), [sys.executable, "-m", "tests.workers.killed_evaluation", str(tmp_path)]
    files = open_original_store(f"{Settings(data_dir=tmp_path).resolved_originals_url()}/evaluations", 1_000_000)

    class NoQueue:
        def submit(self, job_id: str, *, delay: float = 0.0) -> None:
            """The process that is started finds the job in the records."""

    intake = EvaluationIntake(store, files, NoQueue(), max_bytes=1_000_000)
    job = intake.receive(TENANT, JobKind.ANSWERS, OPTIONS, handed_in(cases(80)))
    kills = [5, 40]
    for records in kills:
        process = subprocess.Popen(command)
        deadline = time.monotonic() + 40
        while store.job(TENANT, job.id).records < records:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        process.kill()
        process.wait()
        assert not store.job(TENANT, job.id).finished
    subprocess.run(command, check=True, timeout=90)
    ended = store.job(TENANT, job.id)
    assert (ended.status, ended.records, ended.attempts) == (JobStatus.SUCCEEDED, 80, 3)
    assert [one["id"] for one in store.records(TENANT, job.id)] == [str(n) for n in range(80)]
    assert ended.result is not None and ended.result["metrics"]["questions"] == 80
    asked = collections.Counter((tmp_path / "asked").read_text().splitlines())
    assert len(asked) == 80
    # Records are written twice a second: what came since then is asked again, and each go warms up with one question.
    assert sum(asked.values()) - 80 <= 3 + len(kills) * 30


def test_a_process_without_evaluations_loads_nothing_heavy_and_stops_at_once(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from runtime.database import Database\n"
        "from runtime.settings import Settings\n"
        "from workers.assembly import build_evaluations\n"
        f"settings = Settings(data_dir=Path('{tmp_path}'))\n"
        "database = Database(settings.resolved_database_url()); database.upgrade()\n"
        "evaluations = build_evaluations(settings, database, None, None, None)\n"
        "evaluations.start(); time.sleep(0.2); began = time.monotonic(); evaluations.stop()\n"
        "heavy = ('celery', 'kombu', 'torch', 'openai', 'onnxruntime', 'llama_index')\n"
        "print([name for name in heavy if name in sys.modules], time.monotonic() - began < 0.2)\n"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[] True"
