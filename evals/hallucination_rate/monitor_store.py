"""The sequential monitors of an installation: one a tenant and version of a checker, which goes on for months.

A look takes what came in since the last one, so that its cost goes with that and not with all there ever was. Looks may
be as many as one likes: the alarm's false-alarm probability holds for all of them together.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Container
from typing import Any

import sqlalchemy as sa

from evals.hallucination_rate.audit_tables import audit_items, audit_verdicts, rate_monitors
from evals.hallucination_rate.corrected_rate import AuditedAnswer
from evals.hallucination_rate.rate_report import CountsOf
from evals.hallucination_rate.sequential_monitor import Monitor
from evals.hallucination_rate.verdict_counts import CheckerKey, rated_rows
from generation.answer_outcomes import AnswerOutcome
from generation.answer_verdicts import answer_verdicts
from runtime.database import Database, insert_if_absent

LAG = datetime.timedelta(seconds=5)
"""An answer is written a moment after the moment that it bears."""
FIRST_LOOK = datetime.timedelta(hours=1)


@dataclasses.dataclass(frozen=True, slots=True)
class RunningMonitor:
    tenant: str
    checker: CheckerKey
    started_at: datetime.datetime
    seen_until: datetime.datetime
    monitor: Monitor


class MonitorStore:
    """Blocking, thread-safe, and right when several processes look at once."""

    def __init__(self, database: Database, counts_of: CountsOf, objective: float) -> None:
        self._database = database
        self._counts_of = counts_of
        self._objective = objective

    def look(
        self, tenant: str | None, now: datetime.datetime, distrusted: Container[CheckerKey] = ()
    ) -> list[RunningMonitor]:
        """Every monitor of the tenant (None: of all), up to a few seconds before `now`.

        One starts with the answers of the hour before the first look that finds its checker. It starts anew when the
        objective or the checker's error counts have changed, and without counts where they are `distrusted` because
        the audit contradicts them; then it stays without.
        """
        until = now - LAG
        with self._database.write(durable=False) as connection:
            for row in connection.execute(_unmonitored(tenant, until - FIRST_LOOK)).all():
                key = {"tenant": row.tenant, "checker": row.checker, "checker_version": row.checker_version}
                fresh = self._fresh(CheckerKey(row.checker, row.checker_version), distrusted)
                moments = {"started_at": row.first, "seen_until": row.first}
                insert_if_absent(connection, rate_monitors, {**key, **moments, "state": fresh.to_json()})
            wanted = sa.select(rate_monitors).order_by(*rate_monitors.primary_key).with_for_update()
            if tenant is not None:
                wanted = wanted.where(rate_monitors.c.tenant == tenant)
            return [self._looked(connection, row, until, distrusted) for row in connection.execute(wanted).all()]

    def restart(self, tenant: str, now: datetime.datetime) -> list[RunningMonitor]:
        """Start the tenant's monitors anew: after an alarm that was seen to, or a change that makes the past moot."""
        with self._database.write() as connection:
            wanted = sa.select(rate_monitors).where(rate_monitors.c.tenant == tenant).with_for_update()
            for row in connection.execute(wanted).all():
                fresh = self._fresh(CheckerKey(row.checker, row.checker_version))
                moments = {"started_at": now - LAG, "seen_until": now - LAG}
                connection.execute(_this(row).values(**moments, state=fresh.to_json()))
        return self.look(tenant, now)

    def _fresh(self, checker: CheckerKey, distrusted: Container[CheckerKey] = ()) -> Monitor:
        return Monitor.start(self._objective, None if checker in distrusted else self._counts_of(checker))

    def _looked(
        self, connection: sa.Connection, row: sa.Row[Any], until: datetime.datetime, distrusted: Container[CheckerKey]
    ) -> RunningMonitor:
        checker = CheckerKey(row.checker, row.checker_version)
        fresh = self._fresh(checker, distrusted)
        monitor, started_at, seen_until = _known(row, fresh), row.started_at, row.seen_until
        if monitor is None:
            monitor, started_at = fresh, seen_until
        if until > seen_until:
            answers, flagged, drawn = connection.execute(_answers_between(row, seen_until, until)).one()
            verdicts = [
                AuditedAnswer(
                    flagged=one.outcome == AnswerOutcome.UNSUPPORTED,
                    unsupported=one.verdict == "unsupported",
                    probability=one.probability,
                )
                for one in connection.execute(_verdicts_between(row, started_at, seen_until, until))
            ]
            if answers or verdicts:
                monitor = monitor.observe(answers, flagged, drawn, verdicts)
            seen_until = until
        state = {"started_at": started_at, "seen_until": seen_until, "state": monitor.to_json()}
        connection.execute(_this(row).values(**state))
        return RunningMonitor(row.tenant, checker, started_at, seen_until, monitor)


