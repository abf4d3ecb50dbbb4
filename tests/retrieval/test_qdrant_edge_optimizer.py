from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from retrieval.passages import Range, Scope
from retrieval.qdrant_edge_index import EdgeGenerations, QdrantEdgeIndex, open_edge_index
from retrieval.qdrant_edge_optimize_copy import copy_shard
from retrieval.qdrant_edge_optimizer import OptimizeFailed, OptimizePolicy
from retrieval.vector_index import IndexPoint, QueryVectors
from tests.retrieval.index_world import ENCODER, GENERATION, point, question, stored, unit

ROOT = Path(__file__).parents[2]
ACME = Scope("acme")
WIDE = dataclasses.replace(GENERATION, dimension=256)


def wide_points(document_id: str, count: int) -> list[IndexPoint]:
    random = np.random.default_rng([count, *document_id.encode()])
    dense, tokens = unit(random.normal(size=(count, 256))), unit(random.normal(size=(count, 2, 8)))
    sparse = ENCODER.encode_passages(["copper lantern"])[0]
    return [IndexPoint(stored(document_id, n), dense[n], sparse, tokens[n]) for n in range(count)]


def nearest_to(wanted: IndexPoint) -> QueryVectors:
    return QueryVectors(wanted.dense, wanted.sparse, wanted.tokens)


def shards(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*/shard-*"))


def test_searches_and_writes_go_on_while_the_index_is_optimized(tmp_path: Path) -> None:
    index = open_edge_index(tmp_path, WIDE)
    lasting = wide_points("lasting", 7000)
    index.upsert(lasting)
    index.upsert(wide_points("doomed", 50))
    done = threading.Event()
    latencies: list[float] = []
    wrong: list[str] = []

    def ask() -> None:
        number = 0
        while not done.is_set():
            wanted = lasting[number * 37 % len(lasting)]
            started = time.perf_counter()
            found = index.candidates(ACME, nearest_to(wanted), 5)
            latencies.append(time.perf_counter() - started)
            if found.dense[0] != wanted.chunk.chunk_id or len(found.bm25) != 5:
                wrong.append(wanted.chunk.chunk_id)
            number += 1
            time.sleep(0.002)

    def optimize() -> None:
        index.optimize()
        done.set()

    threads = [threading.Thread(target=ask), threading.Thread(target=optimize)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    written: list[IndexPoint] = []
    while not done.is_set():
        batch = wide_points(f"new-{len(written)}", 8)
        index.upsert(batch)
        written += batch
        top = index.candidates(ACME, nearest_to(batch[3]), 1).dense
        assert list(top) == [batch[3].chunk.chunk_id], "a write is visible at once"
        if len(written) == 32:
            index.delete_document("acme", "new-0")
            index.delete_document("acme", "doomed")
            index.upsert([point(stored("numbered", metadata={"weight": 3}), dimension=256)])
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    took = time.perf_counter() - started

    assert wrong == []
    assert len(written) > 40, "the writes met the optimizer"
    assert len(latencies) > 50 and np.quantile(latencies, 0.95) < 0.25 and max(latencies) < max(1.0, took / 3)
    assert shards(tmp_path) == ["shard-0002"]
    for again in (index, None):
        if again is None:
            index.close()
            again = open_edge_index(tmp_path, WIDE)
        assert again.count(ACME) == 7000 + len(written) - 8 + 1
        assert again.count(Scope("acme", filters={"weight": Range(gte=2)})) == 1
        assert again.count(ACME, "doomed") == again.count(ACME, "new-0") == 0
        for wanted in (written[9], written[-1], lasting[1]):
            top = again.candidates(ACME, nearest_to(wanted), 1)
            assert list(top.dense) == [wanted.chunk.chunk_id]
            assert top.scores["dense"][top.dense[0]] == pytest.approx(1, abs=1e-5)
            assert top.scores["maxsim"][top.dense[0]] == pytest.approx(1, abs=2e-3)
    again.close()


KILLED = """
import os, sys, time
from pathlib import Path
from retrieval import qdrant_edge_optimizer as optimizer
from retrieval.index_folder import IndexFolder
from retrieval.live_shard import LiveShard
from retrieval.qdrant_edge_index import open_edge_index
from tests.retrieval.index_world import GENERATION, point, stored

owner, name, when = sys.argv[2:5]
index = open_edge_index(Path(sys.argv[1]), GENERATION)
index.upsert([point(stored("old", n)) for n in range(60)] + [point(stored("doomed", n)) for n in range(10)])

copy = optimizer.EdgeOptimizer._optimize_copy
def copy_and_write(*arguments):
    points = copy(*arguments)
    index.upsert([point(stored("meanwhile", n)) for n in range(40)])
    index.delete_document("acme", "doomed")
    index.flush()
    return points
optimizer.EdgeOptimizer._optimize_copy = copy_and_write

place = {"LiveShard": LiveShard, "IndexFolder": IndexFolder, "optimizer": optimizer}[owner]
step = getattr(place, name)
def die(*arguments, **options):
    if when == "before":
        os._exit(9)
    step(*arguments, **options)
    os._exit(9)
setattr(place, name, die)
index.optimize()
"""


@pytest.mark.parametrize(
    ("owner", "name", "when", "meanwhile"),
    [
        ("LiveShard", "record_changes", "after", False),
        ("LiveShard", "replay", "after", True),
        ("IndexFolder", "switch", "before", True),
        ("IndexFolder", "switch", "after", True),
        ("LiveShard", "exchange", "after", True),
    ],
)
def test_a_kill_at_any_step_loses_nothing(tmp_path: Path, owner: str, name: str, when: str, meanwhile: bool) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), owner, name, when], cwd=ROOT, check=False)
    assert killed.returncode == 9
    index = open_edge_index(tmp_path, GENERATION)
    expected = {"old": 60, "doomed": 0, "meanwhile": 40} if meanwhile else {"old": 60, "doomed": 10, "meanwhile": 0}
    assert {document: index.count(ACME, document) for document in expected} == expected
    assert len(index.candidates(ACME, question(), 200).dense) == sum(expected.values())
    assert len(shards(tmp_path)) == 1
    index.close()


