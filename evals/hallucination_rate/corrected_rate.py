"""The hallucination rate: the share of answers with unsupported content, corrected for the errors of the checker."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

Interval = tuple[float, float]

Method = Literal["counts", "audit", "counts+audit", "none"]
"""What the rate rests on: the checker's error counts, verdicts of people, both, or nothing (then it is unknown)."""


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorCounts:
    """How a checker did on answers whose truth is known. Counts may be fractions (an effective number of answers).

    `unsupported_flagged` of `unsupported_total` answers with unsupported content were flagged (sensitivity), and
    `supported_flagged` of `supported_total` sound answers were flagged too (1 - specificity). `source` says on what.
    Raises `ValueError` unless 0 <= flagged <= total.
    """

    unsupported_flagged: float
    unsupported_total: float
    supported_flagged: float
    supported_total: float
    source: str

    def __post_init__(self) -> None:
        if not 0 <= self.unsupported_flagged <= self.unsupported_total:
            raise ValueError("unsupported_flagged must be between 0 and unsupported_total")
        if not 0 <= self.supported_flagged <= self.supported_total:
            raise ValueError("supported_flagged must be between 0 and supported_total")

    @property
    def sensitivity(self) -> float:
        """Share of answers with unsupported content that are flagged; 1/2 when none was counted."""
        return self.unsupported_flagged / self.unsupported_total if self.unsupported_total else 0.5

    @property
    def specificity(self) -> float:
        """Share of sound answers that are not flagged; 1/2 when none was counted."""
        return 1 - self.supported_flagged / self.supported_total if self.supported_total else 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class AuditedAnswer:
    """A person's verdict on an answer that was drawn for the audit with a known `probability` in (0, 1]."""

    flagged: bool
    unsupported: bool
    probability: float

    def __post_init__(self) -> None:
        if not 0 < self.probability <= 1:
            raise ValueError("the probability of being drawn must be above 0 and at most 1")


@dataclasses.dataclass(frozen=True, slots=True)
class CorrectedRate:
    """`rate` is `None` where nothing says what it is (no answers, or no counts and no audit); then see `interval`.

    `interval` holds the rate with 95% confidence; (0, 1) means that it is unknown. `raw_share` is the share of answers
    that the checker flagged, which is not the rate (`None` without answers). `audited` is the number of verdicts used.
    `counts_contradicted` says that the audit does not agree with the counts, which were then left out.
    """

    rate: float | None
    interval: Interval
    raw_share: float | None
    answers: int
    audited: int
    method: Method
    counts_contradicted: bool = False


def corrected_rate(
    flagged: int, answers: int, counts: ErrorCounts | None, audited: Sequence[AuditedAnswer] = ()
) -> CorrectedRate:
    """The rate in the process that gave these answers, `flagged` of which the checker flagged.

    `audited` are verdicts on some of these same answers. `counts` is `None` for a checker that was never counted.
    """
    if not 0 <= flagged <= answers:
        raise ValueError("flagged must be between 0 and answers")
    raise NotImplementedError(counts, audited)
