"""What workers write of batches: who has a batch, what became of each question, how the batch ended.

A worker claims a batch before it asks anything, and holds the claim by a token of its own. A result is written once,
when it is there, and durably: it has cost money. Whoever takes a batch over goes on with the questions without one.
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from generation.answers import Question
from generation.batches.batch_json import question_from_json
from generation.batches.records import BatchRecord, BatchStatus, PartState, QuestionState, Spent
from generation.batches.rows import batch_record, end_batch
from generation.batches.tables import batch_parts, batch_questions, batches
from runtime.database import Database, database_clock


class BatchLost(Exception):
    """Another worker has the batch now; this one stops and writes nothing more."""


@dataclasses.dataclass(frozen=True, slots=True)
class BatchClaim:
    """The right to work on a batch. `retries`: how often work on it broke off for a defect."""

    batch: BatchRecord
    token: str
    retries: int


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One member's share in a question. `outcome` (when done) is as `PartOutcome` writes it."""

    position: int
    member: str
    state: PartState
    provider_batch_id: str | None
    prepared: bytes | None
    outcome: Mapping[str, Any] | None


@dataclasses.dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question without a result. `begun`: how often it was begun without an end; `parts` by member."""

    position: int
    question: Question
    begun: int
    parts: Mapping[str, Part]


class BatchLedger:
    """Thread-safe, blocking. All moments are the database's.

    `claim_expires_after`: seconds without a heartbeat after which a worker counts as dead.
    """

    def __init__(self, database: Database, *, claim_expires_after: float = 60.0) -> None:
        self._database = database
        self._expires_after = claim_expires_after

    def claim(self, batch_id: str) -> BatchClaim | float | None:
        """Take a batch up. `None`: nothing to do. Seconds: another worker has it, ask again after them."""
        with self._database.write(durable=False) as connection:
            query = sa.select(batches, database_clock().label("now")).where(batches.c.id == batch_id)
            row = connection.execute(query.with_for_update()).one_or_none()
            if row is None or row.finished_at is not None:
                return None
            if row.claim is not None and _seconds(row.now, row.heartbeat_at) < self._expires_after:
                return self._expires_after
            token = str(uuid.uuid4())
            connection.execute(
                batches.update()
                .where(batches.c.id == batch_id)
                .values(
                    claim=token,
                    heartbeat_at=database_clock(),
                    attempts=batches.c.attempts + 1,
                    status=BatchStatus.RUNNING,
                    started_at=sa.func.coalesce(batches.c.started_at, database_clock()),
                )
            )
            taken = connection.execute(sa.select(batches).where(batches.c.id == batch_id)).one()
            return BatchClaim(batch_record(taken), token, row.retries)

    def heartbeat(self, claim: BatchClaim) -> bool:
        """Hold the batch for another while; whether it is to be cancelled. Raises BatchLost."""
        with self._database.write(durable=False) as connection:
            return hold(connection, claim)

    def open_questions(self, batch_id: str, after: int, limit: int) -> list[OpenQuestion]:
        """The next questions without a result behind position `after`, in order."""
        query = (
            sa.select(batch_questions)
            .where(
                batch_questions.c.batch_id == batch_id,
                batch_questions.c.position > after,
                batch_questions.c.state == QuestionState.OPEN,
            )
            .order_by(batch_questions.c.position)
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            parts = _parts(connection, batch_id, [row.position for row in rows])
        return [
            OpenQuestion(row.position, question_from_json(row.question), row.begun, parts.get(row.position, {}))
            for row in rows
        ]

    def open_question(self, batch_id: str, position: int) -> OpenQuestion | None:
        """The question at this position, unless it has its result."""
        found = self.open_questions(batch_id, position - 1, 1)
        return found[0] if found and found[0].position == position else None

    def begin(self, claim: BatchClaim, position: int) -> bool:
        """Note that a question is being asked; false when the batch is to be cancelled. Raises BatchLost."""
        with self._database.write(durable=False) as connection:
            if hold(connection, claim):
                return False
            connection.execute(_question(claim, position).values(begun=batch_questions.c.begun + 1))
            return True

    def keep_part(self, claim: BatchClaim, position: int, member: str, outcome: Mapping[str, Any]) -> None:
        """Write what one member has said, which others are still to join. Raises BatchLost."""
        with self._database.write() as connection:
            hold(connection, claim)
            key = {"batch_id": claim.batch.id, "position": position, "member": member}
            connection.execute(batch_parts.delete().filter_by(**key))
            connection.execute(batch_parts.insert().values(**key, state=PartState.DONE, outcome=dict(outcome)))
            connection.execute(_question(claim, position).values(begun=0))

    def keep_result(self, claim: BatchClaim, position: int, result: Mapping[str, Any], spent: Spent) -> None:
        """Write what became of a question; the first result stays. Raises BatchLost."""
        failed = "error" in result
        with self._database.write() as connection:
            hold(connection, claim)
            state = QuestionState.FAILED if failed else QuestionState.ANSWERED
            written = connection.execute(
                _question(claim, position)
                .where(batch_questions.c.state == QuestionState.OPEN)
                .values(state=state, result=dict(result), begun=0)
            )
            if written.rowcount == 0:
                return
            counted = batches.c.failed if failed else batches.c.answered
            connection.execute(
                batches.update()
                .where(batches.c.id == claim.batch.id)
                .values(
                    {
                        counted: counted + 1,
                        batches.c.prompt_tokens: batches.c.prompt_tokens + spent.prompt_tokens,
                        batches.c.completion_tokens: batches.c.completion_tokens + spent.completion_tokens,
                        batches.c.cost_usd: batches.c.cost_usd + spent.cost_usd,
                    }
                )
            )
            connection.execute(
                batch_parts.delete().where(batch_parts.c.batch_id == claim.batch.id, batch_parts.c.position == position)
            )

    def end(self, claim: BatchClaim, status: BatchStatus, error_code: str = "", error_message: str = "") -> None:
        """Finish a batch. Raises BatchLost."""
        with self._database.write() as connection:
            hold(connection, claim)
            reason = {"error_code": error_code, "error_message": error_message} if error_code else {}
            end_batch(connection, claim.batch.id, status, **reason)

    def release(self, claim: BatchClaim, *, waiting: bool = False, failed: bool = False) -> None:
        """Give an unfinished batch back: interrupted, `waiting` for a provider, or `failed` by a defect.

        What was begun and not ended is no sign of a question that ends processes then.
        """
        with self._database.write(durable=False) as connection:
            released = connection.execute(
                _own(claim).values(
                    status=BatchStatus.WAITING if waiting else BatchStatus.QUEUED,
                    claim=None,
                    retries=batches.c.retries + 1 if failed else 0,
                )
            )
            if released.rowcount:
                connection.execute(
                    batch_questions.update()
                    .where(batch_questions.c.batch_id == claim.batch.id, batch_questions.c.begun > 0)
                    .values(begun=0)
                )

    def release_all(self) -> None:
        """Count every claim as that of a dead worker. Only for the one process that owns the records, at its start."""
        with self._database.write(durable=False) as connection:
            connection.execute(
                batches.update()
                .where(batches.c.claim.is_not(None), batches.c.finished_at.is_(None))
                .values(claim=None, status=BatchStatus.QUEUED)
            )

    def unfinished(self) -> list[str]:
        """Ids, oldest first."""
        query = (
            sa.select(batches.c.id).where(batches.c.finished_at.is_(None)).order_by(batches.c.created_at, batches.c.id)
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())


def hold(connection: sa.Connection, claim: BatchClaim) -> bool:
    """Renew a claim within a transaction; whether the batch is to be cancelled. Raises BatchLost."""
    held = connection.execute(
        _own(claim).values(heartbeat_at=database_clock()).returning(batches.c.cancel_requested)
    ).one_or_none()
    if held is None:
        raise BatchLost
    return bool(held.cancel_requested)


def part_of(row: sa.Row[Any]) -> Part:
    return Part(row.position, row.member, PartState(row.state), row.provider_batch_id, row.prepared, row.outcome)


def _own(claim: BatchClaim) -> sa.Update:
    return batches.update().where(
        batches.c.id == claim.batch.id, batches.c.claim == claim.token, batches.c.finished_at.is_(None)
    )


def _question(claim: BatchClaim, position: int) -> sa.Update:
    return batch_questions.update().where(
        batch_questions.c.batch_id == claim.batch.id, batch_questions.c.position == position
    )


def _parts(connection: sa.Connection, batch_id: str, positions: Collection[int]) -> dict[int, dict[str, Part]]:
    """By position and member; what was prepared for a provider is left where it is: it is large."""
    if not positions:
        return {}
    columns: Sequence[Any] = [
        column if column is not batch_parts.c.prepared else sa.null().label("prepared") for column in batch_parts.c
    ]
    query = sa.select(*columns).where(batch_parts.c.batch_id == batch_id, batch_parts.c.position.in_(positions))
    found: dict[int, dict[str, Part]] = {}
    for row in connection.execute(query):
        found.setdefault(row.position, {})[row.member] = part_of(row)
    return found


def _seconds(now: datetime.datetime, then: datetime.datetime) -> float:
    return (now - then).total_seconds()
