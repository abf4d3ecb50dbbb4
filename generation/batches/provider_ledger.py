"""What is at providers' batch endpoints: which questions of which batch, under which id of theirs."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from generation.batches.ledger import BatchClaim, Part, hold, part_of
from generation.batches.records import PartState
from generation.batches.tables import batch_parts, provider_batches
from runtime.database import Database, database_clock


@dataclasses.dataclass(frozen=True, slots=True)
class ProviderBatch:
    """`id` is ours, and the mark under which it can be found there; `provider_id` theirs, None until it is known."""

    id: str
    model: str
    provider_id: str | None
    polls: int
    age_seconds: float


class ProviderLedger:
    """Blocking, thread-safe. Writes need the claim of the batch: they raise BatchLost."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, claim: BatchClaim, model: str, prepared: Mapping[int, bytes]) -> str:
        """Note, before it is sent, that these questions (by position) go to a model's batch endpoint; the new id."""
        mark = str(uuid.uuid4())
        with self._database.write() as connection:
            hold(connection, claim)
            connection.execute(
                provider_batches.insert().values(
                    id=mark, batch_id=claim.batch.id, model=model, polls=0, created_at=database_clock()
                )
            )
            connection.execute(
                batch_parts.insert(),
                [
                    {
                        "batch_id": claim.batch.id,
                        "position": position,
                        "member": model,
                        "state": PartState.AWAY,
                        "provider_batch_id": mark,
                        "prepared": evidence,
                    }
                    for position, evidence in prepared.items()
                ],
            )
        return mark

    def sent(self, claim: BatchClaim, mark: str, provider_id: str) -> None:
        self._change(claim, mark, provider_id=provider_id)

    def polled(self, claim: BatchClaim, mark: str) -> None:
        self._change(claim, mark, polls=provider_batches.c.polls + 1)

    def ended(self, claim: BatchClaim, mark: str) -> None:
        """Whatever came back from there without an answer is to be asked directly."""
        with self._database.write() as connection:
            hold(connection, claim)
            connection.execute(
                batch_parts.update()
                .where(batch_parts.c.provider_batch_id == mark, batch_parts.c.state == PartState.AWAY)
                .values(state=PartState.LIVE, prepared=None)
            )
            connection.execute(
                provider_batches.update().where(provider_batches.c.id == mark).values(ended_at=database_clock())
            )

    def never_sent(self, claim: BatchClaim, mark: str) -> None:
        """Forget one that did not arrive: its questions can be handed over again."""
        with self._database.write() as connection:
            hold(connection, claim)
            connection.execute(batch_parts.delete().where(batch_parts.c.provider_batch_id == mark))
            connection.execute(provider_batches.delete().where(provider_batches.c.id == mark))

    def running(self, batch_id: str) -> list[ProviderBatch]:
        """Those that have not ended, oldest first."""
        query = (
            sa.select(provider_batches, database_clock().label("now"))
            .where(provider_batches.c.batch_id == batch_id, provider_batches.c.ended_at.is_(None))
            .order_by(provider_batches.c.created_at, provider_batches.c.id)
        )
        with self._database.read() as connection:
            return [
                ProviderBatch(row.id, row.model, row.provider_id, row.polls, (row.now - row.created_at).total_seconds())
                for row in connection.execute(query)
            ]

    def part_away(self, mark: str, position: int) -> Part | None:
        """The question at this position, while its answer is not there."""
        query = sa.select(batch_parts).where(
            batch_parts.c.provider_batch_id == mark,
            batch_parts.c.position == position,
            batch_parts.c.state == PartState.AWAY,
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else part_of(row)

    def _change(self, claim: BatchClaim, mark: str, **values: Any) -> None:
        with self._database.write() as connection:
            hold(connection, claim)
            connection.execute(provider_batches.update().where(provider_batches.c.id == mark).values(**values))
