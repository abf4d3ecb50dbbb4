"""Batches through the real in-process worker: Celery, threads, an event loop, SQLite."""

from __future__ import annotations

import collections
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from generation.answer_store import answers
from generation.answers import Question
from generation.assembly import build_answerer
from generation.batches.records import BatchOptions, BatchRecord, BatchStatus, NewQuestion
from generation.batches.store import BatchStore
from retrieval.assembly import build_embedder
from retrieval.passages import Scope
from runtime.database import Database
from runtime.settings import Settings
from tests.generation.batches.batch_hall import QUESTIONS, TENANT, Finds
from workers.assembly import Batches, build_batches
from workers.event_loop import EventLoopThread


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
def open_batches(tmp_path: Path, database: Database, embedder: Any) -> Iterator[Callable[..., Batches]]:
    settings, opened = Settings(data_dir=tmp_path), list[Batches]()

    def open_one(hook: Callable[[str], None] = lambda _: None) -> Batches:
        search = Finds(hook)
        batches = build_batches(
            settings, database, embedder, lambda: build_answerer(settings, search, embedder), lambda *_: None
        )
        opened.append(batches)
        batches.start()
        return batches

    yield open_one
    for batches in opened:
        batches.stop()


def questions(count: int) -> list[NewQuestion]:
    return [NewQuestion(Question(f"{QUESTIONS[n % 2]} ({n})", Scope(TENANT)), str(n)) for n in range(count)]


def await_end(store: BatchStore, batch: BatchRecord, seconds: float = 20.0) -> BatchRecord:
    deadline = time.monotonic() + seconds
    while not (now := store.batch(TENANT, batch.id)).finished:
        assert time.monotonic() < deadline, now
        time.sleep(0.02)
    return now


def test_what_is_handed_in_is_answered(open_batches: Callable[..., Batches]) -> None:
    intake = open_batches().intake
    batches = [intake.receive(TENANT, questions(5), BatchOptions()) for _ in range(3)]
    for batch in batches:
        assert await_end(intake.store, batch).answered == 5
        results = list(intake.store.results(TENANT, batch.id))
        assert [one.caller_id for one in results] == list("01234")
        assert all(one.answer and "28 days" in one.answer["answer"] for one in results[::2])


def test_cancelled_through_the_same_door(open_batches: Callable[..., Batches]) -> None:
    asked = threading.Event()
    intake = open_batches(lambda _: asked.set()).intake
    batch = intake.receive(TENANT, questions(300), BatchOptions())
    assert asked.wait(15)
    intake.cancel(TENANT, batch.id)
    now = await_end(intake.store, batch)
    assert (now.status, now.answered < 300) == (BatchStatus.CANCELLED, True)


def test_stop_is_quick_and_the_next_start_takes_the_batch_up(open_batches: Callable[..., Batches]) -> None:
    asked = list[str]()
    first = open_batches(asked.append)
    batch = first.intake.receive(TENANT, questions(60), BatchOptions())
    deadline = time.monotonic() + 15
    while len(asked) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    began = time.monotonic()
    first.stop()
    assert time.monotonic() - began < 2
    before = first.intake.store.batch(TENANT, batch.id)
    assert (before.status, before.answered < 60) == (BatchStatus.QUEUED, True)
    assert len(asked) == before.answered, "nothing goes on after it has stopped"
    assert await_end(open_batches(asked.append).intake.store, batch).answered == 60
    assert len(asked) == len(set(asked)) == 60


def test_a_process_without_batches_loads_no_celery_and_stops_at_once(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from runtime.database import Database\n"
        "from runtime.settings import Settings\n"
        "from workers.assembly import build_batches\n"
        f"settings = Settings(data_dir=Path('{tmp_path}'))\n"
        "database = Database(settings.resolved_database_url()); database.upgrade()\n"
        "batches = build_batches(settings, database, None, None, None)\n"
        "batches.start(); time.sleep(0.2); began = time.monotonic(); batches.stop()\n"
        "heavy = ('celery', 'kombu', 'torch', 'openai', 'anthropic', 'llama_index')\n"
        "print([name for name in heavy if name in sys.modules], time.monotonic() - began < 0.2)\n"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[] True"


def kill_at(folder: Path, store: BatchStore, batch: BatchRecord, answered: int) -> None:
    process = subprocess.Popen([sys.executable, "-m", "tests.workers.killed_batch", str(folder)])
    deadline = time.monotonic() + 40
    while store.batch(TENANT, batch.id).answered < answered:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait()


def check_kills(folder: Path, database: Database, kills: list[int], count: int) -> None:
    store = BatchStore(database)
    batch = store.submit(TENANT, questions(count), BatchOptions())
    for answered in kills:
        kill_at(folder, store, batch, answered)
        assert store.batch(TENANT, batch.id).answered < count
    subprocess.run([sys.executable, "-m", "tests.workers.killed_batch", str(folder)], check=True, timeout=90)
    now = store.batch(TENANT, batch.id)
    assert (now.status, now.answered, now.failed) == (BatchStatus.FINISHED, count, 0)
    results = list(store.results(TENANT, batch.id))
    assert [one.caller_id for one in results] == [str(n) for n in range(count)]
    assert [one.answer and one.answer["question"] for one in results] == [one.question.text for one in questions(count)]
    asked = collections.Counter((folder / "asked").read_text().splitlines())
    assert set(asked) == {one.question.text for one in questions(count)}
    again = sum(asked.values()) - count
    assert again <= 2 * len(kills), "only what was being asked when the process was killed is asked again"
    with database.read() as connection:
        stored = set(connection.execute(sa.select(answers.c.id)).scalars())
    given = {one.answer["answer_id"] for one in results if one.answer}
    assert len(given) == count
    assert given <= stored and len(stored) <= count + again


def test_killed_in_the_middle_of_a_batch(tmp_path: Path, database: Database) -> None:
    check_kills(tmp_path, database, [5], 30)


@pytest.mark.faults
def test_killed_again_and_again(tmp_path: Path, database: Database) -> None:
    check_kills(tmp_path, database, [3, 20, 21, 50, 90], 120)


def test_a_loop_in_a_thread_ends_with_its_last_work() -> None:
    loop, order = EventLoopThread("a loop"), list[str]()

    async def work() -> str:
        order.append(threading.current_thread().name)
        return "done"

    async def last() -> None:
        order.append("last")

    loop.tell(lambda: order.append("at once"))
    assert loop.run(work) == "done"
    loop.finish(last)
    loop.finish(last)
    assert order == ["at once", "a loop", "last"]
    assert "a loop" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(RuntimeError):
        loop.run(work)
    EventLoopThread("never used").finish(last)
