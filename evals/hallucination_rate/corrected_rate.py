"""The hallucination rate: the share of answers with unsupported content, corrected for the errors of the checker.

What flags, error counts and verdicts of people say of the rate is solved together (`rate_equations`). Without verdicts
that is the estimator of Rogan and Gladen (1978) with Fieller's interval, which carries the uncertainty of sensitivity
and specificity. From verdicts alone it is post-stratification, which for a binary flag is prediction-powered inference
with power tuning (Angelopoulos, Duchi and Zrnic, "PPI++", arXiv:2311.01453, 2023): right whatever the checker does.

**Do the counts hold for this text?** Nobody knows; they are a prior, and verdicts override it in two ways. They fade:
after m verdicts, counts of n answers weigh as 1 / (1/n + m/5000) answers, so that 100 verdicts weigh at least as much
as any counts, and 1,000 leave these the weight of 5. And they are tested: where Hansen's J has p < 0.1, the counts
contradict the audit and are left out. Between "too wrong to use" and "not yet seen to be wrong" nothing can be both
narrow and safe: wrong counts cost coverage until some hundred verdicts have come in.

Without verdicts the flags themselves can contradict the counts: fewer answers are flagged than the false alarms among
sound ones (1 - specificity), or more than unsupported ones would bring (sensitivity). Then the half of the counts that
can still hold gives a bound.

`bench.hallucination_rate` simulates coverage. Constants below were chosen by it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

from evals.hallucination_rate.rate_equations import Equation, Proportion, RateEquations

Interval = tuple[float, float]

Method = Literal["counts", "audit", "counts+audit", "none"]
"""What the rate rests on: the checker's error counts, verdicts of people, both, or nothing (then it is unknown)."""

_CRITICAL = 4.2179
"""Chi-square at 96%: few answers cover a little less than is claimed."""
_CONTRADICTION = {0: 2.7055, 1: 2.7055, 2: 4.6052}
"""Chi-square at 90% by degrees of freedom. Flags contradict counts on one side only: 95%."""
_FADE = 5_000.0
_ADDED_TO_COUNTED, _ADDED_TO_AUDITED = 4.0, 2.0
_CERTAIN = Proportion(1e12, 1e12, 0.0)


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
    `counts_contradicted` says that the counts do not agree with the audit, or with the flags, and were left out.
    """

    rate: float | None
    interval: Interval
    raw_share: float | None
    answers: int
    audited: int
    method: Method
    counts_contradicted: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class SideVerdicts:
    """Verdicts on answers of one side (flagged or not): `unsupported` of `effective` verdicts, which may be fractions.

    `verdicts` is how many there are.
    """

    unsupported: float = 0.0
    effective: float = 0.0
    verdicts: int = 0

    @classmethod
    def of(cls, audited: Sequence[AuditedAnswer], *, flagged: bool) -> SideVerdicts:
        """The share weighted by inverse probabilities (Hájek), on Kish's effective number of verdicts."""
        side = [answer for answer in audited if answer.flagged == flagged]
        weights = [1 / answer.probability for answer in side]
        total = sum(weights)
        if not total:
            return cls()
        effective = total**2 / sum(weight**2 for weight in weights)
        found = sum(weight for weight, answer in zip(weights, side, strict=True) if answer.unsupported)
        return cls(min(1.0, found / total) * effective, effective, len(side))

    @property
    def proportion(self) -> Proportion:
        return Proportion(self.unsupported, self.effective, _ADDED_TO_AUDITED)


def corrected_rate(
    flagged: int, answers: int, counts: ErrorCounts | None, audited: Sequence[AuditedAnswer] = ()
) -> CorrectedRate:
    """The rate in the process that gave these answers, `flagged` of which the checker flagged.

    `audited` are verdicts on some of these same answers, weighted on either side by the inverse of their probability.
    `counts` is `None` for a checker that was never counted; counts that do no better than chance (sensitivity +
    specificity <= 1) say nothing and count as `None`. Deterministic; takes about 2 ms.
    """
    sides = SideVerdicts.of(audited, flagged=True), SideVerdicts.of(audited, flagged=False)
    return rate_from_sides(flagged, answers, counts, *sides)


