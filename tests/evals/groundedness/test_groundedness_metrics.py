from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from evals.groundedness.groundedness_metrics import (
    auroc,
    balanced_accuracy,
    brier,
    calibration_error,
    calibration_error_by_chance,
    f1_unsupported,
    reliability,
    roc_curve,
)

SCORED = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.booleans()), min_size=2, max_size=60)


@given(SCORED)
def test_ranks_and_verdicts_agree_with_the_reference(pairs: list[tuple[float, bool]]) -> None:
    scores, labels = np.array([s for s, _ in pairs]), np.array([label for _, label in pairs])
    verdicts = scores >= 0.5
    if labels.all() or not labels.any():
        assert auroc(scores, labels) is None and balanced_accuracy(verdicts, labels) is None
        return
    assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
    assert balanced_accuracy(verdicts, labels) == pytest.approx(balanced_accuracy_score(labels, verdicts))
    assert f1_unsupported(verdicts, labels) == pytest.approx(f1_score(~labels, ~verdicts))
    false_rate, true_rate = roc_curve(scores, labels)
    assert np.trapezoid(true_rate, false_rate) == pytest.approx(auroc(scores, labels))


@given(SCORED, st.randoms(use_true_random=False))
def test_weights_are_repetitions_and_order_does_not_matter(pairs: list[tuple[float, bool]], random: object) -> None:
    weights = np.arange(len(pairs)) % 3
    weights[0] = 1
    repeated = [pair for pair, times in zip(pairs, weights, strict=True) for _ in range(times)]
    order = np.random.default_rng(len(pairs)).permutation(len(pairs))
    scores, labels = np.array([s for s, _ in pairs]), np.array([float(label) for _, label in pairs])
    many, known = np.array([s for s, _ in repeated]), np.array([float(label) for _, label in repeated])
    for statistic in (auroc, calibration_error, brier):
        weighted = statistic(scores[order], labels[order], weights[order])
        assert weighted == pytest.approx(statistic(many, known)), statistic.__name__


def test_calibration_error_of_bins_by_hand() -> None:
    scores, labels = np.repeat([0.2, 0.8], 50), np.concatenate([np.arange(50) < 20, np.arange(50) < 40])
    assert calibration_error(scores, labels) == pytest.approx(0.1)  # |0.2 - 0.4| and |0.8 - 0.8|, half the mass each
    assert calibration_error(scores, scores > 0.5) == pytest.approx(0.2)
    mass, mean, share = reliability(scores, labels)
    assert mass.tolist() == pytest.approx([0.1] * 10)
    assert mean.tolist() == pytest.approx([0.2] * 5 + [0.8] * 5) and share.tolist() == pytest.approx(
        [0.4] * 5 + [0.8] * 5
    )


def test_probabilities_that_hold_have_little_calibration_error() -> None:
    generator = np.random.default_rng(5)
    scores = generator.random(20_000)
    labels = generator.random(20_000) < scores
    assert calibration_error(scores, labels) < 0.02 < 0.2 < calibration_error(scores**3, labels)
    assert brier(scores, labels) == pytest.approx(1 / 6, abs=0.01)


def test_a_calibration_error_that_chance_alone_makes_is_told() -> None:
    generator = np.random.default_rng(6)
    few, many = generator.random(100), generator.random(10_000)
    expected, (low, high) = calibration_error_by_chance(few)
    assert 0.05 < low < expected < high and expected > 5 * calibration_error_by_chance(many)[0]
    within = sum(low <= calibration_error(few, generator.random(100) < few) <= high for _ in range(200))
    assert within >= 180
    assert calibration_error(few**4, generator.random(100) < few) > high


def test_nothing_to_measure_is_an_error() -> None:
    with pytest.raises(ValueError):
        auroc([], [])
    with pytest.raises(ValueError):
        brier([0.5], [1, 0])
