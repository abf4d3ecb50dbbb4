"""Answers drawn for people to judge: the only verdicts that correct the rate.

Every answer got a random lot when it was given. A draw takes, of the flagged and of the unflagged answers of a window,
those with the smallest lots that were not drawn before (bottom-k sampling with permanent random numbers: Ohlsson, 1995;
Cohen and Kaplan, 2007). The smallest lot that stays behind is the probability with which each of them could be drawn,
given the lots of all others; after several draws over windows that overlap it is the greatest of these.
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from evals.hallucination_rate.audit_sampling import StratumSize, allocation
from evals.hallucination_rate.audit_tables import audit_items, audit_verdicts
from evals.hallucination_rate.judgements import AuditDraw, AuditItem, AuditVerdict, GivenJudgement, Judgement
from evals.hallucination_rate.verdict_counts import chosen_rows, rated_rows
from evals.hallucination_rate.window import AnswerFilter
from generation.answer_outcomes import AnswerOutcome
from generation.answer_store import answers
from generation.answer_verdicts import answer_verdicts
from runtime.database import Database, insert_if_absent
from runtime.errors import InvalidInput, NotFound


class UnknownAudit(NotFound):
    code = "unknown_audit"


class AuditQueue:
    """Blocking, thread-safe. Every call is bound to a tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def draw(self, chosen: AnswerFilter, budget: int) -> AuditDraw:
        """Draw up to `budget` more answers of the filter, which has a tenant; fewer when fewer are left."""
        assert chosen.tenant is not None
        population = (*chosen_rows(chosen), *rated_rows())
        drawn = {True: 0, False: 0}
        # One moment for all: in the order of moments the sides would be told apart.
        now = datetime.datetime.now(datetime.UTC)
        with self._database.write() as connection:
            strata = {flagged: _sizes(connection, population, flagged=flagged) for flagged in (True, False)}
            shares = allocation(strata[True], strata[False], budget)
            for flagged, number in zip((True, False), shares, strict=True):
                drawn[flagged] = _draw(connection, chosen.tenant, now, (*population, _is(flagged=flagged)), number)
        return AuditDraw(drawn[True], drawn[False], sum(size.answers for size in strata.values()))

    def to_judge(self, tenant: str, limit: int) -> list[AuditItem]:
        """The oldest drawn answers without a verdict; within a draw in an order that says nothing of the checker."""
        query = _items(tenant).where(audit_items.c.verdict.is_(None)).order_by(audit_items.c.drawn_at, audit_items.c.id)
        with self._database.read() as connection:
            return [_item(connection, row) for row in connection.execute(query.limit(limit)).all()]

    def count_to_judge(self, tenant: str) -> int:
        query = sa.select(sa.func.count()).where(audit_items.c.tenant == tenant, audit_items.c.verdict.is_(None))
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def item(self, tenant: str, audit_id: str) -> AuditItem:
        """Raises UnknownAudit."""
        with self._database.read() as connection:
            return _item(connection, _row(connection, tenant, audit_id))

    def judge(self, tenant: str, audit_id: str, judgement: Judgement) -> AuditItem:
        """Enter a judgement; the last one counts, and the same again changes nothing.

        Raises UnknownAudit, and InvalidInput for a span outside the answer.
        """
        now = datetime.datetime.now(datetime.UTC)
        with self._database.write() as connection:
            item = _item(connection, _row(connection, tenant, audit_id, lock=True))
            length = len(item.answer["answer"])
            if any(not 0 <= start < end <= length for start, end in judgement.spans):
                raise InvalidInput(f"A span does not lie in the answer, which has {length:,} characters.")
            if item.history and item.history[-1].judgement == judgement:
                return item
            connection.execute(
                audit_verdicts.insert().values(
                    id=str(uuid.uuid4()),
                    item_id=audit_id,
                    verdict=judgement.verdict,
                    spans=[list(span) for span in judgement.spans],
                    note=judgement.note,
                    judged_by=judgement.judged_by,
                    judged_at=now,
                )
            )
            connection.execute(
                audit_items.update()
                .where(audit_items.c.id == audit_id)
                .values(verdict=judgement.verdict, judged_at=now, judged_by=judgement.judged_by)
            )
        return dataclasses.replace(item, history=(*item.history, GivenJudgement(judgement, now)))


