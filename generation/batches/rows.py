"""Rows of batches as records."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from generation.batches.records import BatchOptions, BatchRecord, BatchStatus, Spent
from generation.batches.tables import batch_parts, batches
from runtime.database import database_clock


def batch_record(row: sa.Row[Any]) -> BatchRecord:
    return BatchRecord(
        id=row.id,
        tenant=row.tenant,
        status=BatchStatus(row.status),
        options=BatchOptions(tuple(row.ensemble), row.use_provider),
        total=row.total,
        answered=row.answered,
        failed=row.failed,
        spent=Spent(row.prompt_tokens, row.completion_tokens, row.cost_usd),
        cancel_requested=row.cancel_requested,
        attempts=row.attempts,
        error_code=row.error_code,
        error_message=row.error_message,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def end_batch(connection: sa.Connection, batch_id: str, status: BatchStatus, **values: Any) -> None:
    """Write the final status, and drop what was only needed on the way."""
    connection.execute(
        batches.update()
        .where(batches.c.id == batch_id)
        .values(status=status, claim=None, finished_at=database_clock(), **values)
    )
    connection.execute(batch_parts.delete().where(batch_parts.c.batch_id == batch_id))
