"""Fusion against values worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.fusion import convex_combination, min_max, ordered, reciprocal_rank

SCORES = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.floats(-50, 50), max_size=8)


def test_min_max_spans_zero_to_one_and_equal_scores_are_all_best() -> None:
    assert min_max({"a": 2.0, "b": 6.0, "c": 4.0}) == {"a": 0.0, "b": 1.0, "c": 0.5}
    assert min_max({"a": 3.0, "b": 3.0}) == {"a": 1.0, "b": 1.0}
    assert min_max({}) == {}


def test_convex_combination_weighs_normalised_scores() -> None:
    fused = convex_combination([({"a": 0.9, "b": 0.5, "c": 0.1}, 0.6), ({"a": 0.0, "b": 10.0}, 0.4)])
    assert fused == pytest.approx({"a": 0.6, "b": 0.7, "c": 0.0})


def test_reciprocal_rank_rewards_agreement() -> None:
    fused = reciprocal_rank([["a", "b", "c"], ["b", "d"]])
    assert fused["b"] == pytest.approx(1 / 62 + 1 / 61)
    assert ordered(fused) == ["b", "a", "d", "c"]


def test_equal_scores_have_one_order() -> None:
    assert ordered({"b": 1.0, "a": 1.0, "c": 2.0}) == ["c", "a", "b"]


@given(SCORES, st.floats(-100, 100), st.floats(0.1, 10))
def test_min_max_does_not_depend_on_the_scale(scores: dict[str, float], shift: float, factor: float) -> None:
    moved = {key: shift + factor * score for key, score in scores.items()}
    if len({round(score, 3) for score in scores.values()}) == len(scores):
        assert min_max(moved) == pytest.approx(min_max(scores), abs=1e-6)
