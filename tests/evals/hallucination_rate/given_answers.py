"""Answers with chosen outcomes in the records."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import sqlalchemy as sa

from evals.hallucination_rate.window import Window
from generation.answer_store import AnswerStore
from generation.answer_verdicts import answer_verdicts
from runtime.database import Database

ALL_TIME = Window(
    datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC), datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
)
TEXT = "The reading room opens at nine."


def give(
    database: Database,
    *,
    tenant: str = "one",
    collection: str | None = None,
    model: str = "small",
    route: str = "fast",
    version: str = "1",
    at: datetime.datetime | None = None,
    **numbers: int,
) -> list[str]:
    """Save so many answers of each outcome (`verbatim`: supported ones of the extractive model); their ids."""
    store, ids = AnswerStore(database), []
    for outcome, number in numbers.items():
        for _ in range(number):
            name, way = ("extractive", "extractive") if outcome == "verbatim" else (model, route)
            body = answer_body(outcome, name, way, version)
            store.save(tenant, collection, body)
            ids.append(body["answer_id"])
    if at is not None:
        with database.write() as connection:
            moved = sa.update(answer_verdicts).where(answer_verdicts.c.answer_id.in_(ids))
            connection.execute(moved.values(created_at=at))
    return ids


def answer_body(outcome: str, model: str = "small", route: str = "fast", version: str = "1") -> dict[str, Any]:
    supported = outcome != "unsupported"
    sentence = {
        "span": [0, len(TEXT)],
        "is_claim": outcome != "no_claims",
        "score": 0.9 if supported else 0.1,
        "supported": supported,
        "evidence": [],
        "unsupported": [] if supported else [[4, 16]],
    }
    checker = {"name": "plumbline", "version": version, "threshold": 0.5}
    groundedness = {"score": sentence["score"], "supported": supported, "sentences": [sentence], "checker": checker}
    return {
        "answer_id": str(uuid.uuid4()),
        "question": "When does it open?",
        "answer": f"{TEXT} [1]",
        "refused": outcome == "refused",
        "groundedness": None if outcome in {"refused", "unchecked"} else groundedness,
        "model": {"name": model, "route": route, "prompt": "answer-1"},
        "passages": [],
        "cache": {"hit": False},
        "unsupported_removed": int(outcome == "fixed"),
    }