def rate_from_sides(
    flagged: int, answers: int, counts: ErrorCounts | None, of_flagged: SideVerdicts, of_unflagged: SideVerdicts
) -> CorrectedRate:
    """`corrected_rate` from the sums of an audit."""
    if not 0 <= flagged <= answers:
        raise ValueError("flagged must be between 0 and answers")
    if not answers:
        return CorrectedRate(None, (0.0, 1.0), None, 0, 0, "none")
    if counts is not None and counts.sensitivity + counts.specificity <= 1:
        counts = None
    audited = of_flagged.verdicts + of_unflagged.verdicts
    share = flagged / answers
    if counts is not None and not audited:
        return _from_counts(flagged, answers, counts)
    equations = RateEquations(
        flags=Proportion(flagged, answers, _ADDED_TO_COUNTED),
        sensitivity=_CERTAIN,
        specificity=_CERTAIN,
        of_flagged=of_flagged.proportion,
        of_unflagged=of_unflagged.proportion,
        equations=(Equation.AUDIT,),
    )
    both_sides = (of_flagged.verdicts > 0 or not flagged) and (of_unflagged.verdicts > 0 or flagged == answers)
    contradicted = False
    if counts is not None:
        second = (Equation.FLAGGED,) if of_flagged.verdicts else (Equation.UNFLAGGED,)
        used = (Equation.COUNTS, *second, *((Equation.AUDIT,) if both_sides else ()))
        together = dataclasses.replace(_with_counts(equations, counts), equations=used)
        contradicted = together.misfit() > _CONTRADICTION[len(used) - 1]
        if not contradicted:
            together = _with_counts(together, counts, verdicts=audited)
            return _result(together, share, answers, audited, "counts+audit")
    if both_sides:
        return _result(equations, share, answers, audited, "audit", contradicted=contradicted)
    return CorrectedRate(None, (0.0, 1.0), share, answers, audited, "none", contradicted)


def _from_counts(flagged: int, answers: int, counts: ErrorCounts) -> CorrectedRate:
    flags = Proportion(flagged, answers, _ADDED_TO_COUNTED)
    nothing = SideVerdicts().proportion
    equations = _with_counts(
        RateEquations(flags, _CERTAIN, _CERTAIN, nothing, nothing, (Equation.COUNTS,)), counts, verdicts=0
    )
    result = _result(equations, flags.plain, answers, 0, "counts")
    false_alarms, hits = 1 - equations.specificity.shrunk, equations.sensitivity.shrunk
    if false_alarms <= flags.shrunk <= hits:
        return result
    too_few = flags.shrunk < false_alarms
    if equations.misfit() > _CONTRADICTION[0]:
        half = (
            dataclasses.replace(equations, specificity=_CERTAIN)
            if too_few
            else dataclasses.replace(equations, sensitivity=_CERTAIN)
        )
        low, high = half.interval(_CRITICAL)
        bounds = (0.0, high) if too_few else (low, 1.0)
        return dataclasses.replace(result, rate=None, interval=bounds, counts_contradicted=True)
    # A share that chance put beyond what the counts allow says no more than the nearest one that they do allow.
    nearest = Proportion(flagged, answers, _ADDED_TO_COUNTED).at(false_alarms if too_few else hits)
    interval = dataclasses.replace(equations, flags=nearest).interval(_CRITICAL)
    return dataclasses.replace(result, interval=interval)


def _with_counts(equations: RateEquations, counts: ErrorCounts, verdicts: int = 0) -> RateEquations:
    """With the counts, faded by that many verdicts."""

    def faded(successes: float, total: float) -> Proportion:
        weight = 1 / (1 + total * verdicts / _FADE)
        # The shrinkage fades as well, or the counts would drift towards 1/2 as they lose weight.
        return Proportion(successes * weight, total * weight, _ADDED_TO_COUNTED * weight)

    sound = counts.supported_total
    return dataclasses.replace(
        equations,
        sensitivity=faded(counts.unsupported_flagged, counts.unsupported_total),
        specificity=faded(sound - counts.supported_flagged, sound),
    )


def _result(
    equations: RateEquations, share: float, answers: int, audited: int, method: Method, *, contradicted: bool = False
) -> CorrectedRate:
    low, high = equations.interval(_CRITICAL)
    rate = min(max(equations.estimate(), low), high)
    return CorrectedRate(rate, (low, high), share, answers, audited, method, contradicted)
