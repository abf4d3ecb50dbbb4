"""Two runs of checkers over the same answers, compared by statistics that are no mean over the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evals.groundedness.groundedness_metrics import auroc, balanced_accuracy, calibration_error, f1_unsupported
from evals.statistics import paired_statistic_test

Statistic: TypeAlias = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None], float | None]

CHECKER_STATISTICS = ("auroc", "balanced_accuracy", "f1_unsupported", "ece")
_OF_SCORES: Mapping[str, Statistic] = {"auroc": auroc, "ece": calibration_error}
_OF_VERDICTS: Mapping[str, Statistic] = {"balanced_accuracy": balanced_accuracy, "f1_unsupported": f1_unsupported}

Pair: TypeAlias = tuple[int, float, float, float, float, float, float, float]
"""Answers, a, b, b - a, the interval's ends, p, and p again (not corrected)."""


def paired_statistics(
    metric: str, a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]], credit: float = 0.0
) -> Pair | None:
    """One of `CHECKER_STATISTICS` over the answers that both runs judged, `credit` added to that of b.

    `None` for runs of another kind, or where the statistic is not defined.
    """
    field, statistic = ("score", _OF_SCORES[metric]) if metric in _OF_SCORES else ("supported", _OF_VERDICTS[metric])
    known = {record["id"]: record for record in b if "label" in record and field in record}
    pairs = [(one, known[one["id"]]) for one in a if "label" in one and field in one and one["id"] in known]
    if not pairs:
        return None
    first, second = (np.array([float(pair[place][field]) for pair in pairs]) for place in (0, 1))
    labels = np.array([float(one["label"]) for one, _ in pairs])
    value_a, value_b = statistic(first, labels, None), statistic(second, labels, None)
    if value_a is None or value_b is None:
        return None

    def difference(weights: NDArray[np.float64]) -> float | None:
        one, other = statistic(first, labels, weights), statistic(second, labels, weights)
        return None if one is None or other is None else other + credit - one

    value_b += credit
    groups = [str(one.get("group", one["id"])) for one, _ in pairs]
    (low, high), p = paired_statistic_test(difference, value_b - value_a, groups)
    return len(pairs), value_a, value_b, value_b - value_a, low, high, p, p
