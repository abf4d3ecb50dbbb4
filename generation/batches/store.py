"""Batches of questions as their owners see them: handed in, looked at, cancelled, read."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from generation.batches.batch_json import question_to_json
from generation.batches.records import (
    BatchOptions,
    BatchRecord,
    BatchResult,
    BatchStatus,
    NewQuestion,
    QuestionState,
)
from generation.batches.rows import batch_record, end_batch
from generation.batches.tables import batch_questions, batches
from runtime.database import Database, database_clock
from runtime.errors import InvalidInput, NotFound, ToldError

ROWS_AT_ONCE = 500
RESULTS_AT_ONCE = 50


class UnknownBatch(NotFound):
    code = "unknown_batch"


class BatchFinished(InvalidInput):
    code = "batch_finished"


class QuestionCancelled(InvalidInput):
    """The batch was cancelled before this question's turn."""

    code = "cancelled"


class BatchStore:
    """Blocking, thread-safe. Every call is bound to a tenant: another tenant's batch does not exist.

    What workers write is in `generation.batches.ledger`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, tenant: str, questions: Sequence[NewQuestion], options: BatchOptions) -> BatchRecord:
        """Keep a batch, queued. Raises InvalidInput for one without questions."""
        if not questions:
            raise InvalidInput("The batch holds no question. Send one JSON object a line.", code="invalid_batch")
        batch_id = str(uuid.uuid4())
        rows = [
            {
                "batch_id": batch_id,
                "position": position,
                "caller_id": one.caller_id,
                "state": QuestionState.OPEN,
                "begun": 0,
                "question": question_to_json(one.question),
            }
            for position, one in enumerate(questions)
        ]
        with self._database.write() as connection:
            connection.execute(
                batches.insert().values(
                    id=batch_id,
                    tenant=tenant,
                    status=BatchStatus.QUEUED,
                    ensemble=list(options.ensemble),
                    use_provider=options.use_provider,
                    total=len(rows),
                    answered=0,
                    failed=0,
                    prompt_tokens=0,
                    completion_tokens=0,
                    cost_usd=0.0,
                    cancel_requested=False,
                    attempts=0,
                    retries=0,
                    created_at=database_clock(),
                )
            )
            for start in range(0, len(rows), ROWS_AT_ONCE):
                connection.execute(batch_questions.insert(), rows[start : start + ROWS_AT_ONCE])
            return batch_record(_find(connection, tenant, batch_id))

    def batch(self, tenant: str, batch_id: str) -> BatchRecord:
        """Raises UnknownBatch."""
        with self._database.read() as connection:
            return batch_record(_find(connection, tenant, batch_id))

    def cancel(self, tenant: str, batch_id: str) -> BatchRecord:
        """Ask a batch to stop between two questions; one that no worker has begun ends at once.

        Raises UnknownBatch, BatchFinished.
        """
        with self._database.write() as connection:
            row = _find(connection, tenant, batch_id, for_update=True)
            if row.finished_at is not None:
                raise BatchFinished(f"This batch has ended already ({row.status}).")
            if row.attempts == 0:
                end_batch(connection, batch_id, BatchStatus.CANCELLED, cancel_requested=True)
            else:
                connection.execute(batches.update().where(batches.c.id == batch_id).values(cancel_requested=True))
            return batch_record(_find(connection, tenant, batch_id))

    def results(self, tenant: str, batch_id: str) -> Iterator[BatchResult]:
        """What there is so far, in the order of the questions; of a batch that has ended, one for every question.

        Raises UnknownBatch at the first. Read in pieces: nothing is held open between them.
        """
        batch = self.batch(tenant, batch_id)
        after = -1
        while True:
            query = (
                sa.select(batch_questions)
                .where(batch_questions.c.batch_id == batch_id, batch_questions.c.position > after)
                .order_by(batch_questions.c.position)
                .limit(RESULTS_AT_ONCE)
            )
            if not batch.finished:
                query = query.where(batch_questions.c.state != QuestionState.OPEN)
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            yield from (_result(row, batch) for row in rows)
            after = rows[-1].position


class BatchQueue(Protocol):
    """Carries batch ids to a worker. The batch row is the truth: a message that is lost or doubled does no harm."""

    def submit(self, batch_id: str, *, delay: float = 0.0) -> None:
        """Queue a committed batch, to be taken up after `delay` seconds at the earliest."""


class BatchIntake:
    """The one door through which batches enter and are stopped. Blocking, thread-safe.

    `endpoints` are the models that have a batch endpoint; `max_questions` and `max_bytes` bound what is handed in.
    """

    def __init__(
        self, store: BatchStore, queue: BatchQueue, *, endpoints: tuple[str, ...], max_questions: int, max_bytes: int
    ) -> None:
        self.store = store
        self.endpoints = endpoints
        self.max_questions = max_questions
        self.max_bytes = max_bytes
        self._queue = queue

    def receive(self, tenant: str, questions: Sequence[NewQuestion], options: BatchOptions) -> BatchRecord:
        """Keep a batch, then queue it. Raises as `BatchStore.submit`."""
        batch = self.store.submit(tenant, questions, options)
        self._queue.submit(batch.id)
        return batch

    def cancel(self, tenant: str, batch_id: str) -> BatchRecord:
        """Raises UnknownBatch, BatchFinished."""
        batch = self.store.cancel(tenant, batch_id)
        if not batch.finished:
            self._queue.submit(batch_id)  # one that waits for a provider hears of it now
        return batch


def _find(connection: sa.Connection, tenant: str, batch_id: str, *, for_update: bool = False) -> sa.Row[Any]:
    query = sa.select(batches).where(batches.c.tenant == tenant, batches.c.id == batch_id)
    row = connection.execute(query.with_for_update() if for_update else query).one_or_none()
    if row is None:
        raise UnknownBatch(f"There is no batch {batch_id[:80]!r}.")
    return row


def _result(row: sa.Row[Any], batch: BatchRecord) -> BatchResult:
    if row.result is None:
        error = (
            QuestionCancelled("The batch was cancelled before this question was answered. Send it again if it matters.")
            if batch.status is BatchStatus.CANCELLED
            else QuestionCancelled(batch.error_message or "The batch ended early.", code=batch.error_code)
        )
        return BatchResult(row.position, row.caller_id, None, ToldError.of(error))
    error_told = row.result.get("error")
    return BatchResult(
        index=row.position,
        caller_id=row.caller_id,
        answer=row.result.get("answer"),
        error=None if error_told is None else ToldError.from_json(error_told),
        ensemble=row.result.get("ensemble"),
    )
