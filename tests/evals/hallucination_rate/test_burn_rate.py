from __future__ import annotations

import math

import pytest

from evals.hallucination_rate.burn_rate import ALERTS, FALSE_ALARM, burn_rate, flagged_share, least_answers


def test_burn_rate_is_the_rate_in_objectives() -> None:
    assert burn_rate(0.15, 0.05) == pytest.approx(3)
    with pytest.raises(ValueError):
        burn_rate(0.1, 0.0)


def test_the_alerts_are_those_of_the_workbook() -> None:
    assert [(alert.severity, alert.burn, round(alert.budget, 2)) for alert in ALERTS] == [
        ("page", 14.4, 0.02),
        ("page", 6, 0.05),
        ("ticket", 3, 0.1),
        ("ticket", 1, 0.1),
    ]
    assert all(alert.short_hours == pytest.approx(alert.long_hours / 12) for alert in ALERTS)


def test_flags_at_a_rate() -> None:
    assert flagged_share(0.1, 0.8, 0.9) == pytest.approx(0.08 + 0.09)


@pytest.mark.parametrize("checker", [(0.85, 0.9), (0.95, 0.98), (0.7, 0.8)])
def test_with_so_many_answers_the_alert_seldom_fires_by_chance(checker: tuple[float, float]) -> None:
    answers = least_answers(3, *checker)
    assert answers is not None
    share = flagged_share(0.05, *checker)
    passes = math.floor(answers * flagged_share(0.15, *checker)) + 1
    logs = [
        math.lgamma(answers + 1) - math.lgamma(k + 1) - math.lgamma(answers - k + 1)
        + k * math.log(share) + (answers - k) * math.log1p(-share)
        for k in range(passes, answers + 1)
    ]  # fmt: skip
    chance = sum(math.exp(log) for log in logs)
    assert chance < 4 * FALSE_ALARM  # the normal tail is a little short
    assert chance > FALSE_ALARM / 100


def test_a_high_burn_rate_needs_few_answers_and_some() -> None:
    assert least_answers(14.4, 0.95, 0.98) == 50
    assert (least_answers(6, 0.7, 0.8) or 0) < (least_answers(3, 0.7, 0.8) or 0) < (least_answers(1, 0.7, 0.8) or 0)


def test_an_alert_that_can_never_mean_anything() -> None:
    assert least_answers(3, 0.5, 0.5) is None
    assert least_answers(14.4, 0.85, 0.9, objective=0.1) is None
