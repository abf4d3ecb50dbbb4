from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.edge_question_store import EdgeQuestionStore
from retrieval.vector_index import IndexLocked
from tests.retrieval.question_store_contract import DIMENSION, QuestionStoreContract, record, vector


def opened(folder: Path, model: str = "m", **options: int) -> EdgeQuestionStore:
    return EdgeQuestionStore(folder / "cache", model, DIMENSION, **options)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EdgeQuestionStore]:
    one = opened(tmp_path)
    yield one
    one.close()


class TestEdgeQuestionStore(QuestionStoreContract):
    pass


def test_entries_are_there_after_a_restart(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.put(record(1), vector(1, 0))
    first.close()
    first.close()
    second = opened(tmp_path)
    assert [match.record for match in second.nearest("k", vector(1, 0), 3)] == [record(1)]
    second.close()


def test_another_model_begins_anew(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.put(record(1), vector(1, 0))
    first.close()
    second = opened(tmp_path, "another")
    assert second.count() == 0
    second.close()


@pytest.mark.parametrize("damage", ["state", "shard", "gone"])
def test_damage_only_empties_it(tmp_path: Path, damage: str) -> None:
    first = opened(tmp_path)
    first.put(record(1), vector(1, 0))
    first.close()
    state = tmp_path / "cache" / "state.json"
    shard = tmp_path / "cache" / json.loads(state.read_text())["shard"]
    if damage == "state":
        state.write_text("{")
    elif damage == "shard":
        for file in shard.rglob("*.json"):
            file.write_text("nonsense")
    else:
        shard.rename(tmp_path / "elsewhere")
    second = opened(tmp_path)
    assert second.count() == 0
    second.put(record(2), vector(1, 0))
    second.close()
    third = opened(tmp_path)
    assert third.count() == 1
    third.close()


def test_one_process_owns_it(tmp_path: Path) -> None:
    first = opened(tmp_path)
    with pytest.raises(IndexLocked):
        opened(tmp_path)
    first.close()
    opened(tmp_path).close()


def test_removed_points_do_not_pile_up(tmp_path: Path) -> None:
    store = opened(tmp_path, min_garbage=20)
    shards = set()
    for number in range(1, 101):
        store.put(record(number, at=float(number)), vector(1, number))
        store.sweep(0.0, 10)
        shards.add(next((tmp_path / "cache").glob("shard-*")).name)
    assert 2 < len(shards) < 10
    assert len(list((tmp_path / "cache").glob("shard-*"))) == 1
    kept = {match.record.question for match in store.nearest("k", vector(1, 0), 20)}
    assert kept == {f"question {number}" for number in range(91, 101)}
    store.close()
