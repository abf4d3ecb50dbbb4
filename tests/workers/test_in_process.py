from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingestion.records import JobKind, Status
from runtime.database import Database
from tests.ingestion.small_parts import TENANT, Gate, Workshop
from workers.in_process import InProcessWorker

INGEST = JobKind.INGEST


def wait_until(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    database = Database(f"sqlite:///{tmp_path}/records.db")
    database.upgrade()
    yield Workshop(tmp_path, database)
    database.close()


@pytest.fixture
def employ() -> Iterator[Callable[..., InProcessWorker]]:
    """Starts workers; all are stopped at the end."""
    workers: list[InProcessWorker] = []

    def start(runner, **options) -> InProcessWorker:
        worker = InProcessWorker(runner, **options)
        workers.append(worker)
        worker.start()
        return worker

    yield start
    for worker in workers:
        worker.stop()


class Recorder:
    """A runner that notes when it was asked to run what."""

    def __init__(self, *pauses: float | None) -> None:
        self.runs: list[tuple[str, float]] = []
        self.pauses = iter(pauses)

    def run(self, job_id: str) -> float | None:
        self.runs.append((job_id, time.monotonic()))
        return next(self.pauses, None)

    def recover(self):
        return []

    def interrupt(self) -> None: ...


def test_uploads_become_searchable(workshop: Workshop, employ) -> None:
    workshop.intake._queue = employ(workshop.pipeline, concurrency=2)
    jobs = [workshop.upload(f"{n}.txt", f"text {n}").job for n in range(12)]
    wait_until(lambda: all(workshop.job(job.id).finished for job in jobs))
    assert {workshop.job(job.id).status for job in jobs} == {Status.READY}
    assert len(workshop.visible()) == 12


def test_a_job_that_wants_to_run_again_comes_back_after_its_pause(employ) -> None:
    runner = Recorder(0.3, None)
    employ(runner).submit("a", INGEST, 1)
    wait_until(lambda: len(runner.runs) == 2)
    (first, began), (second, again) = runner.runs
    assert (first, second) == ("a", "a")
    assert again - began >= 0.3


def test_a_delayed_job_does_not_hold_up_others(employ) -> None:
    runner = Recorder()
    worker = employ(runner)
    worker.submit("later", INGEST, 1, delay=0.5)
    worker.submit("now", INGEST, 1)
    wait_until(lambda: len(runner.runs) == 2)
    assert [job_id for job_id, _ in runner.runs] == ["now", "later"]


def test_two_workers_in_one_process_do_not_take_each_others_jobs(employ) -> None:
    first, second = Recorder(), Recorder()
    queues = [employ(first), employ(second)]
    for n in range(6):
        queues[n % 2].submit(str(n), INGEST, 1)
    wait_until(lambda: len(first.runs) + len(second.runs) == 6)
    assert [job_id for job_id, _ in first.runs] == ["0", "2", "4"]
    assert [job_id for job_id, _ in second.runs] == ["1", "3", "5"]


def test_a_failing_task_does_not_end_the_worker(employ) -> None:
    class Broken(Recorder):
        def run(self, job_id: str) -> float | None:
            super().run(job_id)
            if job_id == "bad":
                raise RuntimeError("a defect")
            return None

    runner = Broken()
    worker = employ(runner)
    worker.submit("bad", INGEST, 1)
    worker.submit("good", INGEST, 1)
    wait_until(lambda: len(runner.runs) == 2)


def test_stop_is_quick_and_the_next_start_takes_the_job_up(workshop: Workshop, employ) -> None:
    steps = threading.Event()

    def slow(stage: str) -> None:
        if stage == "embedding":
            steps.set()
            time.sleep(0.05)

    workshop.hook = slow
    workshop.intake._queue = employ(workshop.pipeline)
    long = workshop.upload("long.txt", "\n\n".join(f"paragraph {n}" for n in range(60)))
    queued = workshop.upload("queued.txt", "queued")
    assert steps.wait(10)
    began = time.monotonic()
    workshop.intake._queue.stop()
    assert time.monotonic() - began < 1
    assert workshop.job(long.job.id).status is Status.QUEUED
    assert workshop.job(queued.job.id).attempts == 0
    # What is uploaded in the last moment is kept for the next start too.
    last = workshop.upload("last.txt", "last")
    workshop.hook = lambda stage: None
    workshop.pipeline = workshop.new_pipeline()
    employ(workshop.pipeline)
    jobs = [long.job.id, queued.job.id, last.job.id]
    wait_until(lambda: all(workshop.job(job_id).status is Status.READY for job_id in jobs))
    assert len(workshop.visible()) == len(workshop.points.rows()) == 62


def test_stop_does_not_wait_for_a_job_that_does_not_come_to_an_end(workshop: Workshop, employ) -> None:
    gate = workshop.hook = Gate("parsing")
    worker = workshop.intake._queue = employ(workshop.pipeline)
    upload = workshop.upload("a.txt", "text")
    assert gate.reached.wait(10)
    began = time.monotonic()
    worker.stop(timeout=0.5)
    assert time.monotonic() - began < 1.5
    gate.opened.set()
    wait_until(lambda: workshop.job(upload.job.id).status is Status.QUEUED)


def test_a_worker_without_work_loads_no_celery_and_stops_at_once(tmp_path: Path) -> None:
    script = (
        "import json, sys, time\n"
        "from pathlib import Path\n"
        "from runtime.database import Database\n"
        "from tests.ingestion.small_parts import Workshop\n"
        "from workers.in_process import InProcessWorker\n"
        f"database = Database('sqlite:///{tmp_path}/records.db'); database.upgrade()\n"
        f"worker = InProcessWorker(Workshop(Path('{tmp_path}'), database).pipeline)\n"
        "worker.start(); time.sleep(0.2); began = time.monotonic(); worker.stop()\n"
        "heavy = [name for name in ('celery', 'kombu', 'torch', 'unstructured', 'spacy') if name in sys.modules]\n"
        "print(json.dumps([heavy, time.monotonic() - began]))\n"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    heavy, seconds = json.loads(output)
    assert heavy == []
    assert seconds < 0.2


def test_unreadable_records_at_the_start_are_logged_not_thrown(workshop: Workshop, employ, caplog) -> None:
    workshop.database.close()
    (workshop.folder / "records.db").write_bytes(b"damaged" * 1000)
    employ(workshop.pipeline)
    wait_until(lambda: "could not be taken up" in caplog.text)


def test_nobody_else_sees_the_documents(workshop: Workshop, employ) -> None:
    workshop.intake._queue = employ(workshop.pipeline)
    job = workshop.upload("a.txt", "text").job
    wait_until(lambda: workshop.job(job.id).finished)
    assert workshop.registry.documents("other").documents == ()
    assert len(workshop.registry.documents(TENANT).documents) == 1
