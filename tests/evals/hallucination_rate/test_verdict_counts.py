from __future__ import annotations

import datetime

from evals.hallucination_rate.audit_queue import AuditQueue
from evals.hallucination_rate.judgements import AuditVerdict, Judgement
from evals.hallucination_rate.verdict_counts import ALL, CheckerKey, FeedbackCounts, VerdictCounts
from evals.hallucination_rate.window import AnswerFilter, Window
from generation.answer_feedback import FeedbackStore
from generation.opinions import Feedback, Opinion
from runtime.database import Database
from tests.evals.hallucination_rate.given_answers import ALL_TIME, give
from tests.ingestion import conftest

database, postgres = conftest.database, conftest.postgres

EVERYTHING = AnswerFilter("one", ALL_TIME)


def test_what_makes_the_rate_is_counted_apart_from_the_rest(database: Database) -> None:
    give(database, supported=4, unsupported=2, refused=3, no_claims=1, fixed=2, unchecked=1, verbatim=5)
    give(database, supported=1, version="2")
    give(database, supported=7, tenant="two")
    tally = VerdictCounts(database).tallies(EVERYTHING)[ALL]
    assert tally.outcomes == {
        "supported": 5,
        "unsupported": 2,
        "refused": 3,
        "no_claims": 1,
        "fixed": 2,
        "unchecked": 1,
    }
    assert (tally.verbatim, tally.cached) == (5, 0)
    first, second = tally.checkers[CheckerKey("plumbline", "1")], tally.checkers[CheckerKey("plumbline", "2")]
    assert (first.answers, first.flagged, second.answers, second.flagged) == (6, 2, 1, 0)
    everybody = VerdictCounts(database).tallies(AnswerFilter(None, ALL_TIME))[ALL]
    assert everybody.outcomes["supported"] == 12


def test_nothing_is_an_empty_group(database: Database) -> None:
    tally = VerdictCounts(database).tallies(EVERYTHING)[ALL]
    assert (tally.checkers, sum(tally.outcomes.values()), tally.verbatim) == ({}, 0, 0)
    assert VerdictCounts(database).tallies(EVERYTHING, "model") == {}


def test_windows_are_open_at_their_end_and_filters_hold(database: Database) -> None:
    noon = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
    hour = datetime.timedelta(hours=1)
    give(database, supported=1, at=noon, model="a", collection="x", route="powerful")
    give(database, supported=2, at=noon + hour, model="b")

    def number(**fields: object) -> int:
        chosen = AnswerFilter("one", Window(noon, noon + hour), **fields)  # type: ignore[arg-type]
        return VerdictCounts(database).tallies(chosen)[ALL].outcomes["supported"]

    assert number() == 1
    assert number(model="a", collection="x", route="powerful", checker="plumbline") == 1
    assert [number(model="b"), number(collection="y"), number(route="fast"), number(checker="other")] == [0] * 4


def test_groups_are_told_apart(database: Database) -> None:
    evening = datetime.datetime(2026, 3, 1, 23, 30, tzinfo=datetime.UTC)
    give(database, unsupported=1, at=evening, model="a", collection="x")
    give(database, supported=2, verbatim=1, at=evening + datetime.timedelta(hours=1), model="b", route="powerful")
    counts = VerdictCounts(database)

    def numbers(group_by: str) -> dict[str, tuple[int, int]]:
        found = counts.tallies(EVERYTHING, group_by)  # type: ignore[arg-type]
        return {name: (sum(tally.outcomes.values()), tally.verbatim) for name, tally in found.items()}

    assert numbers("day") == {"2026-03-01": (1, 0), "2026-03-02": (2, 1)}
    assert numbers("model") == {"a": (1, 0), "b": (2, 0), "extractive": (0, 1)}
    assert numbers("collection") == {"": (2, 1), "x": (1, 0)}
    assert numbers("route") == {"extractive": (0, 1), "fast": (1, 0), "powerful": (2, 0)}


def test_only_verdicts_of_the_audit_are_taken_for_truth(database: Database) -> None:
    ids = give(database, supported=2, unsupported=2)
    queue = AuditQueue(database)
    queue.draw(EVERYTHING, 10)
    items = queue.to_judge("one", 10)
    said = {True: AuditVerdict.SUPPORTED, False: AuditVerdict.UNSUPPORTED}
    for item in items[:3]:
        queue.judge("one", item.audit_id, Judgement(said[item.flagged], "ada"))
    queue.judge("one", items[2].audit_id, Judgement(AuditVerdict.UNDECIDABLE, "ada"))
    feedback = FeedbackStore(database)
    feedback.give("one", Feedback(ids[0], "ann", helpful=True))
    feedback.give("one", Feedback(ids[0], "ann", helpful=False, verdict=Opinion.UNSUPPORTED))
    feedback.give("one", Feedback(ids[1], "ben", helpful=True))
    tally = VerdictCounts(database).tallies(EVERYTHING)[ALL]
    audited = tally.checkers[CheckerKey("plumbline", "1")].audited
    assert [one.flagged != one.unsupported for one in audited] == [True, True]
    assert (tally.undecidable, tally.to_judge) == (1, 1)
    counts = VerdictCounts(database)
    assert counts.feedback(EVERYTHING) == FeedbackCounts(helpful=1, not_helpful=1, unsupported=1)
    assert counts.feedback(AnswerFilter("two", ALL_TIME)) == FeedbackCounts()
