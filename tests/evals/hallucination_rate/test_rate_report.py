from __future__ import annotations

import pytest

from evals.hallucination_rate.corrected_rate import AuditedAnswer, ErrorCounts, corrected_rate
from evals.hallucination_rate.rate_report import combined, group_rates, standing
from evals.hallucination_rate.rate_words import in_words
from evals.hallucination_rate.verdict_counts import CheckerKey, CheckerTally, Tally
from generation.answer_outcomes import AnswerOutcome

COUNTS = ErrorCounts(450, 500, 50, 500, "a test")
KEY = CheckerKey("plumbline", "1")


def tally(answers: int, flagged: int, key: CheckerKey = KEY, **fields: object) -> Tally:
    found = Tally(checkers={key: CheckerTally(answers, flagged)}, **fields)  # type: ignore[arg-type]
    found.outcomes[AnswerOutcome.UNSUPPORTED] = flagged
    found.outcomes[AnswerOutcome.SUPPORTED] = answers - flagged
    return found


def test_the_rate_is_the_corrected_one_and_never_the_raw_share() -> None:
    one = group_rates({"": tally(1000, 300)}, lambda _: COUNTS, 0.05)[""]
    expected = corrected_rate(300, 1000, COUNTS)
    assert (one.rate, one.interval, one.method, one.answers) == (expected.rate, expected.interval, "counts", 1000)
    assert one.rate == pytest.approx(0.25, abs=0.01), "(0.3 - 0.1) / 0.8"
    assert one.standing == "above"


def test_without_counts_and_audit_nothing_is_known() -> None:
    one = group_rates({"": tally(1000, 300)}, lambda _: None, 0.05)[""]
    assert (one.rate, one.interval, one.standing, one.method) == (None, (0.0, 1.0), "cannot_tell", "none")
    assert "unknown" in in_words(one, 0.05)


def test_versions_are_corrected_each_by_its_own_counts_and_combined_by_answers() -> None:
    both = tally(300, 60)
    other = CheckerKey("plumbline", "2")
    both.checkers[other] = CheckerTally(100, 50)
    one = group_rates({"": both}, lambda key: COUNTS if key == KEY else None, 0.05)[""]
    assert [part.checker for part in one.checkers] == [KEY, other]
    assert one.rate is None, "the second version was never counted"
    assert one.interval[1] - one.interval[0] > 0.25
    both.checkers[other].audited = [AuditedAnswer(flag, flag, 0.5) for flag in (True, False)] * 25
    one = group_rates({"": both}, lambda key: COUNTS if key == KEY else None, 0.05)[""]
    parts = [part.rate.rate for part in one.checkers]
    assert one.rate == pytest.approx((300 * parts[0] + 100 * parts[1]) / 400)  # type: ignore[operator]
    assert (one.method, one.audited, one.answers) == ("counts+audit", 50, 400)


def test_parts_count_by_their_answers() -> None:
    rate, interval = combined([(300, 0.1, (0.05, 0.2)), (100, 0.5, (0.3, 0.6)), (0, None, (0.0, 1.0))])
    assert rate == pytest.approx(0.2)
    assert interval == pytest.approx((0.1125, 0.3))
    assert combined([]) == (None, (0.0, 1.0))


def test_the_objective_is_kept_or_passed_only_by_the_whole_interval() -> None:
    assert [standing(one, 0.05) for one in ((0.0, 0.05), (0.04, 0.06), (0.051, 0.2))] == [
        "within",
        "cannot_tell",
        "above",
    ]


def test_windows_without_a_rate_say_why() -> None:
    nothing = group_rates({"": Tally()}, lambda _: COUNTS, 0.05)[""]
    assert in_words(nothing, 0.05) == "No answers were given in this window."
    quoted = group_rates({"": Tally(verbatim=3)}, lambda _: COUNTS, 0.05)[""]
    assert "3 were given otherwise" in in_words(quoted, 0.05)
    told = in_words(group_rates({"": tally(1000, 300)}, lambda _: COUNTS, 0.05)[""], 0.05)
    assert "above the objective of 5.0%" in told and "30" not in told.split("%")[0]
