"""The verdict on every answer as a row of its own, small and indexed: counting a month reads no answer's text."""

from __future__ import annotations

import dataclasses
import datetime
import random
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from generation.answer_outcomes import AnswerOutcome, outcome_of
from runtime.database import UtcDateTime, schema

answer_verdicts = sa.Table(
    "answer_verdicts",
    schema,
    sa.Column("answer_id", sa.String(36), sa.ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("route", sa.String(32), nullable=False),
    sa.Column("prompt", sa.String(200)),
    sa.Column("collection", sa.String(64)),
    sa.Column("checker", sa.String(300)),
    sa.Column("checker_version", sa.String(200)),
    sa.Column("threshold", sa.Float),
    sa.Column("score", sa.Float),
    sa.Column("cached", sa.Boolean, nullable=False),
    sa.Column("lot", sa.Float, nullable=False),
    sa.Index("ix_answer_verdicts_tenant_window", "tenant", "created_at"),
    sa.Index("ix_answer_verdicts_window", "created_at"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class AnswerVerdict:
    """What is counted of an answer.

    `prompt` is the prompt's version; `collection` the one asked (None: all). `checker`, `checker_version`, `threshold`
    and `score` are None where nothing was checked. `cached`: an earlier answer given again, with the verdict of then.
    `lot` is a random number in [0, 1) by which audits are drawn: once given it stays, whatever is drawn how often.
    """

    answer_id: str
    tenant: str
    created_at: datetime.datetime
    outcome: AnswerOutcome
    model: str
    route: str
    prompt: str | None
    collection: str | None
    checker: str | None
    checker_version: str | None
    threshold: float | None
    score: float | None
    cached: bool
    lot: float

    @classmethod
    def of(
        cls, tenant: str, collection: str | None, answer: Mapping[str, Any], created_at: datetime.datetime
    ) -> AnswerVerdict:
        """`answer` is in the form of the outward contract (`Answer.to_json`)."""
        groundedness, model = answer["groundedness"], answer["model"]
        checker = groundedness["checker"] if groundedness else {}
        return cls(
            answer_id=answer["answer_id"],
            tenant=tenant,
            created_at=created_at,
            outcome=outcome_of(answer),
            model=model["name"],
            route=model["route"],
            prompt=model["prompt"],
            collection=collection,
            checker=checker.get("name"),
            checker_version=checker.get("version"),
            threshold=checker.get("threshold"),
            score=groundedness["score"] if groundedness else None,
            cached=answer["cache"]["hit"],
            lot=random.random(),
        )


def keep_verdict(connection: sa.Connection, verdict: AnswerVerdict) -> None:
    """Write it in the transaction of its answer."""
    values = {field.name: getattr(verdict, field.name) for field in dataclasses.fields(verdict)}
    connection.execute(answer_verdicts.insert().values(**values))
