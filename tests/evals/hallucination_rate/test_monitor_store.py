from __future__ import annotations

import datetime

import pytest
import sqlalchemy as sa

from evals.hallucination_rate.audit_queue import AuditQueue
from evals.hallucination_rate.audit_tables import rate_monitors
from evals.hallucination_rate.corrected_rate import AuditedAnswer, ErrorCounts
from evals.hallucination_rate.judgements import AuditVerdict, Judgement
from evals.hallucination_rate.monitor_store import LAG, MonitorStore
from evals.hallucination_rate.sequential_monitor import Monitor
from evals.hallucination_rate.verdict_counts import CheckerKey
from evals.hallucination_rate.window import AnswerFilter
from runtime.database import Database
from tests.evals.hallucination_rate.given_answers import ALL_TIME, give
from tests.ingestion import conftest

database, postgres = conftest.database, conftest.postgres

COUNTS = ErrorCounts(900, 1000, 50, 1000, "a test")
MINUTE = datetime.timedelta(minutes=1)


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + LAG


def store(database: Database, objective: float = 0.05, counts: ErrorCounts | None = COUNTS) -> MonitorStore:
    return MonitorStore(database, lambda _: counts, objective)


def test_every_answer_is_seen_once_however_often_one_looks(database: Database) -> None:
    began = now()
    give(database, supported=6, unsupported=2, verbatim=3, refused=2, at=began)
    monitors = store(database)
    first = monitors.look("one", began + MINUTE)
    assert [(one.checker, one.monitor.answers) for one in first] == [(CheckerKey("plumbline", "1"), 8)]
    assert first[0].monitor == Monitor.start(0.05, COUNTS).observe(8, 2)
    assert monitors.look("one", began + MINUTE) == first
    give(database, supported=1, at=began + MINUTE)
    again = store(database).look("one", began + 2 * MINUTE)
    assert [one.monitor for one in again] == [first[0].monitor.observe(1, 0)]


def test_many_flags_raise_the_alarm_and_a_restart_ends_it(database: Database) -> None:
    began = now()
    give(database, unsupported=40, at=began)
    monitors = store(database)
    assert monitors.look("one", began + MINUTE)[0].monitor.alarm
    assert monitors.look("one", began + 2 * MINUTE)[0].monitor.alarm, "it stays until somebody has seen to it"
    anew = monitors.restart("one", began + 3 * MINUTE)
    assert (anew[0].monitor.alarm, anew[0].monitor.answers) == (False, 0)


def test_verdicts_of_the_audit_are_bets_of_their_own_and_are_settled_once(database: Database) -> None:
    give(database, supported=10)
    queue = AuditQueue(database)
    queue.draw(AnswerFilter("one", ALL_TIME), 10)
    items = queue.to_judge("one", 10)
    said = [AuditVerdict.UNSUPPORTED] * 4 + [AuditVerdict.SUPPORTED] * 4 + [AuditVerdict.UNDECIDABLE] * 2
    for item, verdict in zip(items, said, strict=True):
        queue.judge("one", item.audit_id, Judgement(verdict, "ada"))
    monitors = store(database, counts=None)
    looked = monitors.look("one", now() + MINUTE)[0].monitor
    verdicts = [AuditedAnswer(False, verdict == "unsupported", 1.0) for verdict in said[:8]]
    expected = Monitor.start(0.05, None).observe(10, 0, 10, verdicts)
    assert looked.evidence == pytest.approx(expected.evidence)
    queue.judge("one", items[0].audit_id, Judgement(AuditVerdict.SUPPORTED, "ben"))
    assert monitors.look("one", now() + 2 * MINUTE)[0].monitor == looked


def test_each_tenant_and_version_has_its_own(database: Database) -> None:
    began = now()
    for tenant in ("one", "two"):
        give(database, unsupported=2, tenant=tenant, at=began)
    give(database, supported=1, version="2", at=began)
    looked = store(database).look(None, began + MINUTE)
    seen = [(one.tenant, one.checker.version, one.monitor.answers) for one in looked]
    assert seen == [("one", "1", 2), ("one", "2", 1), ("two", "1", 2)]
    assert len(store(database).look("two", began + MINUTE)) == 1


def test_a_changed_objective_or_distrusted_counts_start_anew(database: Database) -> None:
    began = now()
    give(database, unsupported=40, at=began)
    assert store(database).look("one", began + MINUTE)[0].monitor.alarm
    other = store(database, objective=0.1).look("one", began + 2 * MINUTE)[0]
    assert (other.monitor.objective, other.monitor.answers, other.monitor.alarm) == (0.1, 0, False)
    key = CheckerKey("plumbline", "1")
    distrusted = store(database, objective=0.1).look("one", began + 3 * MINUTE, {key})[0]
    assert distrusted.monitor.ceiling is None
    assert store(database, objective=0.1).look("one", began + 4 * MINUTE)[0].monitor.ceiling is None


def test_a_state_of_another_version_of_the_program_starts_anew(database: Database) -> None:
    began = now()
    give(database, supported=2, at=began)
    store(database).look("one", began + MINUTE)
    with database.write() as connection:
        connection.execute(sa.update(rate_monitors).values(state={"who": "knows"}))
    assert store(database).look("one", began + 2 * MINUTE)[0].monitor.answers == 0
