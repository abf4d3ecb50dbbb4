from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from evals.statistics import (
    bootstrap_interval,
    cluster_weights,
    holm,
    paired_bootstrap_interval,
    paired_randomization_test,
    paired_statistic_test,
    quantile_interval,
    share_interval,
    statistic_interval,
    sums_of_groups,
)


def test_bootstrap_agrees_with_the_normal_interval_on_many_values() -> None:
    values = np.random.default_rng(1).normal(10, 2, 2_000)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std(ddof=1) / math.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.02)
    assert high == pytest.approx(values.mean() + half, abs=0.02)


def test_bootstrap_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(2)
    covered = 0
    for _ in range(300):
        low, high = bootstrap_interval(generator.random(80) < 0.3, resamples=400)
        covered += low <= 0.3 <= high
    assert 0.90 <= covered / 300 <= 0.99


def test_intervals_repeat_exactly_and_follow_the_seed() -> None:
    values = np.random.default_rng(3).random(50)
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values) != bootstrap_interval(values, seed=1)


def test_ratio_interval_resamples_numerator_and_denominator_together() -> None:
    refused = np.array([1, 1, 1, 1, 0, 0, 0, 0] * 20)
    assert bootstrap_interval(refused, refused) == (1.0, 1.0)
    rightly = np.array([1, 1, 1, 0, 0, 0, 0, 0] * 20)
    low, high = bootstrap_interval(rightly, refused)
    assert low < 0.75 < high
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(0.75 * 0.25 / 80), rel=0.15)


def test_nothing_to_resample_gives_nan() -> None:
    assert all(map(math.isnan, bootstrap_interval([])))
    assert all(map(math.isnan, bootstrap_interval([0.0, 0.0], [0.0, 0.0])))


def test_quantile_interval_covers_the_quantile() -> None:
    generator = np.random.default_rng(4)
    truth = -math.log(0.05)  # p95 of an exponential
    covered = 0
    for _ in range(500):
        low, high = quantile_interval(generator.exponential(size=300), 0.95)
        covered += low <= truth <= high
    assert covered / 500 >= 0.94


def test_quantile_interval_of_the_median_by_table() -> None:
    # For n = 20 the 95% interval of the median runs from the 6th to the 15th value.
    assert quantile_interval(range(1, 21), 0.5) == (6.0, 15.0)
    assert quantile_interval([3.0], 0.95) == (3.0, 3.0)


def test_randomization_p_agrees_with_full_enumeration() -> None:
    a = np.array([0.1, 0.4, 0.3, 0.9, 0.2, 0.5, 0.7, 0.3])
    b = np.array([0.3, 0.5, 0.3, 1.0, 0.6, 0.4, 0.9, 0.8])
    differences = b - a
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product((1, -1), repeat=len(a))]
    exact = np.mean(np.array(sums) >= abs(differences.sum()) - 1e-12)
    assert paired_randomization_test(a, b) == pytest.approx(exact, abs=0.01)


def test_randomization_p_is_uniform_when_nothing_differs() -> None:
    generator = np.random.default_rng(5)
    rejected = 0
    for _ in range(400):
        a, b = generator.random((2, 40))
        rejected += paired_randomization_test(a, b, permutations=300) < 0.05
    assert rejected / 400 < 0.09


def test_equal_runs_do_not_differ_and_a_clear_gain_does() -> None:
    a = np.random.default_rng(6).random(100)
    assert paired_randomization_test(a, a) == 1.0
    assert paired_randomization_test(a, a + 0.2) == pytest.approx(1 / 10_001)
    low, high = paired_bootstrap_interval(a, a + 0.2)
    assert low == pytest.approx(0.2) and high == pytest.approx(0.2)


def test_pairs_must_have_one_length() -> None:
    with pytest.raises(ValueError, match="one length"):
        paired_randomization_test([1.0], [1.0, 2.0])


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_shares_that_are_all_alike_are_not_certain() -> None:
    low, high = share_interval([0] * 50)
    assert low == 0 and high == pytest.approx(1 - 0.025 ** (1 / 50))
    assert share_interval([True] * 50) == (pytest.approx(0.025 ** (1 / 50)), 1)
    assert share_interval([0, 0, 1, 0], [0, 0, 1, 0])[0] == pytest.approx(0.025)  # one refusal, and it was right
    mixed = [0, 1] * 30
    assert share_interval(mixed) == bootstrap_interval(mixed)
    assert math.isnan(share_interval([])[0])


def test_groups_are_drawn_whole() -> None:
    groups = ["a", "b", "a", "c", "b"]
    for weights in cluster_weights(groups, 20):
        assert weights[0] == weights[2] and weights[1] == weights[4]
        assert weights[0] + weights[1] + weights[3] == 3
    assert sums_of_groups([1, 2, 3, 4, 5], groups).tolist() == [4, 7, 4]


def test_items_that_hang_together_widen_the_interval() -> None:
    shares = np.random.default_rng(4).random(40)
    values = np.repeat(shares > 0.5, 25).astype(float)
    groups = np.repeat([str(n) for n in range(40)], 25).tolist()

    def mean(weights: np.ndarray) -> float:
        return float(np.average(values, weights=weights))

    together = statistic_interval(mean, float(values.mean()), groups)
    alone = statistic_interval(mean, float(values.mean()), [str(n) for n in range(1000)])
    assert together[1] - together[0] > 3 * (alone[1] - alone[0])


def test_a_difference_of_statistics_is_found_when_there_is_one_and_seldom_when_not() -> None:
    generator = np.random.default_rng(6)
    false_alarms = 0
    for _ in range(100):
        differences = generator.normal(0, 1, 60)
        groups = [str(n) for n in range(60)]
        observed = float(differences.mean())

        def of(weights: np.ndarray, differences: np.ndarray = differences) -> float:
            return float(np.average(differences, weights=weights))

        _, p = paired_statistic_test(of, observed, groups, resamples=300)
        false_alarms += p < 0.05
        (low, high), p_moved = paired_statistic_test(lambda w: of(w) + 1, observed + 1, groups, resamples=300)
        assert p_moved < 0.01 and low < observed + 1 < high
    assert false_alarms <= 12
