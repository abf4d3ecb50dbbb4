"""Two runs over the same items, item by item: what changed, how sure that is, and whether quality fell."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from evals.run_record import RunRecord
from evals.statistics import holm, paired_bootstrap_interval, paired_randomization_test
from runtime.errors import InvalidInput

_NEITHER_BETTER_NOR_WORSE = {"refused", "answerable"}
_ERRORS = {"false_refusal", "false_answer"}
_SPEED_AND_COST = ("ms", "latency_ms", "cost_usd")

Values = Mapping[str, float]
"""One value an item, by item id."""


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Mean paired difference `b - a` of one per-item value over `items` items, with its 95% bootstrap interval.

    `p` is that of the two-sided paired randomisation test, `p_holm` the same after Holm's correction over all
    differences reported together. `higher_is_better` is false for latency, cost and error values.
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


def compare_runs(a: RunRecord, b: RunRecord) -> list[Difference]:
    """Differences of every per-item value that both runs have. Raises `InvalidInput` for runs over different data."""
    return _compare(a, b, keep=lambda _metric: True)


def regressions(baseline: RunRecord, candidate: RunRecord, alpha: float = 0.05) -> list[Difference]:
    """Quality values (not latency, cost) in which the candidate is significantly worse; `plumb eval gate` fails on any.

    A loss counts when its Holm-corrected p over all quality values is below `alpha`.
    """
    quality = _compare(baseline, candidate, keep=lambda metric: metric.rsplit("/", 1)[-1] not in _SPEED_AND_COST)
    return [difference for difference in quality if difference.b_is_worse and difference.p_holm < alpha]


def paired_differences(pairs: Mapping[str, tuple[Values, Values]]) -> list[Difference]:
    """One difference for each named pair of values, over the items that both have, corrected together."""
    uncorrected = [_difference(metric, a, b) for metric, (a, b) in pairs.items() if a.keys() & b.keys()]
    corrected = holm([difference.p for difference in uncorrected])
    return [dataclasses.replace(d, p_holm=p) for d, p in zip(uncorrected, corrected, strict=True)]


def item_values(records: Sequence[Mapping[str, Any]], metric: str) -> dict[str, float]:
    """The values of one metric by item id; items to which it does not apply are absent."""
    return {
        record["id"]: float(record[metric]) for record in records if isinstance(record.get(metric), bool | int | float)
    }


def _compare(a: RunRecord, b: RunRecord, keep: Callable[[str], bool]) -> list[Difference]:
    if a.data_hash != b.data_hash:
        raise InvalidInput("The two runs measured different data, so their items cannot be paired; repeat one of them.")
    pairs = {
        metric: (item_values(a.records, metric), item_values(b.records, metric))
        for metric in _metrics(a.records)
        if keep(metric)
    }
    differences = paired_differences(pairs)
    if not differences:
        raise InvalidInput("The two runs have no per-item value in common; are they of the same kind of evaluation?")
    return differences


def _metrics(records: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(
        name for record in records for name, value in record.items() if isinstance(value, bool | int | float)
    )
    return [name for name in names if name not in _NEITHER_BETTER_NOR_WORSE and name != "id"]


def _difference(metric: str, a: Values, b: Values) -> Difference:
    items = sorted(a.keys() & b.keys())
    first, second = np.array([a[item] for item in items]), np.array([b[item] for item in items])
    low, high = paired_bootstrap_interval(first, second)
    p = paired_randomization_test(first, second)
    name = metric.rsplit("/", 1)[-1]
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
        higher_is_better=name not in _ERRORS and name not in _SPEED_AND_COST,
    )
