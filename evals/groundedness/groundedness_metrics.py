"""How well a checker's scores and verdicts agree with people's: the positive class of a score is "supported".

Each function takes a weight an item (how often it was drawn), so that one pass serves the sample and its resamples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

BINS = 10


def auroc(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Area under the ROC curve: the probability that a supported answer scores above an unsupported one, ties 1/2.

    By ranks, as the Mann-Whitney statistic (Hanley and McNeil, 1982); `None` when a class is absent.
    """
    score, label, weight = _arrays(scores, labels, weights)
    order = np.argsort(score, kind="stable")
    score, label, weight = score[order], label[order], weight[order]
    positive, negative = weight * label, weight * (1 - label)
    if not positive.sum() or not negative.sum():
        return None
    starts = _first_of_ties(score)
    ties_positive, ties_negative = np.add.reduceat(positive, starts), np.add.reduceat(negative, starts)
    below = np.cumsum(ties_negative) - ties_negative
    return float((ties_positive * (below + ties_negative / 2)).sum() / (positive.sum() * negative.sum()))


def balanced_accuracy(verdicts: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Mean of the shares of supported answers passed and of unsupported answers flagged; `None` when one is absent."""
    verdict, label, weight = _arrays(verdicts, labels, weights)
    supported, unsupported = (weight * label).sum(), (weight * (1 - label)).sum()
    if not supported or not unsupported:
        return None
    passed = (weight * label * verdict).sum() / supported
    flagged = (weight * (1 - label) * (1 - verdict)).sum() / unsupported
    return float((passed + flagged) / 2)


def f1_unsupported(verdicts: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """F1 of "unsupported": `2 tp / (2 tp + fp + fn)`; `None` when nothing is unsupported and nothing was flagged."""
    verdict, label, weight = _arrays(verdicts, labels, weights)
    flagged, unsupported = 1 - verdict, 1 - label
    both = 2 * (weight * flagged * unsupported).sum()
    either = (weight * (flagged + unsupported)).sum()
    return float(both / either) if either else None


def brier(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean squared difference of score and label (Brier, 1950); 0 is best."""
    score, label, weight = _arrays(scores, labels, weights)
    return float(np.average((score - label) ** 2, weights=weight))


def calibration_error(
    scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, bins: int = BINS
) -> float:
    """Expected calibration error: `sum over bins of share * |mean score - share supported|` (Naeini et al., 2015).

    Bins of equal mass in the order of the scores (Nixon et al., 2019), exactly equal: where a bin ends within an item,
    or among items of one score, its two sides are shared out in proportion, so that no order matters.
    """
    mass, mean_score, mean_label = reliability(scores, labels, weights, bins)
    return float((mass * np.abs(mean_score - mean_label)).sum())


def calibration_error_by_chance(
    scores: ArrayLike, *, bins: int = BINS, draws: int = 300, seed: int = 0
) -> tuple[float, tuple[float, float]]:
    """Mean and 95% range of the calibration error of scores that are exactly the probabilities.

    By drawing labels from them (Bröcker and Smith, 2007). It is not 0, and on few items it is large: a measured error
    within the range shows no miscalibration.
    """
    score = np.sort(np.asarray(scores, dtype=np.float64))
    generator = np.random.default_rng(seed)
    found = [calibration_error(score, generator.random(len(score)) < score, bins=bins) for _ in range(draws)]
    low, high = np.quantile(found, [0.025, 0.975])
    return float(np.mean(found)), (float(low), float(high))


def reliability(
    scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, bins: int = BINS
) -> tuple[Floats, Floats, Floats]:
    """Share of the items, mean score and share supported of each bin: three float64 (bins,)."""
    score, label, weight = _arrays(scores, labels, weights)
    order = np.argsort(score, kind="stable")
    score, label, weight = score[order], label[order], weight[order]
    starts = _first_of_ties(score)
    reached = np.concatenate([[0.0], np.cumsum(np.add.reduceat(weight, starts))])
    ends = np.linspace(0, reached[-1], bins + 1)
    width = reached[-1] / bins
    means = []
    for values in (score, label):
        sums = np.concatenate([[0.0], np.cumsum(np.add.reduceat(weight * values, starts))])
        means.append(np.diff(np.interp(ends, reached, sums)) / width)
    return np.full(bins, 1 / bins), means[0], means[1]


def roc_curve(scores: ArrayLike, labels: ArrayLike) -> tuple[Floats, Floats]:
    """False and true positive rates of "supported" as the threshold falls, from (0, 0) to (1, 1)."""
    score, label, weight = _arrays(scores, labels, None)
    order = np.argsort(-score, kind="stable")
    score, label, weight = score[order], label[order], weight[order]
    starts = _first_of_ties(score)
    positive = np.cumsum(np.add.reduceat(weight * label, starts))
    negative = np.cumsum(np.add.reduceat(weight * (1 - label), starts))
    return (
        np.concatenate([[0.0], negative / max(negative[-1], 1.0)]),
        np.concatenate([[0.0], positive / max(positive[-1], 1.0)]),
    )


def _first_of_ties(ordered: Floats) -> NDArray[np.int64]:
    return np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))


def _arrays(values: ArrayLike, labels: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    value, label = np.asarray(values, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    weight = np.ones_like(value) if weights is None else np.asarray(weights, dtype=np.float64)
    if value.ndim != 1 or not value.shape == label.shape == weight.shape or not value.size:
        raise ValueError("scores, labels and weights must be sequences of one length, not empty")
    return value, label, weight
