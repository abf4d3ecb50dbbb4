"""How often checkers err on answers whose truth is known: the shipped table, per kind of text.

`error_counts.json` is written by scripts/count_checker_errors.py. It has, for a checker's name and version and a kind
of text, how many answers with unsupported content were flagged and how many sound ones. A recalibrated checker has
another version, and so no counts: none is better than those of another one.

Answers of one question or document resemble each other, and say less than as many unrelated ones; the counts are
therefore effective ones, on which the binomial variance is that of a sample of whole groups (Kish, Survey Sampling,
1965: design effect). What holds on one kind of text need not hold on another. For text of a kind that is not in the
table, `ANY_KIND` gives the shares that a further kind may be expected to have, on an effective number of answers that
carries the variance between kinds (DerSimonian and Laird, Controlled Clinical Trials 7, 1986), which is often small.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.hallucination_rate.corrected_rate import ErrorCounts

TABLE = Path(__file__).with_name("error_counts.json")

ANSWERS = "answers"
"""Answers of a few sentences that models wrote over retrieved documents: what the platform itself gives."""
ANY_KIND = "any"

_LEAST_KINDS = 2


class ErrorTable:
    """The counts of the checkers in one file."""

    def __init__(self, counts: Mapping[tuple[str, str], Mapping[str, ErrorCounts]]) -> None:
        self._counts = counts

    @classmethod
    def load(cls, path: Path = TABLE) -> ErrorTable:
        """Raises `OSError`, or `ValueError` where the file is no such table."""
        counts = {}
        for checker in json.loads(path.read_text(encoding="utf-8"))["checkers"]:
            of_kind = {kind: _counts(entry) for kind, entry in checker["kinds"].items()}
            counts[checker["name"], checker["version"]] = of_kind
        return cls(counts)

    def of(self, name: str, version: str, kind: str = ANSWERS) -> ErrorCounts | None:
        """The counts of this checker on this kind of text.

        On a kind that is not in the table, those to expect of a further kind; `None` for a checker that was never
        counted, or on fewer than two kinds then.
        """
        kinds = self._counts.get((name, version), {})
        return kinds.get(kind) or expected_of_another_kind(list(kinds.values()))

    def kinds(self, name: str, version: str) -> Sequence[str]:
        return sorted(self._counts.get((name, version), {}))


@functools.cache
def shipped_table() -> ErrorTable:
    return ErrorTable.load()


def expected_of_another_kind(kinds: Sequence[ErrorCounts]) -> ErrorCounts | None:
    """What to expect of a kind that was not counted, from at least two that were."""
    if len(kinds) < _LEAST_KINDS:
        return None
    flagged, unsupported = _predicted([(one.unsupported_flagged, one.unsupported_total) for one in kinds])
    alarms, sound = _predicted([(one.supported_flagged, one.supported_total) for one in kinds])
    return ErrorCounts(flagged, unsupported, alarms, sound, f"expected from {len(kinds)} other kinds of text")


def _predicted(counts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Successes of an effective total: mean and predictive variance of a further share, by DerSimonian and Laird."""
    shares = [(successes + 1) / (total + 2) for successes, total in counts]
    variances = [share * (1 - share) / (total + 3) for share, (_, total) in zip(shares, counts, strict=True)]
    weights = [1 / variance for variance in variances]
    fixed = sum(w * share for w, share in zip(weights, shares, strict=True)) / sum(weights)
    heterogeneity = sum(w * (share - fixed) ** 2 for w, share in zip(weights, shares, strict=True))
    scale = sum(weights) - sum(w**2 for w in weights) / sum(weights)
    between = max(0.0, (heterogeneity - (len(counts) - 1)) / scale)
    weights = [1 / (between + variance) for variance in variances]
    mean = sum(w * share for w, share in zip(weights, shares, strict=True)) / sum(weights)
    total = mean * (1 - mean) / (between + 1 / sum(weights))
    return mean * total, total


def effective(flags: Sequence[bool], groups: Sequence[str]) -> tuple[float, float]:
    """How many of how many answers were flagged, as effective numbers: those of a sample of whole groups.

    Never more than the answers that there are.
    """
    answers = len(flags)
    share = sum(flags) / answers if answers else 0.0
    if share in (0.0, 1.0):
        return sum(flags), answers
    residuals: dict[str, float] = {}
    for flag, group in zip(flags, groups, strict=True):
        residuals[group] = residuals.get(group, 0.0) + flag - share
    clusters = len(residuals)
    if clusters < _LEAST_KINDS:
        return share, 1.0
    variance = sum(value**2 for value in residuals.values()) / answers**2 * clusters / (clusters - 1)
    total = min(float(answers), share * (1 - share) / variance) if variance else float(answers)
    return share * total, total


def _counts(entry: Mapping[str, Any]) -> ErrorCounts:
    """Of one kind in the file: `unsupported` and `supported`, each {"flagged", "answers", "effective"}."""
    shares = {}
    for side in ("unsupported", "supported"):
        numbers = entry[side]
        if not 0 <= numbers["flagged"] <= numbers["answers"] or not math.isfinite(numbers["effective"]):
            raise ValueError(f"{side}: not counts of answers")
        share = numbers["flagged"] / numbers["answers"] if numbers["answers"] else 0.0
        shares[side] = (share * numbers["effective"], numbers["effective"])
    return ErrorCounts(*shares["unsupported"], *shares["supported"], source=entry["source"])
