"""What answers used and cost, by tenant, key, day and model."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

import sqlalchemy as sa

from generation.answers import Answer
from generation.costs.usage_sums import GroupBy, UsageSums, model_usages, nano_usd
from runtime.database import Database, insert_or_add, schema

usage_by_day = sa.Table(
    "usage_by_day",
    schema,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("key_id", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("answers", sa.BigInteger, nullable=False),
    sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
    sa.Column("cached_prompt_tokens", sa.BigInteger, nullable=False),
    sa.Column("completion_tokens", sa.BigInteger, nullable=False),
    sa.Column("cost_nano_usd", sa.BigInteger, nullable=False),
    sa.Column("cache_hits", sa.BigInteger, nullable=False),
    sa.Column("saved_nano_usd", sa.BigInteger, nullable=False),
)


_COLUMN_OF = {
    GroupBy.DAY: usage_by_day.c.day,
    GroupBy.MODEL: usage_by_day.c.model,
    GroupBy.KEY: usage_by_day.c.key_id,
}


class UsageLedger:
    """Blocking, thread-safe, and right when several processes write. Every call is bound to a tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, tenant: str, key_id: str, answer: Answer, day: datetime.date | None = None) -> None:
        """Add one answer to the sums of its day (UTC; today unless given). `key_id` is empty where no key was needed.

        The answer counts for the model that gave it, tokens and costs for the models that were called.
        """
        sums = {answer.model.name: UsageSums(answers=1, **_saved(answer))}
        for used in model_usages(answer):
            sums[used.model] = sums.get(used.model, UsageSums()) + UsageSums(
                prompt_tokens=used.prompt_tokens,
                cached_prompt_tokens=used.cached_prompt_tokens,
                completion_tokens=used.completion_tokens,
                cost_nano_usd=nano_usd(used.cost_usd),
            )
        row = {"tenant": tenant, "key_id": key_id, "day": day or datetime.datetime.now(datetime.UTC).date()}
        # The answer itself is stored durably; its counters need no wait for the disk of their own.
        with self._database.write(durable=False) as connection:
            for model in sorted(sums):  # always in one order, or two writers could wait for each other
                insert_or_add(connection, usage_by_day, {**row, "model": model}, dataclasses.asdict(sums[model]))

    def sums(
        self, tenant: str, first: datetime.date, last: datetime.date, group_by: GroupBy
    ) -> Mapping[datetime.date | str, UsageSums]:
        """Sums of the days from `first` to `last`, both included, by day, model or key, in order."""
        group = _COLUMN_OF[group_by]
        columns = [sa.func.sum(usage_by_day.c[field.name]) for field in dataclasses.fields(UsageSums)]
        query = (
            sa.select(group, *columns)
            .where(usage_by_day.c.tenant == tenant, usage_by_day.c.day.between(first, last))
            .group_by(group)
            .order_by(group)
        )
        with self._database.read() as connection:
            return {name: UsageSums(*map(int, values)) for name, *values in connection.execute(query)}


def _saved(answer: Answer) -> dict[str, int]:
    return {"cache_hits": int(answer.cache.hit), "saved_nano_usd": nano_usd(answer.cache.saved_usd)}
