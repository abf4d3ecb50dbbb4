"""What flags, error counts and verdicts say of one rate, solved together.

With p the share of flagged answers, Se and Sp the checker's sensitivity and specificity, a and b the shares of flagged
and of unflagged answers that are in truth unsupported (which only an audit can tell), the rate r satisfies

    COUNTS     p         = r Se + (1 - r)(1 - Sp)     Rogan and Gladen, American Journal of Epidemiology 107, 1978
    FLAGGED    p a       = r Se
    UNFLAGGED  (1 - p) b = r (1 - Se)
    AUDIT      p a + (1 - p) b = r                    post-stratification

The equations that the data allow are weighted by the inverse of their covariance, which is taken at every r anew
(continuously updated generalized method of moments: Hansen, Heaton and Yaron, Journal of Business and Economic
Statistics 14, 1996). What is left at the best r is Hansen's J, chi-square with one degree of freedom less than there
are equations; an interval holds all r that are not worse than the best by more than a critical value. For COUNTS alone
that is Fieller's interval: nothing is divided by Se + Sp - 1, so it widens to (0, 1) as the checker nears chance.

Proportions are shrunk before their variance is taken (Agresti and Coull, The American Statistician 52, 1998), so that
none out of none, or all of few, is not taken for certain; the estimate itself solves for the plain proportions.
"""

from __future__ import annotations

import dataclasses
import enum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_COARSE = np.linspace(0, 1, 201) ** 2  # denser near 0, where rates are
_FINE = np.linspace(0, 1, 17)
_ROUNDS = 3  # each narrows a bracket sixteenfold, or what surrounds a minimum eightfold


class Equation(enum.Enum):
    COUNTS = "counts"
    FLAGGED = "flagged"
    UNFLAGGED = "unflagged"
    AUDIT = "audit"


@dataclasses.dataclass(frozen=True, slots=True)
class Proportion:
    """`successes` of `total`, which may be fractions (effective numbers).

    `added` trials more, half of them successes, shrink it where its variance counts.
    """

    successes: float
    total: float
    added: float

    @property
    def plain(self) -> float:
        return self.successes / self.total if self.total else 0.5

    @property
    def shrunk(self) -> float:
        return (self.successes + self.added / 2) / (self.total + self.added)

    @property
    def variance(self) -> float:
        return self.shrunk * (1 - self.shrunk) / (self.total + self.added)

    def at(self, shrunk: float) -> Proportion:
        """One on as many trials whose shrunk share is this (its plain share may leave [0, 1])."""
        return dataclasses.replace(self, successes=shrunk * (self.total + self.added) - self.added / 2)


@dataclasses.dataclass(frozen=True, slots=True)
class RateEquations:
    """p, Se, Sp, a and b as counted, and the equations to use. A proportion that none of them needs is ignored."""

    flags: Proportion
    sensitivity: Proportion
    specificity: Proportion
    of_flagged: Proportion
    of_unflagged: Proportion
    equations: tuple[Equation, ...]

    @property
    def _parts(self) -> tuple[Proportion, ...]:
        return self.flags, self.sensitivity, self.specificity, self.of_flagged, self.of_unflagged

    def estimate(self) -> float:
        """The rate in [0, 1] that fits the plain proportions best."""
        return self._least(np.array([part.plain for part in self._parts]), rounds=2 * _ROUNDS)[0]

    def misfit(self) -> float:
        """Hansen's J."""
        return self._least(self._shrunk())[1]

    def interval(self, critical: float) -> tuple[float, float]:
        """From the least to the greatest rate whose distance exceeds the least one by no more than `critical`."""
        values = self._shrunk()
        best, least = self._least(values)
        bound = least + critical
        inside = _COARSE[self._distance(_COARSE, values) <= bound]
        lowest, highest = (min(best, inside[0]), max(best, inside[-1])) if len(inside) else (best, best)
        outside_below = _COARSE[: np.searchsorted(_COARSE, lowest)]
        outside_above = _COARSE[np.searchsorted(_COARSE, highest, side="right") :]
        low = self._crossing(lowest, outside_below[-1], bound, values) if len(outside_below) else 0.0
        high = self._crossing(highest, outside_above[0], bound, values) if len(outside_above) else 1.0
        return low, high

    def _shrunk(self) -> Floats:
        return np.array([part.shrunk for part in self._parts])

    def _least(self, values: Floats, rounds: int = _ROUNDS) -> tuple[float, float]:
        """The rate of least distance, and that distance."""
        grid = _COARSE
        for _ in range(rounds):
            distances = self._distance(grid, values)
            place = int(distances.argmin())
            below, above = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
            best, least = float(grid[place]), float(distances[place])
            grid = below + (above - below) * _FINE
        return best, least

    def _crossing(self, inside: float, outside: float, bound: float, values: Floats) -> float:
        """Where the distance passes the bound, on the inner side."""
        for _ in range(_ROUNDS):
            grid = inside + (outside - inside) * _FINE
            beyond = self._distance(grid, values) > bound
            first = int(beyond.argmax()) if beyond[1:].any() else len(grid) - 1
            inside, outside = float(grid[max(first, 1) - 1]), float(grid[max(first, 1)])
        return inside

    def _distance(self, rates: Floats, values: Floats) -> Floats:
        """Squared Mahalanobis distance of the equations from 0 at each rate: (rates,)."""
        sides, slopes = zip(*(self._sides(equation, rates, values) for equation in self.equations), strict=True)
        variances = np.array([part.variance for part in self._parts])
        difference = np.stack(sides, axis=1)
        slope = np.stack(slopes, axis=1)
        covariance = (slope * variances) @ slope.transpose(0, 2, 1)
        solved = np.linalg.solve(covariance, difference[:, :, None])[:, :, 0]
        return np.asarray((difference * solved).sum(axis=1))

    def _sides(self, equation: Equation, r: Floats, values: Floats) -> tuple[Floats, Floats]:
        """Left minus right side at each rate (rates,), and its derivatives by the proportions (rates, 5)."""
        p, se, sp, a, b = values
        zero, one = np.zeros_like(r), np.ones_like(r)
        if equation is Equation.COUNTS:
            return p - r * se - (1 - r) * (1 - sp), np.stack([one, -r, 1 - r, zero, zero], axis=1)
        if equation is Equation.FLAGGED:
            return p * a - r * se, np.stack([a * one, -r, zero, p * one, zero], axis=1)
        if equation is Equation.UNFLAGGED:
            return (1 - p) * b - r * (1 - se), np.stack([-b * one, r, zero, zero, (1 - p) * one], axis=1)
        return p * a + (1 - p) * b - r, np.stack([(a - b) * one, zero, zero, p * one, (1 - p) * one], axis=1)
