from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generation.answer_store import AnswerStore, UnknownAnswer, answers
from runtime.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Any:
    database = Database(f"sqlite:///{tmp_path}/records.db")
    database.upgrade()
    yield database
    database.close()


def _answer(answer_id: str, score: float | None = 0.9) -> dict[str, Any]:
    return {
        "answer_id": answer_id,
        "answer": "Größe – 日本 [1]",
        "refused": score is None,
        "groundedness": None if score is None else {"score": score},
        "model": {"name": "extractive"},
        "passages": [{"score": 0.1 + 0.2, "page": None}],
    }


def test_an_answer_comes_back_as_it_was(database: Database) -> None:
    store = AnswerStore(database)
    store.save("one", None, _answer("a"))
    store.save("one", "handbook", _answer("b", None))
    assert store.load("one", "a") == _answer("a")
    assert store.load("one", "b") == _answer("b", None)


def test_the_columns_to_count_by_are_filled(database: Database) -> None:
    AnswerStore(database).save("one", "handbook", _answer("a"))
    with database.read() as connection:
        row = connection.execute(answers.select()).one()
    assert (row.collection, row.model, row.refused, row.groundedness) == ("handbook", "extractive", False, 0.9)
    assert row.created_at.tzinfo is not None


def test_another_tenants_answer_does_not_exist(database: Database) -> None:
    store = AnswerStore(database)
    store.save("one", None, _answer("a"))
    with pytest.raises(UnknownAnswer):
        store.load("two", "a")
