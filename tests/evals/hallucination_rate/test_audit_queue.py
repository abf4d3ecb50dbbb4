from __future__ import annotations

import datetime
import itertools
from typing import Any

import pytest

from evals.hallucination_rate.audit_queue import AuditQueue, UnknownAudit
from evals.hallucination_rate.judgements import AuditVerdict, Judgement
from evals.hallucination_rate.window import AnswerFilter, Window
from runtime.database import Database
from runtime.errors import InvalidInput
from tests.evals.hallucination_rate.given_answers import ALL_TIME, give
from tests.ingestion import conftest

database, postgres = conftest.database, conftest.postgres


def chosen(tenant: str = "one", **fields: Any) -> AnswerFilter:
    return AnswerFilter(tenant, ALL_TIME, **fields)


def test_both_sides_are_drawn_once_and_no_more_than_there_are(database: Database) -> None:
    give(database, supported=30, unsupported=10, refused=5, verbatim=5)
    queue = AuditQueue(database)
    first = queue.draw(chosen(), 12)
    assert first.flagged + first.unflagged == 12
    assert min(first.flagged, first.unflagged) >= 3
    assert first.candidates == 40, "refusals and quotations are not to be judged"
    second = queue.draw(chosen(), 100)
    assert (first.flagged + second.flagged, first.unflagged + second.unflagged) == (10, 30)
    items = queue.to_judge("one", 100)
    assert len({item.answer["answer_id"] for item in items}) == 40 == queue.count_to_judge("one")
    assert {item.probability for item in items} == {1.0}, "all were drawn"
    assert queue.draw(chosen(), 5).candidates == 40
    assert queue.count_to_judge("one") == 40


def test_the_probability_is_that_of_being_drawn(database: Database) -> None:
    """Sums of 1/probability estimate how many answers there are, on average over many draws, whatever was drawn before."""
    sums = {True: 0.0, False: 0.0}
    rounds = 60
    for n in range(rounds):
        give(database, supported=40, unsupported=20, tenant=f"t{n}")
        queue = AuditQueue(database)
        queue.draw(chosen(f"t{n}"), 8)
        queue.draw(chosen(f"t{n}"), 8)
        for item in queue.to_judge(f"t{n}", 100):
            sums[item.flagged] += 1 / item.probability
    assert sums[True] / rounds == pytest.approx(20, rel=0.15)
    assert sums[False] / rounds == pytest.approx(40, rel=0.15)


def test_an_answer_in_two_windows_has_the_greater_probability(database: Database) -> None:
    now = datetime.datetime.now(datetime.UTC)
    give(database, supported=20, model="a")
    give(database, supported=20, model="b")
    queue = AuditQueue(database)
    queue.draw(chosen(model="a"), 20)
    queue.draw(AnswerFilter("one", Window(now - datetime.timedelta(1), now + datetime.timedelta(1))), 5)
    for item in queue.to_judge("one", 100):
        assert (item.probability == 1.0) == (item.answer["model"]["name"] == "a")


def test_a_verdict_can_be_changed_and_its_history_stays(database: Database) -> None:
    give(database, unsupported=1)
    queue = AuditQueue(database)
    queue.draw(chosen(), 1)
    audit_id = queue.to_judge("one", 1)[0].audit_id
    first = Judgement(AuditVerdict.SUPPORTED, "ada")
    queue.judge("one", audit_id, first)
    queue.judge("one", audit_id, first)
    second = Judgement(AuditVerdict.UNSUPPORTED, "bob", ((0, 5),), "the year")
    told = queue.judge("one", audit_id, second)
    assert [given.judgement for given in told.history] == [first, second]
    assert queue.item("one", audit_id) == told
    assert queue.to_judge("one", 1) == []
    with pytest.raises(InvalidInput):
        queue.judge("one", audit_id, Judgement(AuditVerdict.UNSUPPORTED, "bob", ((3, 10_000),)))


def test_another_tenants_audit_does_not_exist(database: Database) -> None:
    give(database, unsupported=1)
    queue = AuditQueue(database)
    assert queue.draw(chosen("two"), 5).candidates == 0
    queue.draw(chosen(), 5)
    audit_id = queue.to_judge("one", 1)[0].audit_id
    assert queue.to_judge("two", 10) == []
    for call in (queue.item, lambda *key: queue.judge(*key, Judgement(AuditVerdict.SUPPORTED, ""))):
        with pytest.raises(UnknownAudit):
            call("two", audit_id)


def test_the_order_says_nothing_of_the_checker(database: Database) -> None:
    give(database, supported=40, unsupported=40)
    queue = AuditQueue(database)
    queue.draw(chosen(), 80)
    sides = [item.flagged for item in queue.to_judge("one", 80)]
    changes = sum(a != b for a, b in itertools.pairwise(sides))
    assert 20 < changes < 60, "about 40 where the order is random, 1 where it is sorted"
