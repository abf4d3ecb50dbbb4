"""What a checker said of the answers that people have judged in an audit."""

from __future__ import annotations

import dataclasses

import sqlalchemy as sa

from evals.hallucination_rate.audit_tables import audit_items
from evals.hallucination_rate.judgements import AuditVerdict
from evals.hallucination_rate.verdict_counts import CheckerKey, rated_rows
from generation.answer_verdicts import answer_verdicts
from runtime.database import Database


@dataclasses.dataclass(frozen=True, slots=True)
class JudgedScores:
    """Of each judged answer its id, the checker's score and whether people found it supported. `of_others` counts the
    judged answers that another checker, or another version of it, had scored: their scores are on another scale.
    """

    ids: tuple[str, ...]
    scores: tuple[float, ...]
    supported: tuple[bool, ...]
    of_others: int


def judged_scores(database: Database, checker: CheckerKey) -> JudgedScores:
    """The audited answers of all tenants; what nobody could decide is left out.

    The draws prefer flagged answers, which is of no account here: whether an answer was flagged follows from its score,
    and what is asked is how often answers of one score are supported.
    """
    columns = answer_verdicts.c
    query = (
        sa.select(columns.answer_id, columns.score, columns.checker, columns.checker_version, audit_items.c.verdict)
        .join_from(audit_items, answer_verdicts, audit_items.c.answer_id == columns.answer_id)
        .where(
            *rated_rows(),
            columns.score.is_not(None),
            audit_items.c.verdict.in_((AuditVerdict.SUPPORTED, AuditVerdict.UNSUPPORTED)),
        )
        .order_by(columns.answer_id)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    own = [row for row in rows if (row.checker, row.checker_version) == (checker.name, checker.version)]
    return JudgedScores(
        tuple(row.answer_id for row in own),
        tuple(row.score for row in own),
        tuple(row.verdict == AuditVerdict.SUPPORTED for row in own),
        len(rows) - len(own),
    )
