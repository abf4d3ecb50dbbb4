"""Runs over the same items: what changed, how sure that is, and whether quality fell."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from evals.groundedness.compare_groundedness import CHECKER_STATISTICS, paired_statistics
from evals.runs.metric_directions import is_quality, lower_is_better
from evals.runs.run_record import RunRecord
from evals.statistics import bootstrap_interval, holm, paired_randomization_test, sums_of_groups
from runtime.errors import InvalidInput

_NEITHER_BETTER_NOR_WORSE = {"id", "refused", "answerable", "score", "label"}

Values = Mapping[str, float]
"""One value an item, by item id."""


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Difference `b - a` over `items` items, with its 95% bootstrap interval.

    That of the means of one per-item value; `p` is then that of the two-sided paired randomisation test. Or that of a
    statistic over all items (AUROC, calibration error), with the p of the paired bootstrap. `p_holm` is p after Holm's
    correction over all differences reported together. `higher_is_better` is false for latency, cost and errors.
    """

    metric: str
    items: int
    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    higher_is_better: bool

    @property
    def b_is_worse(self) -> bool:
        return self.difference < 0 if self.higher_is_better else self.difference > 0

    @property
    def largest_loss(self) -> float:
        """How much worse b may be, at the far end of the interval; below 0 when it is better all over it."""
        return -self.low if self.higher_is_better else self.high


def compare_runs(a: RunRecord, b: RunRecord) -> list[Difference]:
    """Differences of all that both runs measured. Raises `InvalidInput` for runs over different data."""
    return compare_many(a, [b])[0]


def compare_many(a: RunRecord, others: Sequence[RunRecord]) -> list[list[Difference]]:
    """The differences of each other run to `a`, all corrected together. Raises `InvalidInput` as `compare_runs`."""
    uncorrected = [_differences(a, b, lambda _metric: True) for b in others]
    corrected = iter(_corrected([one for differences in uncorrected for one in differences]))
    return [[next(corrected) for _ in differences] for differences in uncorrected]


def regressions(
    baseline: RunRecord, candidate: RunRecord, *, alpha: float = 0.05, tolerance: float = 0.0, strict: bool = False
) -> list[Difference]:
    """Quality values (not latency, cost) in which the candidate is worse; `plumb eval gate` fails on any.

    A loss counts when it is significantly greater than `tolerance` (Holm-corrected p below `alpha`; p and p_holm are
    then those of a loss of `tolerance`). With `strict`, also when the interval does not rule out a loss greater than
    `tolerance`: the candidate must be shown not to be inferior.
    """
    measured = _differences(baseline, candidate, is_quality)
    against = _corrected(_differences(baseline, candidate, is_quality, tolerance) if tolerance else measured)
    lost = []
    for found, tested in zip(measured, against, strict=True):
        significant = tested.b_is_worse and tested.p_holm < alpha
        if significant or (strict and found.largest_loss > tolerance):
            lost.append(dataclasses.replace(found, p=tested.p, p_holm=tested.p_holm))
    return lost


def paired_differences(pairs: Mapping[str, tuple[Values, Values]]) -> list[Difference]:
    """One difference for each named pair of values, over the items that both have, corrected together."""
    return _corrected([_difference(metric, a, b, {}) for metric, (a, b) in pairs.items() if a.keys() & b.keys()])


def item_values(records: Sequence[Mapping[str, Any]], metric: str) -> dict[str, float]:
    """The values of one metric by item id; items to which it does not apply are absent."""
    return {
        record["id"]: float(record[metric]) for record in records if isinstance(record.get(metric), bool | int | float)
    }


def _differences(a: RunRecord, b: RunRecord, keep: Callable[[str], bool], tolerance: float = 0.0) -> list[Difference]:
    """Not corrected. With a `tolerance`, b is taken to be better by that much than it is."""
    if a.data_hash != b.data_hash:
        raise InvalidInput("The two runs measured different data, so their items cannot be paired; repeat one of them.")
    groups = {record["id"]: str(record["group"]) for record in a.records if "group" in record}
    found = []
    for metric in filter(keep, _metrics(a.records)):
        first, second = item_values(a.records, metric), item_values(b.records, metric)
        credit = -tolerance if lower_is_better(metric) else tolerance
        if first.keys() & second.keys():
            found.append(_difference(metric, first, {item: value + credit for item, value in second.items()}, groups))
    for metric in filter(keep, CHECKER_STATISTICS):
        credit = -tolerance if lower_is_better(metric) else tolerance
        if (pair := paired_statistics(metric, a.records, b.records, credit)) is not None:
            found.append(Difference(metric, *pair, higher_is_better=not lower_is_better(metric)))
    if not found:
        raise InvalidInput("The two runs have no per-item value in common; are they of the same kind of evaluation?")
    return found


def _metrics(records: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(
        name for record in records for name, value in record.items() if isinstance(value, bool | int | float)
    )
    judged = any("label" in record for record in records)  # then a verdict is right or wrong, not good or bad
    return [name for name in names if name not in _NEITHER_BETTER_NOR_WORSE and not (judged and name == "supported")]


def _difference(metric: str, a: Values, b: Values, groups: Mapping[str, str]) -> Difference:
    items = sorted(a.keys() & b.keys())
    first, second = np.array([a[item] for item in items]), np.array([b[item] for item in items])
    own_groups = [groups.get(item, item) for item in items]
    sums = sums_of_groups(second - first, own_groups)
    low, high = bootstrap_interval(sums, sums_of_groups(np.ones(len(items)), own_groups))
    p = paired_randomization_test(np.zeros(len(sums)), sums)
    return Difference(
        metric=metric,
        items=len(items),
        a=float(first.mean()),
        b=float(second.mean()),
        difference=float((second - first).mean()),
        low=low,
        high=high,
        p=p,
        p_holm=p,
        higher_is_better=not lower_is_better(metric),
    )


def _corrected(differences: Sequence[Difference]) -> list[Difference]:
    corrected = holm([difference.p for difference in differences])
    return [dataclasses.replace(d, p_holm=p) for d, p in zip(differences, corrected, strict=True)]
