"""Intervals and tests for evaluation scores. Everything random is seeded: the same scores give the same figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Interval = tuple[float, float]

_BLOCK_CELLS = 4_000_000
"""Random numbers drawn at once: 32 MB."""


def bootstrap_interval(
    numerators: ArrayLike,
    denominators: ArrayLike | None = None,
    *,
    level: float = 0.95,
    resamples: int = 5_000,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval (Efron, 1979), over items, of `sum(numerators) / sum(denominators)`.

    Without denominators that is the mean; with them it is a ratio such as precision, whose denominator (how many were
    refused) varies with the sample too. Resamples whose denominator is 0 are left out; `nan` when there are no items.
    """
    tops = np.asarray(numerators, dtype=np.float64)
    bottoms = np.ones_like(tops) if denominators is None else np.asarray(denominators, dtype=np.float64)
    if tops.ndim != 1 or tops.shape != bottoms.shape:
        raise ValueError("numerators and denominators must be two sequences of one length")
    if not tops.size or not bottoms.any():
        return math.nan, math.nan
    sums = _resampled_sums(np.stack([tops, bottoms]), resamples, np.random.default_rng(seed))
    usable = sums[sums[:, 1] != 0]
    low, high = np.quantile(usable[:, 0] / usable[:, 1], [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def share_interval(
    numerators: ArrayLike, denominators: ArrayLike | None = None, *, level: float = 0.95, resamples: int = 5_000
) -> Interval:
    """`bootstrap_interval` of values of 0..1, or of a ratio of counts, that also holds when all of them are 0 or all 1.

    Resamples of values that are all alike say nothing of those not seen: then the bound is that of Clopper and Pearson
    (1934), 1 - (1 - level)^(1/2n) away from the end.
    """
    tops = np.asarray(numerators, dtype=np.float64)
    bottoms = np.ones_like(tops) if denominators is None else np.asarray(denominators, dtype=np.float64)
    number = float(bottoms.sum())
    if number and not tops.any():
        return 0.0, 1 - ((1 - level) / 2) ** (1 / number)
    if number and np.array_equal(tops, bottoms):
        return ((1 - level) / 2) ** (1 / number), 1.0
    return bootstrap_interval(tops, bottoms, level=level, resamples=resamples)


def _resampled_sums(rows: NDArray[np.float64], resamples: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Sums of every row over `resamples` draws of n items with replacement: (resamples, rows)."""
    items = rows.shape[1]
    sums = np.empty((resamples, len(rows)))
    block = max(1, _BLOCK_CELLS // items)
    for start in range(0, resamples, block):
        drawn = generator.integers(0, items, size=(min(block, resamples - start), items))
        for column, row in enumerate(rows):
            sums[start : start + block, column] = row[drawn].sum(axis=1)
    return sums


def cluster_weights(groups: Sequence[str], resamples: int, seed: int = 0) -> Iterator[NDArray[np.float64]]:
    """How often each item is drawn in each resample, when whole groups are drawn with replacement: float64 (items,).

    Items of one group (answers over one document) are not independent; intervals that draw them one by one are too
    narrow (Field and Welsh, 2007).
    """
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        drawn = generator.integers(0, len(names), size=len(names))
        yield np.bincount(drawn, minlength=len(names))[members].astype(np.float64)


def statistic_interval(
    statistic: Callable[[NDArray[np.float64]], float | None],
    value: float,
    groups: Sequence[str],
    *,
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Interval:
    """Cluster bootstrap interval of any `statistic` of item weights, whose value on the sample is `value`.

    The resampled values are shifted by their mean's distance from `value` before the percentiles are taken, which
    leaves a mean alone and takes out most of the bias that resampling adds to a calibration error. Resamples on which
    the statistic is not defined (`None`) are left out; the interval keeps within 0..1.
    """
    found = [one for weights in cluster_weights(groups, resamples, seed) if (one := statistic(weights)) is not None]
    if not found:
        return math.nan, math.nan
    values = np.array(found)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2]) - (values.mean() - value)
    return float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))


def quantile_interval(values: ArrayLike, q: float, *, level: float = 0.95) -> Interval:
    """Distribution-free interval of a quantile (latency p95) between two order statistics.

    The number of values below the quantile is binomial(n, q) whatever the distribution (Conover, 1999, section 3.2); on
    few values the bounds are the smallest and the largest, whose coverage is less than asked for.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    count = len(ordered)
    if not count:
        return math.nan, math.nan
    cumulative = np.cumsum(_binomial_probabilities(count, q))
    tail = (1 - level) / 2
    low = int(np.searchsorted(cumulative, tail))
    high = int(np.searchsorted(cumulative, 1 - tail))
    return float(ordered[min(max(low - 1, 0), count - 1)]), float(ordered[min(high, count - 1)])


def _binomial_probabilities(count: int, p: float) -> NDArray[np.float64]:
    if p in (0.0, 1.0):
        return np.asarray(np.eye(1, count + 1, int(p) * count)[0], dtype=np.float64)
    factorials = np.array([math.lgamma(k + 1) for k in range(count + 1)])
    hits = np.arange(count + 1)
    logs = factorials[-1] - factorials - factorials[::-1] + hits * math.log(p) + (count - hits) * math.log1p(-p)
    return np.asarray(np.exp(logs), dtype=np.float64)


def paired_randomization_test(a: ArrayLike, b: ArrayLike, *, permutations: int = 10_000, seed: int = 0) -> float:
    """Two-sided p of "a and b score alike" by flipping the signs of paired differences (Fisher; Smucker et al., 2007).

    The observed labelling counts as one of the permutations (Phipson and Smyth, 2010), so p is never 0.
    """
    differences = _paired(a, b)
    differences = differences[differences != 0]
    if not differences.size:
        return 1.0
    generator = np.random.default_rng(seed)
    observed = abs(float(differences.sum()))
    slack = 1e-9 * float(np.abs(differences).sum())  # sums of the same numbers in another order must count as equal
    extreme = 0
    block = max(1, _BLOCK_CELLS // len(differences))
    for start in range(0, permutations, block):
        signs = generator.integers(0, 2, size=(min(block, permutations - start), len(differences)), dtype=np.int8)
        sums = np.abs(differences.sum() - 2.0 * (signs @ differences))
        extreme += int(np.count_nonzero(sums >= observed - slack))
    return (extreme + 1) / (permutations + 1)


def sums_of_groups(values: ArrayLike, groups: Sequence[str]) -> NDArray[np.float64]:
    """Sum of the values of each group, so that a test can flip or draw groups as wholes."""
    _, members = np.unique(np.asarray(groups), return_inverse=True)
    return np.asarray(np.bincount(members, np.asarray(values, dtype=np.float64)), dtype=np.float64)


def paired_statistic_test(
    difference: Callable[[NDArray[np.float64]], float | None],
    observed: float,
    groups: Sequence[str],
    *,
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> tuple[Interval, float]:
    """Interval of a `difference` between two runs, and two-sided p of its being 0, by the cluster bootstrap.

    For statistics that are no mean over items, such as AUROC (Hanley and McNeil, 1983, ask for pairing; DeLong et al.,
    1988, would take items of one document for independent). `difference` gets weights of items, the same for both runs.
    The resampled differences are centred on `observed`; p is the share of them at least as far from it as 0 is
    (Davison and Hinkley, 1997, section 4.4), the sample itself counted in.
    """
    found = [one for weights in cluster_weights(groups, resamples, seed) if (one := difference(weights)) is not None]
    if not found:
        return (math.nan, math.nan), 1.0
    around = np.array(found) - float(np.mean(found))
    low, high = observed + np.quantile(around, [(1 - level) / 2, (1 + level) / 2])
    extreme = int(np.count_nonzero(np.abs(around) >= abs(observed) - 1e-12))
    return (float(low), float(high)), (extreme + 1) / (len(found) + 1)


def paired_bootstrap_interval(
    a: ArrayLike, b: ArrayLike, *, level: float = 0.95, resamples: int = 5_000, seed: int = 0
) -> Interval:
    """Percentile bootstrap interval of the mean of `b - a`, over items."""
    return bootstrap_interval(_paired(a, b), level=level, resamples=resamples, seed=seed)


def _paired(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError("paired scores must be two sequences of one length")
    return second - first


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted for testing them together (Holm, 1979), in the order given: family-wise error is controlled."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted
