from __future__ import annotations

from typing import Any

from evals.answers.answer_rates import hallucination_rate, rate_fields
from evals.hallucination_rate.corrected_rate import ErrorCounts, corrected_rate
from evals.hallucination_rate.verdict_counts import CheckerKey

COUNTS = ErrorCounts(160, 200, 60, 600, "made up: sensitivity 0.8, specificity 0.9")


def records(flagged: int, supported: int, *, route: str = "fast", checker: str = "counted") -> list[dict[str, Any]]:
    verdicts = ["unsupported"] * flagged + ["supported"] * supported
    return [{"outcome": outcome, "route": route, "checker": [checker, "1"]} for outcome in verdicts]


def counts_of(checker: CheckerKey) -> ErrorCounts | None:
    return COUNTS if checker == CheckerKey("counted", "1") else None


def test_flags_are_corrected_for_the_errors_of_the_checker() -> None:
    found = hallucination_rate(records(45, 255), counts_of)
    expected = corrected_rate(45, 300, COUNTS)
    assert found == (expected.rate, expected.interval)
    rate, (low, high) = found
    assert rate is not None and rate < 45 / 300 and low < rate < high, "half of the flags are false alarms"


def test_only_what_models_wrote_and_was_checked_counts() -> None:
    others = [
        {"outcome": "refused", "route": "fast", "checker": None},
        {"outcome": "no_claims", "route": "small_talk", "checker": ["counted", "1"]},
        {"outcome": "fixed", "route": "fast", "checker": ["counted", "1"]},
        {"outcome": "unchecked", "route": "fast", "checker": None},
        *records(0, 50, route="extractive"),
    ]
    assert hallucination_rate(records(45, 255) + others, counts_of) == hallucination_rate(records(45, 255), counts_of)
    assert hallucination_rate(records(0, 50, route="extractive"), counts_of) == (0.0, (0.0, 0.0))
    assert hallucination_rate(others[:4], counts_of) is None


def test_a_checker_that_was_never_counted_leaves_the_rate_unknown() -> None:
    rate, interval = hallucination_rate(records(5, 10, checker="new"), counts_of) or (0.0, (0.0, 0.0))
    assert rate is None and interval == (0.0, 1.0)


def test_what_is_kept_of_an_answer() -> None:
    groundedness = {
        "supported": False,
        "sentences": [{"is_claim": True}],
        "checker": {"name": "counted", "version": "1", "threshold": 0.5},
    }
    answer = {"refused": False, "unsupported_removed": 0, "groundedness": groundedness, "model": {"route": "fast"}}
    assert rate_fields(answer) == {"outcome": "unsupported", "route": "fast", "checker": ["counted", "1"]}
    refused = answer | {"refused": True, "groundedness": None}
    assert rate_fields(refused) == {"outcome": "refused", "route": "fast", "checker": None}