def _known(row: sa.Row[Any], fresh: Monitor) -> Monitor | None:
    """The monitor as it was, unless it is of another objective, other counts or another version of the program."""
    try:
        monitor = Monitor.from_json(row.state)
    except (ValueError, KeyError, TypeError):
        return None
    same = monitor.objective == fresh.objective and monitor.ceiling in (None, fresh.ceiling)
    return monitor if same else None


def _this(row: sa.Row[Any]) -> sa.Update:
    return rate_monitors.update().where(
        rate_monitors.c.tenant == row.tenant,
        rate_monitors.c.checker == row.checker,
        rate_monitors.c.checker_version == row.checker_version,
    )


def _unmonitored(tenant: str | None, since: datetime.datetime) -> sa.Select[Any]:
    """Checkers that have judged answers and have no monitor yet, with the first of these answers."""
    columns, known = answer_verdicts.c, rate_monitors.c
    monitored = sa.exists().where(
        known.tenant == columns.tenant,
        known.checker == columns.checker,
        known.checker_version == columns.checker_version,
    )
    key = (columns.tenant, columns.checker, columns.checker_version)
    query = (
        sa.select(*key, sa.func.min(columns.created_at).label("first"))
        .where(*rated_rows(), columns.created_at >= since, ~monitored)
        .group_by(*key)
    )
    return query if tenant is None else query.where(columns.tenant == tenant)


def _of(row: sa.Row[Any]) -> tuple[sa.ColumnElement[bool], ...]:
    columns = answer_verdicts.c
    return (
        columns.tenant == row.tenant,
        columns.checker == row.checker,
        columns.checker_version == row.checker_version,
        *rated_rows(),
    )


def _answers_between(row: sa.Row[Any], start: datetime.datetime, end: datetime.datetime) -> sa.Select[int, int, int]:
    columns = answer_verdicts.c
    flagged = sa.func.count(sa.case((columns.outcome == AnswerOutcome.UNSUPPORTED, 1)))
    return (
        sa.select(sa.func.count(), flagged, sa.func.count(audit_items.c.id))
        .join_from(answer_verdicts, audit_items, audit_items.c.answer_id == columns.answer_id, isouter=True)
        .where(*_of(row), columns.created_at >= start, columns.created_at < end)
    )


def _verdicts_between(
    row: sa.Row[Any], started_at: datetime.datetime, start: datetime.datetime, end: datetime.datetime
) -> sa.Select[Any]:
    """First verdicts of a moment in between, on answers since the monitor's start: a bet is settled once."""
    columns, earlier = answer_verdicts.c, audit_verdicts.alias()
    first = ~sa.exists().where(
        earlier.c.item_id == audit_verdicts.c.item_id, earlier.c.judged_at < audit_verdicts.c.judged_at
    )
    return (
        sa.select(columns.outcome, audit_verdicts.c.verdict, audit_items.c.probability)
        .join_from(audit_verdicts, audit_items, audit_items.c.id == audit_verdicts.c.item_id)
        .join(answer_verdicts, columns.answer_id == audit_items.c.answer_id)
        .where(
            *_of(row),
            columns.created_at >= started_at,
            audit_verdicts.c.judged_at >= start,
            audit_verdicts.c.judged_at < end,
            audit_verdicts.c.verdict != "undecidable",
            first,
        )
    )
