from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from generation.answer_store import AnswerStore, UnknownAnswer, answers
from generation.answer_verdicts import AnswerVerdict, answer_verdicts
from generation.verdict_metrics import VerdictMetrics
from runtime.database import Database
from tests.ingestion import conftest

database, postgres = conftest.database, conftest.postgres


def _answer(answer_id: str, score: float | None = 0.9, **fields: Any) -> dict[str, Any]:
    checker = {"name": "plumbline", "version": "3", "threshold": 0.5}
    sentences = [{"is_claim": True}]
    return {
        "answer_id": answer_id,
        "answer": "Größe – 日本 [1]",
        "refused": score is None,
        "groundedness": None
        if score is None
        else {"score": score, "supported": score >= 0.5, "sentences": sentences, "checker": checker},
        "model": {"name": "small", "route": "fast", "prompt": "answer-2"},
        "passages": [{"score": 0.1 + 0.2, "page": None}],
        "cache": {"hit": False},
        "unsupported_removed": 0,
        **fields,
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
        verdict = connection.execute(answer_verdicts.select()).one()
    assert (row.collection, row.model, row.refused, row.groundedness) == ("handbook", "small", False, 0.9)
    assert row.created_at.tzinfo is not None
    kept = (verdict.answer_id, verdict.tenant, verdict.collection, verdict.model, verdict.route, verdict.prompt)
    assert kept == ("a", "one", "handbook", "small", "fast", "answer-2")
    assert (verdict.checker, verdict.checker_version, verdict.threshold, verdict.score) == ("plumbline", "3", 0.5, 0.9)
    assert verdict.created_at == row.created_at
    assert 0 <= verdict.lot < 1


def test_a_verdict_goes_with_its_answer(database: Database) -> None:
    AnswerStore(database).save("one", None, _answer("a"))
    with database.write() as connection:
        connection.execute(answers.delete())
    with database.read() as connection:
        assert connection.execute(answer_verdicts.select()).all() == []


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        ("supported", _answer("a", 0.9)),
        ("unsupported", _answer("a", 0.1)),
        ("unsupported", _answer("a", 0.1, unsupported_removed=1)),
        ("refused", _answer("a", None)),
        ("fixed", _answer("a", None, unsupported_removed=2)),
        ("fixed", _answer("a", 0.9, unsupported_removed=1)),
        ("unchecked", _answer("a", None, refused=False)),
        (
            "no_claims",
            _answer("a", groundedness={**_answer("a")["groundedness"], "sentences": [{"is_claim": False}]}),
        ),
    ],
)
def test_every_answer_has_one_outcome_and_is_counted(outcome: str, answer: dict[str, Any], tmp_path: Path) -> None:
    database, metrics, registry = Database(f"sqlite:///{tmp_path}/records.db"), VerdictMetrics(), CollectorRegistry()
    database.upgrade()
    registry.register(metrics)
    AnswerStore(database, metrics.answer_kept).save("one", None, answer)
    with database.read() as connection:
        assert connection.execute(answer_verdicts.select()).one().outcome == outcome
    checker = "plumbline 3" if answer["groundedness"] else ""
    labels = {"model": "small", "route": "fast", "checker": checker, "outcome": outcome}
    assert registry.get_sample_value("plumbline_answers_total", labels) == 1
    database.close()


def test_an_answer_that_is_not_kept_is_not_counted(database: Database) -> None:
    seen: list[AnswerVerdict] = []
    store = AnswerStore(database, seen.append)
    store.save("one", None, _answer("a"))
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        store.save("one", None, _answer("a"))
    assert len(seen) == 1


def test_another_tenants_answer_does_not_exist(database: Database) -> None:
    store = AnswerStore(database)
    store.save("one", None, _answer("a"))
    with pytest.raises(UnknownAnswer):
        store.load("two", "a")
