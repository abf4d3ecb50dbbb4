"""Two runs over the same items, item by item: what changed, how sure that is, and whether quality fell."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from evals.run_record import RunRecord


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


def compare_runs(a: RunRecord, b: RunRecord) -> list[Difference]:
    """Differences of every per-item value that both runs have. Raises `InvalidInput` for runs over different data."""
    raise NotImplementedError


def regressions(baseline: RunRecord, candidate: RunRecord, alpha: float = 0.05) -> Sequence[Difference]:
    """Quality values (not latency or cost) in which the candidate is significantly worse: what `plumb eval gate` fails on."""
    raise NotImplementedError
