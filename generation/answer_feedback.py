"""What readers say of answers. Whoever presses a thumb chose to: this is no sample, and no rate is made of it."""

from __future__ import annotations

import dataclasses
import datetime

import sqlalchemy as sa

from generation.answer_store import UnknownAnswer, answers
from generation.opinions import Feedback
from runtime.database import Database, UtcDateTime, schema

answer_feedback = sa.Table(
    "answer_feedback",
    schema,
    sa.Column("answer_id", sa.String(36), sa.ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("author", sa.String(200), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("helpful", sa.Boolean),
    sa.Column("verdict", sa.String(16)),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("given_at", UtcDateTime, nullable=False),
    sa.Index("ix_answer_feedback_given", "tenant", "given_at"),
)


class FeedbackStore:
    """Blocking, thread-safe. Every call is bound to a tenant. An author has one say on an answer, the last one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(self, tenant: str, feedback: Feedback) -> datetime.datetime:
        """Keep it in place of what this author said before; returns when. Raises UnknownAnswer."""
        key = {"answer_id": feedback.answer_id, "author": feedback.author}
        now = datetime.datetime.now(datetime.UTC)
        row = {**dataclasses.asdict(feedback), "tenant": tenant, "given_at": now}
        known = sa.select(answers.c.id).where(answers.c.tenant == tenant, answers.c.id == feedback.answer_id)
        with self._database.write() as connection:
            # The lock makes two of one author that come at once follow each other.
            if connection.execute(known.with_for_update()).first() is None:
                raise UnknownAnswer(f"There is no answer {feedback.answer_id}. Answers are found by their `answer_id`.")
            connection.execute(answer_feedback.delete().filter_by(**key))
            connection.execute(answer_feedback.insert().values(row))
        return now
