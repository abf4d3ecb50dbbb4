"""What readers say of answers. Whoever presses a thumb chose to: this is no sample, and no rate is made of it."""

from __future__ import annotations

import dataclasses
import datetime
import enum

import sqlalchemy as sa

from generation.answer_store import UnknownAnswer, answers
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


class Opinion(enum.StrEnum):
    """Whether the sources carry the answer, in a reader's opinion."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"


@dataclasses.dataclass(frozen=True, slots=True)
class Feedback:
    """`author` is whoever says so, as far as the caller tells readers apart (empty: it does not)."""

    answer_id: str
    author: str = ""
    helpful: bool | None = None
    verdict: Opinion | None = None
    comment: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class FeedbackCounts:
    helpful: int = 0
    not_helpful: int = 0
    supported: int = 0
    unsupported: int = 0


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

    def counts(self, tenant: str, start: datetime.datetime, end: datetime.datetime) -> FeedbackCounts:
        """Of what was said from `start` to before `end`."""
        told, opinion = answer_feedback.c.helpful, answer_feedback.c.verdict

        def number(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
            return sa.func.count(sa.case((condition, 1)))

        query = sa.select(
            number(told.is_(True)),
            number(told.is_(False)),
            number(opinion == Opinion.SUPPORTED),
            number(opinion == Opinion.UNSUPPORTED),
        ).where(
            answer_feedback.c.tenant == tenant, answer_feedback.c.given_at >= start, answer_feedback.c.given_at < end
        )
        with self._database.read() as connection:
            return FeedbackCounts(*connection.execute(query).one())
