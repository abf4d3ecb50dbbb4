"""Counts of verdicts in a window, by checker and, where asked, by group."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from evals.hallucination_rate.audit_tables import audit_items
from evals.hallucination_rate.corrected_rate import AuditedAnswer
from evals.hallucination_rate.window import AnswerFilter, GroupBy
from generation.answer_feedback import answer_feedback
from generation.answer_outcomes import AnswerOutcome
from generation.answer_verdicts import answer_verdicts
from generation.opinions import Opinion
from generation.routing.router import EXTRACTIVE
from runtime.database import Database

ALL = ""
"""The group of everything, when no grouping is asked."""

RATED = (AnswerOutcome.SUPPORTED, AnswerOutcome.UNSUPPORTED)
"""The outcomes that make the rate."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class CheckerKey:
    name: str
    version: str


@dataclasses.dataclass(frozen=True, slots=True)
class FeedbackCounts:
    """What readers said of answers. Whoever says something chose to: this is no sample, and no rate is made of it."""

    helpful: int = 0
    not_helpful: int = 0
    supported: int = 0
    unsupported: int = 0


@dataclasses.dataclass(slots=True)
class CheckerTally:
    """Answers written by models that one version of a checker judged: how many, and how many of them it flagged."""

    answers: int = 0
    flagged: int = 0
    audited: list[AuditedAnswer] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Tally:
    """What was counted of one group. `outcomes` are those of answers that a model wrote; `verbatim` answers quote the
    documents and are apart. `cached` (earlier answers given again) are among both.
    """

    checkers: dict[CheckerKey, CheckerTally] = dataclasses.field(default_factory=dict)
    outcomes: collections.Counter[AnswerOutcome] = dataclasses.field(default_factory=collections.Counter)
    verbatim: int = 0
    cached: int = 0
    undecidable: int = 0
    to_judge: int = 0

    def checker(self, key: CheckerKey) -> CheckerTally:
        return self.checkers.setdefault(key, CheckerTally())


class utc_day(FunctionElement[Any]):
    """The day of a moment, as YYYY-MM-DD in UTC."""

    type = sa.String()
    inherit_cache = True


@compiles(utc_day, "sqlite")
def _sqlite_day(element: utc_day, compiler: sa.sql.compiler.SQLCompiler, **options: object) -> str:
    return f"strftime('%Y-%m-%d', {compiler.process(element.clauses, **options)})"


@compiles(utc_day, "postgresql")
def _postgresql_day(element: utc_day, compiler: sa.sql.compiler.SQLCompiler, **options: object) -> str:
    return f"to_char({compiler.process(element.clauses, **options)} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


class VerdictCounts:
    """Blocking, thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tallies(self, chosen: AnswerFilter, group_by: GroupBy | None = None) -> Mapping[str, Tally]:
        """By group, in order; only groups with answers. Without grouping there is always the one of everything."""
        found: dict[str, Tally] = {} if group_by else {ALL: Tally()}
        group = _group(group_by).label("group")
        with self._database.read() as connection:
            for row in connection.execute(_counting(chosen, group)):
                tally = found.setdefault(row.group or "", Tally())
                tally.cached += row.cached
                if row.route == EXTRACTIVE and row.outcome in (*RATED, AnswerOutcome.UNCHECKED):
                    tally.verbatim += row.answers
                    continue
                tally.outcomes[AnswerOutcome(row.outcome)] += row.answers
                if row.outcome in RATED:
                    checker = tally.checker(CheckerKey(row.checker, row.checker_version))
                    checker.answers += row.answers
                    checker.flagged += row.answers if row.outcome == AnswerOutcome.UNSUPPORTED else 0
            for row in connection.execute(_auditing(chosen, group)):
                tally = found.setdefault(row.group or "", Tally())
                if row.verdict is None:
                    tally.to_judge += 1
                elif row.verdict == "undecidable":
                    tally.undecidable += 1
                else:
                    audited = AuditedAnswer(
                        flagged=row.outcome == AnswerOutcome.UNSUPPORTED,
                        unsupported=row.verdict == "unsupported",
                        probability=row.probability,
                    )
                    tally.checker(CheckerKey(row.checker, row.checker_version)).audited.append(audited)
        return dict(sorted(found.items()))

    def feedback(self, chosen: AnswerFilter) -> FeedbackCounts:
        """What readers said of the answers that were chosen."""
        told, opinion = answer_feedback.c.helpful, answer_feedback.c.verdict
        conditions = {
            "helpful": told.is_(True),
            "not_helpful": told.is_(False),
            "supported": opinion == Opinion.SUPPORTED,
            "unsupported": opinion == Opinion.UNSUPPORTED,
        }
        query = (
            sa.select(*(sa.func.count(sa.case((wanted, 1))).label(name) for name, wanted in conditions.items()))
            .join_from(answer_feedback, answer_verdicts, answer_verdicts.c.answer_id == answer_feedback.c.answer_id)
            # Nothing is said of an answer before it is given: the index on this moment finds the few there are.
            .where(*chosen_rows(chosen), answer_feedback.c.given_at >= chosen.window.start)
        )
        if chosen.tenant is not None:
            query = query.where(answer_feedback.c.tenant == chosen.tenant)
        with self._database.read() as connection:
            return FeedbackCounts(**connection.execute(query).mappings().one())


def chosen_rows(chosen: AnswerFilter) -> Iterator[sa.ColumnElement[bool]]:
    """The conditions of a filter on `answer_verdicts`."""
    columns = answer_verdicts.c
    yield columns.created_at >= chosen.window.start
    yield columns.created_at < chosen.window.end
    for column, value in (
        (columns.tenant, chosen.tenant),
        (columns.model, chosen.model),
        (columns.collection, chosen.collection),
        (columns.route, chosen.route),
        (columns.checker, chosen.checker),
    ):
        if value is not None:
            yield column == value


def rated_rows() -> Sequence[sa.ColumnElement[bool]]:
    """The conditions that an answer counts for the rate: a model wrote it, and a checker judged its claims."""
    return answer_verdicts.c.outcome.in_(RATED), answer_verdicts.c.route != EXTRACTIVE


def _group(group_by: GroupBy | None) -> sa.ColumnElement[str | None]:
    if group_by is None:
        return sa.literal(ALL)
    if group_by == "day":
        return utc_day(answer_verdicts.c.created_at)
    return answer_verdicts.c[group_by]


def _counting(chosen: AnswerFilter, group: sa.Label[str | None]) -> sa.Select[tuple[object, ...]]:
    columns = answer_verdicts.c
    keys = (columns.route, columns.outcome, columns.checker, columns.checker_version)
    cached = sa.func.count(sa.case((columns.cached, 1))).label("cached")
    query = sa.select(group, *keys, sa.func.count().label("answers"), cached).where(*chosen_rows(chosen))
    return query.group_by(*([] if isinstance(group.element, sa.BindParameter) else [group]), *keys)


def _auditing(chosen: AnswerFilter, group: sa.Label[str | None]) -> sa.Select[tuple[object, ...]]:
    columns = answer_verdicts.c
    wanted = (columns.outcome, columns.checker, columns.checker_version)
    return (
        sa.select(group, *wanted, audit_items.c.verdict, audit_items.c.probability)
        .join_from(answer_verdicts, audit_items, audit_items.c.answer_id == columns.answer_id)
        .where(*chosen_rows(chosen), *rated_rows())
    )
