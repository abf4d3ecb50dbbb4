"""Answers as they were given, so that they can be looked up, judged and counted later."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from generation.answer_verdicts import AnswerVerdict, keep_verdict
from runtime.database import Database, UtcDateTime, schema
from runtime.errors import NotFound

answers = sa.Table(
    "answers",
    schema,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("collection", sa.String(64)),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("refused", sa.Boolean, nullable=False),
    sa.Column("groundedness", sa.Float),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_answers_newest", "tenant", "created_at", "id"),
)


class UnknownAnswer(NotFound):
    code = "unknown_answer"


class AnswerStore:
    """Blocking, thread-safe. Every call is bound to a tenant. `observe` is told of every verdict that was kept."""

    def __init__(self, database: Database, observe: Callable[[AnswerVerdict], None] = lambda _verdict: None) -> None:
        self._database = database
        self._observe = observe

    def save(self, tenant: str, collection: str | None, answer: Mapping[str, Any]) -> None:
        """Keep an answer in the form of the outward contract (`Answer.to_json`); `collection` is the one asked."""
        groundedness = answer["groundedness"]
        verdict = AnswerVerdict.of(tenant, collection, answer, datetime.datetime.now(datetime.UTC))
        row = {
            "id": answer["answer_id"],
            "tenant": tenant,
            "collection": collection,
            "model": answer["model"]["name"],
            "refused": answer["refused"],
            "groundedness": groundedness["score"] if groundedness else None,
            "body": dict(answer),
            "created_at": verdict.created_at,
        }
        # An answer that a power failure takes can be asked again: it need not wait for the disk.
        with self._database.write(durable=False) as connection:
            connection.execute(answers.insert().values(row))
            keep_verdict(connection, verdict)
        self._observe(verdict)

    def load(self, tenant: str, answer_id: str) -> dict[str, Any]:
        """The answer as it was saved. Raises UnknownAnswer."""
        query = sa.select(answers.c.body).where(answers.c.tenant == tenant, answers.c.id == answer_id)
        with self._database.read() as connection:
            body: dict[str, Any] | None = connection.execute(query).scalar()
        if body is None:
            raise UnknownAnswer(f"There is no answer {answer_id}. Answers are found by their `answer_id`.")
        return body