def _is(*, flagged: bool) -> sa.ColumnElement[bool]:
    return answer_verdicts.c.outcome == (AnswerOutcome.UNSUPPORTED if flagged else AnswerOutcome.SUPPORTED)


def _sizes(connection: sa.Connection, population: Sequence[sa.ColumnElement[bool]], *, flagged: bool) -> StratumSize:
    query = (
        sa.select(sa.func.count(), sa.func.count(audit_items.c.id))
        .join_from(answer_verdicts, audit_items, audit_items.c.answer_id == answer_verdicts.c.answer_id, isouter=True)
        .where(*population, _is(flagged=flagged))
    )
    total, drawn = connection.execute(query).one()
    return StratumSize(total, drawn)


def _draw(
    connection: sa.Connection,
    tenant: str,
    drawn_at: datetime.datetime,
    stratum: Sequence[sa.ColumnElement[bool]],
    number: int,
) -> int:
    """Draw so many of a stratum that were not drawn before; how many there were."""
    if number <= 0:
        return 0
    columns = answer_verdicts.c
    undrawn = (
        sa.select(columns.answer_id, columns.lot)
        .join_from(answer_verdicts, audit_items, audit_items.c.answer_id == columns.answer_id, isouter=True)
        .where(*stratum, audit_items.c.id.is_(None))
        .order_by(columns.lot, columns.answer_id)
        .limit(number + 1)
    )
    found = connection.execute(undrawn).all()
    probability = found[number].lot if len(found) > number else 1.0
    for row in found[:number]:
        item = {"id": str(uuid.uuid4()), "tenant": tenant, "answer_id": row.answer_id}
        insert_if_absent(connection, audit_items, {**item, "probability": probability, "drawn_at": drawn_at})
    # Those of earlier draws below the new bound could have been drawn by this one as well.
    below = sa.select(columns.answer_id).where(*stratum, columns.lot < probability)
    connection.execute(
        audit_items.update()
        .where(audit_items.c.answer_id.in_(below), audit_items.c.probability < probability)
        .values(probability=probability)
    )
    return min(number, len(found))


def _items(tenant: str) -> sa.Select[Any]:
    return (
        sa.select(audit_items, answer_verdicts.c.outcome, answers.c.body)
        .join_from(audit_items, answer_verdicts, answer_verdicts.c.answer_id == audit_items.c.answer_id)
        .join(answers, answers.c.id == audit_items.c.answer_id)
        .where(audit_items.c.tenant == tenant)
    )


def _row(connection: sa.Connection, tenant: str, audit_id: str, *, lock: bool = False) -> sa.Row[Any]:
    query = _items(tenant).where(audit_items.c.id == audit_id)
    row = connection.execute(query.with_for_update(of=audit_items) if lock else query).one_or_none()
    if row is None:
        raise UnknownAudit(
            f"Nothing was drawn for the audit under {audit_id}. GET /v1/groundedness/audit lists what was."
        )
    return row


def _item(connection: sa.Connection, row: sa.Row[Any]) -> AuditItem:
    return AuditItem(
        audit_id=row.id,
        answer=row.body,
        flagged=row.outcome == AnswerOutcome.UNSUPPORTED,
        probability=row.probability,
        drawn_at=row.drawn_at,
        history=tuple(_history(connection, row.id)) if row.verdict is not None else (),
    )


def _history(connection: sa.Connection, audit_id: str) -> Iterator[GivenJudgement]:
    query = (
        sa.select(audit_verdicts)
        .where(audit_verdicts.c.item_id == audit_id)
        .order_by(audit_verdicts.c.judged_at, audit_verdicts.c.id)
    )
    for row in connection.execute(query):
        spans = tuple((start, end) for start, end in row.spans)
        yield GivenJudgement(Judgement(AuditVerdict(row.verdict), row.judged_by, spans, row.note), row.judged_at)
