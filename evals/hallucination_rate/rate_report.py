"""The hallucination rate of a window as one can act on it: corrected, with its interval, against an objective."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from evals.hallucination_rate.corrected_rate import CorrectedRate, ErrorCounts, Interval, Method, corrected_rate
from evals.hallucination_rate.verdict_counts import CheckerKey, Tally

Standing = Literal["within", "above", "cannot_tell"]

CountsOf = Callable[[CheckerKey], ErrorCounts | None]
"""How a checker did on answers whose truth is known; None: it was never counted."""


@dataclasses.dataclass(frozen=True, slots=True)
class CheckerRate:
    checker: CheckerKey
    counts: ErrorCounts | None
    rate: CorrectedRate


@dataclasses.dataclass(frozen=True, slots=True)
class GroupRate:
    """`rate` is None where it is unknown; `interval` holds it with 95% confidence. `standing` is that to the objective.

    `tally` has the counts that it comes from.
    """

    rate: float | None
    interval: Interval
    method: Method
    answers: int
    audited: int
    standing: Standing
    checkers: Sequence[CheckerRate]
    tally: Tally


def group_rates(tallies: Mapping[str, Tally], counts_of: CountsOf, objective: float) -> dict[str, GroupRate]:
    """The rate of each group. `objective` is the share of answers with unsupported content that is not to be passed."""
    return {group: _group_rate(tally, counts_of, objective) for group, tally in tallies.items()}


def _group_rate(tally: Tally, counts_of: CountsOf, objective: float) -> GroupRate:
    checkers = [
        CheckerRate(key, counts := counts_of(key), corrected_rate(one.flagged, one.answers, counts, one.audited))
        for key, one in sorted(tally.checkers.items())
    ]
    rate, interval = combined([(one.rate.answers, one.rate.rate, one.rate.interval) for one in checkers])
    return GroupRate(
        rate=rate,
        interval=interval,
        method=_method([one.rate.method for one in checkers]),
        answers=sum(one.rate.answers for one in checkers),
        audited=sum(one.rate.audited for one in checkers),
        standing=standing(interval, objective),
        checkers=checkers,
        tally=tally,
    )


def combined(parts: Sequence[tuple[int, float | None, Interval]]) -> tuple[float | None, Interval]:
    """The rate over parts (answers, rate, interval) that checkers of different versions judged, by their answers.

    Bounds are averaged as rates are: exact when the errors of all parts go the same way, as they do where versions
    share their error counts, and too wide otherwise. A part whose rate is unknown can have any.
    """
    total = sum(answers for answers, _, _ in parts)
    if not total:
        return None, (0.0, 1.0)
    low = sum(answers * interval[0] for answers, _, interval in parts) / total
    high = sum(answers * interval[1] for answers, _, interval in parts) / total
    known = [answers * rate for answers, rate, _ in parts if rate is not None]
    unknown = any(rate is None and answers for answers, rate, _ in parts)
    return (None if unknown else sum(known) / total), (low, high)


def standing(interval: Interval, objective: float) -> Standing:
    """`above` or `within` only where the whole interval is."""
    low, high = interval
    if low > objective:
        return "above"
    return "within" if high <= objective else "cannot_tell"


def _method(methods: Sequence[Method]) -> Method:
    used = {part for method in methods for part in method.split("+")} - {"none"}
    if not used:
        return "none"
    return "counts+audit" if len(used) == 2 else "audit" if used == {"audit"} else "counts"
