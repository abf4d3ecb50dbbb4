"""Is the hallucination rate worse than the objective? An alarm that may be looked for after every answer.

Two bets are made against "the rate is at most the objective", with money that cannot grow on average while that is true
(Waudby-Smith and Ramdas, Journal of the Royal Statistical Society B 86, 2024):

- on **flags**: each answer multiplies the stake by (q / c) if it is flagged and by (1 - q) / (1 - c) if not, for
  several q above c. c is the greatest share of flags that the objective allows: Se and Sp are unknown, and c is their
  upper confidence bound at the objective;
- on **verdicts**: each answer multiplies it by 1 + f (y / π - s) / s, for several fractions f, where s is the
  objective and y / π the verdict (1: unsupported) over the probability with which the answer was drawn for the audit,
  or 0 for one that was not drawn. This bet does not depend on the checker. An answer without its verdict is left out,
  and one that is drawn only later may have counted as not drawn: both make the stake smaller than it is entitled to be.

**An old good month does not hide a bad day**: the money is not all staked at the first answer. A half is; the rest is
staked bit by bit, so that after n answers the share 1 / (1 + ln(1 + n/1000)) of it still waits. A bet that began lately
remembers nothing of what was before; having so little staked delays it by the logarithm of that little. (A sum over
start times, as in the e-detectors of Shin, Ramdas and Rinaldo, New England Journal of Statistics in Data Science 2,
2024, but with weights that add up to 1: these bound the chance of any false alarm for ever, where an e-detector bounds
the mean time between false alarms.)

The false-alarm probability `alpha` is split: half that Se and Sp lie beyond c, half for Ville's inequality: the chance
that the mean of the two fortunes, 1 at the start, ever reaches 2 / alpha is at most alpha / 2. So it holds from `start`
to the end of time, over any number of looks. A deploy, another checker, other counts, and an alarm that was seen to are
each a reason to start anew, with a new alpha: r starts a year bring at most r alpha false alarms a year on average.
Where the audit contradicts the counts (`CorrectedRate.counts_contradicted`), the bound on the flags means nothing:
start without counts, on verdicts alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.hallucination_rate.corrected_rate import AuditedAnswer, ErrorCounts

_ODDS = (1.1, 1.25, 1.5, 2.0, 3.0, 6.0)
"""The q of the bets on flags: odds of a flag as multiples of those of c."""
_FRACTIONS = (0.003, 0.01, 0.03, 0.1, 0.3)
"""The f of the bets on verdicts: small ones for answers that were seldom drawn, whose verdicts weigh much."""
_PATIENCE = 1_000.0


@dataclasses.dataclass(frozen=True, slots=True)
class Monitor:
    """The state of a monitor; `observe` gives the next one. Immutable, and small: `to_json`, `from_json`.

    `objective` and `alpha` are what it was started with; `ceiling` is c (`None` without counts: flags are then not
    betted on). `answers` is how many it has seen, `evidence` the fortune at present, `highest` that at its best, and
    `alarmed_at` the number of answers after which it gave the alarm (`None`: it did not).
    """

    objective: float
    alpha: float
    ceiling: float | None
    answers: int
    flag_stakes: tuple[float, ...]
    verdict_stakes: tuple[float, ...]
    evidence: float
    highest: float
    alarmed_at: int | None

    @classmethod
    def start(cls, objective: float, counts: ErrorCounts | None, alpha: float = 0.01) -> Monitor:
        """A monitor that has seen nothing. Raises `ValueError` unless objective and alpha are between 0 and 1."""
        if not 0 < objective < 1 or not 0 < alpha < 1:
            raise ValueError("objective and alpha must be between 0 and 1")
        ceiling = flag_ceiling(objective, counts, alpha / 2) if counts is not None else None
        first = math.log(0.5)
        return cls(
            objective,
            alpha,
            ceiling if ceiling is not None and ceiling < 1 else None,
            0,
            (first,) * len(_ODDS),
            (first,) * len(_FRACTIONS),
            1.0,
            1.0,
            None,
        )

    @property
    def threshold(self) -> float:
        """The fortune that makes an alarm."""
        return (2 if self.ceiling is not None else 1) / self.alpha

    @property
    def alarm(self) -> bool:
        return self.alarmed_at is not None

    def observe(self, answers: int, flagged: int, drawn: int = 0, verdicts: Sequence[AuditedAnswer] = ()) -> Monitor:
        """The state after so many more answers, of which some were flagged and some drawn for the audit.

        `verdicts` are those that came in since, on these answers or on earlier ones that were drawn. Raises
        `ValueError` when flagged or drawn are more than the answers.
        """
        if not 0 <= flagged <= answers or not 0 <= drawn <= answers:
            raise ValueError("flagged and drawn must be between 0 and answers")
        seen = self.answers + answers
        staked = _waiting(self.answers) - _waiting(seen)
        flag_stakes, verdict_stakes = np.array(self.flag_stakes), np.array(self.verdict_stakes)
        if self.ceiling is not None:
            flag_stakes = _log_add(flag_stakes, staked) + _flag_growth(self.ceiling, answers, flagged)
        verdict_stakes = _log_add(verdict_stakes, staked)
        verdict_stakes = verdict_stakes + _verdict_growth(self.objective, answers - drawn, verdicts)
        fortunes = [_fortune(verdict_stakes, seen)]
        if self.ceiling is not None:
            fortunes.append(_fortune(flag_stakes, seen))
        evidence = sum(fortunes) / len(fortunes)
        alarmed_at = seen if self.alarmed_at is None and evidence >= self.threshold else self.alarmed_at
        return dataclasses.replace(
            self,
            answers=seen,
            flag_stakes=tuple(flag_stakes.tolist()),
            verdict_stakes=tuple(verdict_stakes.tolist()),
            evidence=evidence,
            highest=max(self.highest, evidence),
            alarmed_at=alarmed_at,
        )

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Monitor:
        """Raises `ValueError` where the data is not that of a monitor of this version: start anew."""
        names = {field.name for field in dataclasses.fields(cls)}
        if set(data) != names:
            raise ValueError("this is not the state of a monitor")
        stakes = {name: tuple(float(value) for value in data[name]) for name in ("flag_stakes", "verdict_stakes")}
        if len(stakes["flag_stakes"]) != len(_ODDS) or len(stakes["verdict_stakes"]) != len(_FRACTIONS):
            raise ValueError("this is the state of another version of the monitor")
        return cls(**{**data, **stakes})


def flag_ceiling(objective: float, counts: ErrorCounts, alpha: float) -> float:
    """The share of flags at a rate of `objective`: an upper bound that holds with probability 1 - alpha.

    Normal, on counts with two successes and two failures more (Agresti and Coull, 1998).
    """
    sensitivity, its_variance = _shrunk(counts.unsupported_flagged, counts.unsupported_total)
    false_alarms, their_variance = _shrunk(counts.supported_flagged, counts.supported_total)
    share = objective * sensitivity + (1 - objective) * false_alarms
    variance = objective**2 * its_variance + (1 - objective) ** 2 * their_variance
    return min(1.0, share + NormalDist().inv_cdf(1 - alpha) * math.sqrt(variance))


def least_visible_rate(objective: float, counts: ErrorCounts, alpha: float = 0.01) -> float | None:
    """The rate above which flags alone can ever give the alarm, however long one waits; `None`: never.

    It is above the objective by what is unknown of Se and Sp; verdicts see any rate above the objective.
    """
    ceiling = flag_ceiling(objective, counts, alpha / 2)
    gain = counts.sensitivity + counts.specificity - 1
    rate = (ceiling - 1 + counts.specificity) / gain if gain > 0 else math.inf
    return rate if rate < 1 else None


def _shrunk(successes: float, total: float) -> tuple[float, float]:
    share = (successes + 2) / (total + 4)
    return share, share * (1 - share) / (total + 4)


def _waiting(answers: int) -> float:
    """The share of the money that is not yet staked after so many answers (the first half is, at once)."""
    return 0.5 / (1 + math.log1p(answers / _PATIENCE))


def _log_add(logs: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    return np.asarray(np.logaddexp(logs, math.log(amount))) if amount > 0 else logs


def _flag_growth(ceiling: float, answers: int, flagged: int) -> NDArray[np.float64]:
    odds = np.array(_ODDS) * ceiling / (1 - ceiling)
    q = odds / (1 + odds)
    return np.asarray(flagged * np.log(q / ceiling) + (answers - flagged) * np.log((1 - q) / (1 - ceiling)))


def _verdict_growth(objective: float, undrawn: int, verdicts: Sequence[AuditedAnswer]) -> NDArray[np.float64]:
    fractions = np.array(_FRACTIONS)
    weights = np.array([verdict.unsupported / verdict.probability for verdict in verdicts])
    gains = np.log1p(fractions[:, None] * (weights[None, :] / objective - 1)).sum(axis=1)
    return np.asarray(undrawn * np.log1p(-fractions) + gains)


def _fortune(stakes: NDArray[np.float64], answers: int) -> float:
    """What the bets have come to, shared evenly among them, and what waits."""
    return float(np.exp(np.minimum(stakes, 700.0)).mean()) + _waiting(answers)