def child_of_this_process() -> int:
    def children() -> list[int]:
        pids = []
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):
                pids += [int(pid) for pid in (task / "children").read_text().split()]
        return [pid for pid in pids if "optimize_copy" in Path(f"/proc/{pid}/cmdline").read_text()]

    wait_until(lambda: bool(children()))
    return children()[0]


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the child in /proc")
def test_a_killed_optimizer_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    index = open_edge_index(tmp_path, GENERATION)
    index.upsert([point(stored("a", n)) for n in range(50)])
    outcome: list[BaseException] = []

    def optimize() -> None:
        try:
            index.optimize()
        except OptimizeFailed as failure:
            outcome.append(failure)

    thread = threading.Thread(target=optimize)
    thread.start()
    os.kill(child_of_this_process(), signal.SIGKILL)
    thread.join()
    assert len(outcome) == 1
    assert shards(tmp_path) == ["shard-0001"]
    index.upsert([point(stored("b", n)) for n in range(50)])
    index.optimize()
    assert index.count(ACME) == 100 and shards(tmp_path) == ["shard-0002"]
    index.close()


@pytest.fixture
def optimizing(tmp_path: Path, request: pytest.FixtureRequest) -> QdrantEdgeIndex:
    return EdgeGenerations(tmp_path, request.param).open(GENERATION)


@pytest.mark.parametrize(
    ("optimizing", "writes"),
    [(OptimizePolicy(min_changes=40), 50), (OptimizePolicy(burst_changes=40, burst_end_s=0.1), 50)],
    indirect=["optimizing"],
    ids=["many changes", "end of a burst"],
)
def test_the_policy_starts_it(tmp_path: Path, optimizing: QdrantEdgeIndex, writes: int) -> None:
    optimizing.upsert([point(stored("a", n)) for n in range(writes)])
    wait_until(lambda: shards(tmp_path) == ["shard-0002"])
    assert optimizing.count(ACME) == writes
    optimizing.close()


@pytest.mark.parametrize("optimizing", [OptimizePolicy(min_changes=40)], indirect=True)
def test_closing_gives_up_what_is_under_way(tmp_path: Path, optimizing: QdrantEdgeIndex) -> None:
    optimizing.upsert([point(stored("a", n)) for n in range(39)])
    assert shards(tmp_path) == ["shard-0001"]
    optimizing.upsert([point(stored("b"))])
    optimizing.close()
    again = open_edge_index(tmp_path, GENERATION)
    assert again.count(ACME) == 40 and len(shards(tmp_path)) == 1
    again.close()


def test_a_copy_is_equal_and_keeps_the_holes(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    (source / "empty").touch()
    with (source / "deep" / "sparse").open("wb") as file:
        file.write(b"start")
        file.seek(20 << 20)
        file.write(b"middle")
        file.truncate(40 << 20)
    copy_shard(source, target)
    assert (target / "empty").read_bytes() == b""
    assert (target / "deep" / "sparse").read_bytes() == (source / "deep" / "sparse").read_bytes()
    assert (target / "deep" / "sparse").stat().st_blocks * 512 < 4 << 20
