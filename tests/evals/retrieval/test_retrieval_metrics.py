"""Known values are worked by hand; the properties hold for every ranking."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.retrieval.retrieval_metrics import average_precision, ndcg, recall, reciprocal_rank

JUDGED = {"a": 3, "b": 2, "c": 3, "d": 0, "e": 1, "f": 2}


def test_ndcg_of_the_textbook_example() -> None:
    # Gains 3, 2, 3, 0, 1, 2 (the usual worked example of DCG); the ideal order is 3, 3, 2, 2, 1, 0.
    assert ndcg(["a", "b", "c", "d", "e", "f"], JUDGED, 6) == pytest.approx(6.861127 / 7.140995, abs=1e-6)


def test_gains_are_linear() -> None:
    # Exponential gains (2^grade - 1) would give (1 + 3 / log2(3)) / (3 + 1 / log2(3)).
    judged = {"x": 2, "y": 1}
    assert ndcg(["y", "x"], judged, 10) == pytest.approx((1 + 2 / math.log2(3)) / (2 + 1 / math.log2(3)))


def test_ndcg_is_ideal_over_all_judged_records_not_only_the_found() -> None:
    assert ndcg(["b"], {"a": 1, "b": 1}, 10) == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_negative_grades_gain_nothing() -> None:
    assert ndcg(["bad", "a"], {"bad": -2, "a": 1}, 10) == pytest.approx(1 / math.log2(3))


def test_binary_metrics_by_hand() -> None:
    ranking = ["x", "a", "y", "b", "z"]
    judged = {"a": 1, "b": 2, "missing": 1, "z": 0}
    assert recall(ranking, judged, 3) == pytest.approx(1 / 3)
    assert recall(ranking, judged, 100) == pytest.approx(2 / 3)
    assert reciprocal_rank(ranking, judged, 10) == 0.5
    assert reciprocal_rank(ranking, judged, 1) == 0.0
    assert average_precision(ranking, judged, 100) == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert average_precision(ranking, judged, 100, relevant_from=2) == pytest.approx(1 / 4)


rankings = st.permutations(list("abcdefgh"))
grades = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-1, 4), min_size=1)


@given(rankings, grades, st.integers(1, 10))
def test_metrics_stay_within_0_and_1(ranking: list[str], judged: dict[str, int], k: int) -> None:
    for metric in (ndcg, recall, reciprocal_rank, average_precision):
        assert 0.0 <= metric(ranking, judged, k) <= 1.0 + 1e-12


@given(grades)
def test_the_ideal_ranking_scores_1(judged: dict[str, int]) -> None:
    ideal = sorted("abcdefgh", key=lambda record: -judged.get(record, 0))
    expected = 1.0 if max(judged.values()) > 0 else 0.0
    for metric in (ndcg, recall, reciprocal_rank, average_precision):
        assert metric(ideal, judged, 8) == pytest.approx(expected)


@given(rankings, grades, st.integers(0, 6))
def test_moving_a_better_record_up_never_lowers_a_metric(ranking: list[str], judged: dict[str, int], at: int) -> None:
    above, below = ranking[at], ranking[at + 1]
    if judged.get(below, 0) <= judged.get(above, 0):
        return
    swapped = [*ranking[:at], below, above, *ranking[at + 2 :]]
    for metric in (ndcg, recall, reciprocal_rank, average_precision):
        assert metric(swapped, judged, 5) >= metric(ranking, judged, 5) - 1e-12
