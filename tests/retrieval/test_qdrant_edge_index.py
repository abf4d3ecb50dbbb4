from __future__ import annotations

import dataclasses
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from retrieval.qdrant_edge_index import (
    DiskFull,
    EdgeGenerations,
    IndexDamaged,
    QdrantEdgeIndex,
    open_edge_index,
)
from retrieval.vector_index import IndexLocked, IndexPoint, VectorIndex
from tests.retrieval.index_contract import ACME, NewGenerations, ReadingContract, WritingContract
from tests.retrieval.index_world import GENERATION, point, question, stored

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="class")
def new_generations(tmp_path_factory: pytest.TempPathFactory) -> NewGenerations:
    return lambda: EdgeGenerations(tmp_path_factory.mktemp("index"))


class TestReading(ReadingContract):
    pass


class TestWriting(WritingContract):
    pass


class TestReadingOptimized(ReadingContract):
    """The same promises hold for what the optimizer leaves behind, with newer points beside it."""

    def fill(self, index: VectorIndex, points: list[IndexPoint]) -> None:
        assert isinstance(index, QdrantEdgeIndex)
        index.upsert(points[:90])
        index.delete_document("globex", "document-1")
        index.optimize()
        index.upsert([*points[90:], *points[5:10]])


def run_python(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


OPEN_AND_WAIT = """
import sys
from pathlib import Path
from retrieval.qdrant_edge_index import open_edge_index
from tests.retrieval.index_world import GENERATION, point, stored
index = open_edge_index(Path(sys.argv[1]), GENERATION)
index.upsert([point(stored("a", n)) for n in range(70)])
index.delete_document("acme", "nothing")
index.flush()
print("open", flush=True)
sys.stdin.read()
"""


def test_a_folder_in_use_is_refused_and_nothing_is_lost_when_its_owner_is_killed(tmp_path: Path) -> None:
    owner = run_python(OPEN_AND_WAIT, tmp_path)
    assert owner.stdout is not None and owner.stdout.readline() == "open\n"
    with pytest.raises(IndexLocked, match="in use by another Plumbline process"):
        open_edge_index(tmp_path, GENERATION)
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    index = open_edge_index(tmp_path, GENERATION)
    assert index.count(ACME) == 70
    assert len(index.candidates(ACME, question(), 70).dense) == 70
    index.close()


def test_closing_twice_is_harmless_and_frees_the_folder(tmp_path: Path) -> None:
    index = open_edge_index(tmp_path, GENERATION)
    index.close()
    index.close()
    open_edge_index(tmp_path, GENERATION).close()


def test_a_nearly_full_disk_is_an_error_before_anything_is_written(tmp_path: Path, monkeypatch) -> None:
    index = open_edge_index(tmp_path, GENERATION)
    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: real._replace(free=1 << 20))
    with pytest.raises(DiskFull, match="Free some space") as caught:
        index.upsert([point(stored("a"))])
    assert caught.value.retryable
    assert index.count(ACME) == 0
    index.close()


def test_a_damaged_index_says_what_to_run(tmp_path: Path) -> None:
    index = open_edge_index(tmp_path, GENERATION)
    index.upsert([point(stored("a"))])
    index.close()
    for file in tmp_path.rglob("segment.json"):
        file.write_text("{")
    with pytest.raises(IndexDamaged, match="backup"):
        open_edge_index(tmp_path, GENERATION)
    with pytest.raises(IndexDamaged):  # and the folder is not left locked
        open_edge_index(tmp_path, GENERATION)


@pytest.mark.parametrize("part", ["dense", "tokens"])
def test_vectors_of_another_size_are_refused_before_they_reach_the_shard(tmp_path: Path, part: str) -> None:
    index = open_edge_index(tmp_path, GENERATION)
    good = point(stored("a"))
    with pytest.raises(ValueError, match="vector"):
        index.upsert([dataclasses.replace(good, **{part: getattr(good, part)[..., :-1]})])
    index.upsert([good])
    assert index.count(ACME) == 1
    index.close()
