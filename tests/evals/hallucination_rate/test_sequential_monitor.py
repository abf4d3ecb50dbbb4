from __future__ import annotations

import json

import numpy as np
import pytest

from evals.hallucination_rate.corrected_rate import AuditedAnswer, ErrorCounts
from evals.hallucination_rate.sequential_monitor import Monitor, flag_ceiling, least_visible_rate

COUNTS = ErrorCounts(850, 1_000, 100, 1_000, "test")


def watched(
    generator: np.random.Generator, rates: np.ndarray, counts: ErrorCounts | None, *, audited: float = 0.0
) -> Monitor:
    """A monitor that looks whenever an answer is flagged or judged, until its alarm."""
    unsupported = generator.random(len(rates)) < rates
    flagged = generator.random(len(rates)) < np.where(unsupported, 0.85, 0.1)
    drawn = generator.random(len(rates)) < audited
    monitor, last = Monitor.start(0.05, counts), -1
    for place in np.flatnonzero(flagged | drawn):
        verdicts = [AuditedAnswer(bool(flagged[place]), bool(unsupported[place]), audited)] if drawn[place] else []
        monitor = monitor.observe(int(place) - last, int(flagged[place]), int(drawn[place]), verdicts)
        last = int(place)
        if monitor.alarm:
            break
    return monitor


def test_evidence_is_a_fair_game_at_the_ceiling() -> None:
    # At the greatest flag share that the objective allows, what is expected of the next answer is what there is now.
    monitor = Monitor.start(0.05, COUNTS).observe(300, 60, 10, [AuditedAnswer(True, True, 0.1)])
    assert monitor.ceiling is not None
    c, drawn = monitor.ceiling, 0.1
    expected = 0.0
    for flagged, share in ((1, c), (0, 1 - c)):
        expected += share * (1 - drawn) * monitor.observe(1, flagged).evidence
        for verdict, its_share in ((True, 0.05), (False, 0.95)):
            after = monitor.observe(1, flagged, 1, [AuditedAnswer(bool(flagged), verdict, drawn)])
            expected += share * drawn * its_share * after.evidence
    assert expected == pytest.approx(monitor.evidence, rel=1e-9)


def test_a_monitor_begins_with_no_evidence() -> None:
    monitor = Monitor.start(0.05, COUNTS)
    assert (monitor.evidence, monitor.answers, monitor.alarm) == (1.0, 0, False)
    assert monitor.threshold == pytest.approx(200)
    assert Monitor.start(0.05, None).threshold == pytest.approx(100)


@pytest.mark.parametrize("audited", [0.0, 0.05])
def test_false_alarms_are_rare_though_one_looks_all_the_time(audited: float) -> None:
    generator = np.random.default_rng(1)
    alarms = 0
    for _ in range(20):
        counts = ErrorCounts(
            int(generator.binomial(1_000, 0.85)), 1_000, int(generator.binomial(1_000, 0.1)), 1_000, "test"
        )
        alarms += watched(generator, np.full(1_500, 0.05), counts, audited=audited).alarm
    assert alarms == 0


def test_a_much_worse_rate_is_found_soon() -> None:
    generator = np.random.default_rng(2)
    delays = [watched(generator, np.full(3_000, 0.2), COUNTS).alarmed_at for _ in range(10)]
    assert all(delay is not None and delay < 1_200 for delay in delays)


def test_verdicts_alone_find_it_without_counts() -> None:
    generator = np.random.default_rng(3)
    delays = [watched(generator, np.full(6_000, 0.2), None, audited=0.1).alarmed_at for _ in range(5)]
    assert all(delay is not None and delay < 4_000 for delay in delays)


def test_an_old_good_time_does_not_hide_a_bad_day() -> None:
    bad_from = 30_000
    quiet = Monitor.start(0.05, COUNTS).observe(bad_from, round(0.11 * bad_from))  # a rate of 1.3%
    assert quiet.evidence < 1
    monitor, delay = quiet, 0
    while not monitor.alarm and delay < 5_000:
        monitor, delay = monitor.observe(100, 25), delay + 100  # a rate of 20%
    assert monitor.alarm
    assert delay <= 1_000
    at_once = Monitor.start(0.05, COUNTS)
    while not at_once.alarm:
        at_once = at_once.observe(100, 25)
    assert delay <= at_once.answers + 500


def test_an_alarm_stays() -> None:
    monitor = Monitor.start(0.05, COUNTS).observe(1_000, 400)
    assert monitor.alarmed_at == 1_000
    later = monitor.observe(20_000, 1_000)
    assert later.alarmed_at == 1_000
    assert later.highest == pytest.approx(monitor.evidence)


def test_the_order_within_a_look_does_not_matter_to_the_stakes_at_the_start() -> None:
    start = Monitor.start(0.05, COUNTS)
    one = start.observe(10, 4)
    assert one.evidence > start.evidence
    assert start.observe(0, 0) == start


def test_the_state_survives_the_database() -> None:
    monitor = Monitor.start(0.05, COUNTS).observe(500, 80, 3, [AuditedAnswer(False, True, 0.01)])
    again = Monitor.from_json(json.loads(json.dumps(monitor.to_json())))
    assert again == monitor
    assert again.observe(10, 2) == monitor.observe(10, 2)
    assert len(json.dumps(monitor.to_json())) < 1_000


@pytest.mark.parametrize(
    "data",
    [
        {},
        {**Monitor.start(0.05, None).to_json(), "flag_stakes": [0.0]},
        {**Monitor.start(0.05, None).to_json(), "x": 1},
    ],
)
def test_another_state_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Monitor.from_json(data)


def test_the_ceiling_carries_what_is_unknown_of_the_checker() -> None:
    few = flag_ceiling(0.05, ErrorCounts(85, 100, 10, 100, "test"), 0.005)
    many = flag_ceiling(0.05, ErrorCounts(85_000, 100_000, 10_000, 100_000, "test"), 0.005)
    assert few > many > 0.05 * 0.85 + 0.95 * 0.1
    assert many == pytest.approx(0.1375, abs=0.003)


def test_flags_alone_see_only_what_the_counts_leave_visible() -> None:
    visible = least_visible_rate(0.05, COUNTS)
    assert visible is not None
    assert 0.05 < visible < 0.12
    assert least_visible_rate(0.05, ErrorCounts(5, 10, 5, 10, "test")) is None


@pytest.mark.parametrize("wrong", [(5, 6, 0), (5, 1, 6), (-1, 0, 0)])
def test_impossible_numbers_are_refused(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError):
        Monitor.start(0.05, COUNTS).observe(*wrong)
    with pytest.raises(ValueError):
        Monitor.start(0.0, COUNTS)
