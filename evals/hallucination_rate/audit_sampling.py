"""How many answers to draw for the audit, flagged and unflagged, and how many verdicts a wanted certainty takes.

Within each side the draw is a simple random sample (`audit_queue`); how the budget is divided among the sides is
Neyman's allocation (Journal of the Royal Statistical Society 97, 1934): in proportion to a side's answers times the
standard deviation of "unsupported" in it. Those deviations are not known beforehand, and the side of unflagged answers,
where misses hide, is the one that is easily taken for perfect; so each side gets at least a quarter of the budget.
"""

from __future__ import annotations

import dataclasses
import math

from evals.hallucination_rate.corrected_rate import ErrorCounts, SideVerdicts, rate_from_sides

LEAST_SHARE = 0.25
"""Of the budget, for either side."""

_TYPICAL_FLAGGED, _TYPICAL_UNFLAGGED = 0.5, 0.02
"""Shares of unsupported answers among flagged and unflagged ones, where nothing is known of them."""
_MOST_PLANNED = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class StratumSize:
    """The answers of one side (flagged or not), of which `drawn` were drawn before."""

    answers: int
    drawn: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Expected:
    """The shares of unsupported answers among the flagged and among the unflagged ones, as far as one knows."""

    of_flagged: float = _TYPICAL_FLAGGED
    of_unflagged: float = _TYPICAL_UNFLAGGED

    @classmethod
    def at(cls, rate: float, counts: ErrorCounts) -> Expected:
        """By Bayes' rule, what the counts mean at a rate."""
        hits, false_alarms = rate * counts.sensitivity, (1 - rate) * (1 - counts.specificity)
        misses, cleared = rate * (1 - counts.sensitivity), (1 - rate) * counts.specificity
        flagged, unflagged = hits + false_alarms, misses + cleared
        return cls(
            hits / flagged if flagged else _TYPICAL_FLAGGED, misses / unflagged if unflagged else _TYPICAL_UNFLAGGED
        )


def allocation(
    flagged: StratumSize, unflagged: StratumSize, budget: int, expected: Expected | None = None
) -> tuple[int, int]:
    """How many more flagged and unflagged answers to draw: `budget` together, or as many as are left.

    What was drawn before counts, so that draws one after another end where a single one would.
    """
    left = flagged.answers - flagged.drawn, unflagged.answers - unflagged.drawn
    budget = max(0, min(budget, sum(left)))
    total = flagged.drawn + unflagged.drawn + budget
    wanted = round(total * _share_of_flagged(flagged.answers, unflagged.answers, expected or Expected()))
    more = min(max(wanted - flagged.drawn, budget - left[1], 0), left[0], budget)
    return more, budget - more


def verdicts_needed(width: float, flagged_share: float, expected: Expected | None = None) -> int:
    """How many verdicts make the interval at most `width` wide (0.02: two points), by the audit alone.

    At the flagged share and the shares of unsupported answers given, with answers without end. Raises `ValueError`
    for a width that is not above 0, or that a million verdicts do not reach.
    """
    if not 0 < width <= 1:
        raise ValueError("the width must be above 0 and at most 1")
    if not 0 <= flagged_share <= 1:
        raise ValueError("the flagged share must be between 0 and 1")
    expected = expected or Expected()
    if _width(_MOST_PLANNED, flagged_share, expected) > width:
        raise ValueError(f"an interval {width:g} wide takes more than {_MOST_PLANNED:,} verdicts")
    few, enough = 0, _MOST_PLANNED
    while enough - few > 1:
        middle = (few + enough) // 2
        if _width(middle, flagged_share, expected) <= width:
            enough = middle
        else:
            few = middle
    return enough


def _share_of_flagged(flagged: int, unflagged: int, expected: Expected) -> float:
    deviations = (
        flagged * math.sqrt(expected.of_flagged * (1 - expected.of_flagged)),
        unflagged * math.sqrt(expected.of_unflagged * (1 - expected.of_unflagged)),
    )
    if not flagged or not unflagged:
        return 1.0 if flagged else 0.0
    share = deviations[0] / sum(deviations) if any(deviations) else 0.5
    return min(max(share, LEAST_SHARE), 1 - LEAST_SHARE)


def _width(verdicts: int, flagged_share: float, expected: Expected) -> float:
    """The width of the interval when the verdicts come out as expected."""
    answers = 100 * _MOST_PLANNED
    flagged = round(flagged_share * answers)
    of_flagged = round(verdicts * _share_of_flagged(flagged, answers - flagged, expected))
    of_unflagged = verdicts - of_flagged
    low, high = rate_from_sides(
        flagged,
        answers,
        None,
        SideVerdicts(of_flagged * expected.of_flagged, of_flagged, of_flagged),
        SideVerdicts(of_unflagged * expected.of_unflagged, of_unflagged, of_unflagged),
    ).interval
    return high - low
