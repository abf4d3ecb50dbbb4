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
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Distance = Callable[[Floats], Floats]
"""Squared Mahalanobis distance of the equations from 0 at each rate: (rates,)."""

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
        return _least(self._distance([part.plain for part in self._parts]), rounds=2 * _ROUNDS)[0]

    def misfit(self) -> float:
        """Hansen's J."""
        return _least(self._distance([part.shrunk for part in self._parts]))[1]

    def interval(self, critical: float) -> tuple[float, float]:
        """From the least to the greatest rate whose distance exceeds the least one by no more than `critical`."""
        distance = self._distance([part.shrunk for part in self._parts])
        best, least = _least(distance)
        bound = least + critical
        inside = _COARSE[distance(_COARSE) <= bound]
        lowest, highest = (min(best, inside[0]), max(best, inside[-1])) if len(inside) else (best, best)
        below = _COARSE[: np.searchsorted(_COARSE, lowest)]
        above = _COARSE[np.searchsorted(_COARSE, highest, side="right") :]
        return (
            _crossing(distance, bound, lowest, below[-1]) if len(below) else 0.0,
            _crossing(distance, bound, highest, above[0]) if len(above) else 1.0,
        )

    def _distance(self, values: Sequence[float]) -> Distance:
        at_0, by_rate = self._sides(values)
        slope_at_0, slope_by_rate = self._slopes(values)
        variances = np.array([part.variance for part in self._parts])
        crossed = (slope_at_0 * variances) @ slope_by_rate.T
        covariance = np.stack(  # by powers of the rate
            [
                (slope_at_0 * variances) @ slope_at_0.T,
                crossed + crossed.T,
                (slope_by_rate * variances) @ slope_by_rate.T,
            ]
        )
        count = len(self.equations)
        flat = covariance.reshape(3, count * count)

        def distance(rates: Floats) -> Floats:
            column = rates[:, None]
            covariances = (flat[0] + column * (flat[1] + column * flat[2])).reshape(-1, count, count)
            differences = (at_0 + column * by_rate)[:, :, None]
            return np.asarray((differences * np.linalg.solve(covariances, differences)).sum(axis=(1, 2)))

        return distance

    def _sides(self, values: Sequence[float]) -> tuple[Floats, Floats]:
        """Left minus right side of each equation: at a rate of 0, and how it grows with the rate; (equations,) each."""
        p, se, sp, a, b = values
        sides = {
            Equation.COUNTS: (p - (1 - sp), 1 - sp - se),
            Equation.FLAGGED: (p * a, -se),
            Equation.UNFLAGGED: ((1 - p) * b, se - 1),
            Equation.AUDIT: (p * a + (1 - p) * b, -1.0),
        }
        at_0, by_rate = zip(*(sides[equation] for equation in self.equations), strict=True)
        return np.array(at_0), np.array(by_rate)

    def _slopes(self, values: Sequence[float]) -> tuple[Floats, Floats]:
        """The derivatives of `_sides` by p, Se, Sp, a and b; (equations, 5) each."""
        p, _, _, a, b = values
        slopes = {
            Equation.COUNTS: ((1, 0, 1, 0, 0), (0, -1, -1, 0, 0)),
            Equation.FLAGGED: ((a, 0, 0, p, 0), (0, -1, 0, 0, 0)),
            Equation.UNFLAGGED: ((-b, 0, 0, 0, 1 - p), (0, 1, 0, 0, 0)),
            Equation.AUDIT: ((a - b, 0, 0, p, 1 - p), (0, 0, 0, 0, 0)),
        }
        at_0, by_rate = zip(*(slopes[equation] for equation in self.equations), strict=True)
        return np.array(at_0, dtype=np.float64), np.array(by_rate, dtype=np.float64)


def _least(distance: Distance, rounds: int = _ROUNDS) -> tuple[float, float]:
    """The rate of least distance, and that distance."""
    grid = _COARSE
    for _ in range(rounds):
        distances = distance(grid)
        place = int(distances.argmin())
        best, least = float(grid[place]), float(distances[place])
        below, above = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
        grid = below + (above - below) * _FINE
    return best, least


def _crossing(distance: Distance, bound: float, inside: float, outside: float) -> float:
    """Where the distance passes the bound, on the inner side."""
    for _ in range(_ROUNDS):
        grid = inside + (outside - inside) * _FINE
        beyond = distance(grid) > bound
        first = int(beyond[1:].argmax()) + 1 if beyond[1:].any() else len(grid) - 1
        inside, outside = float(grid[first - 1]), float(grid[first])
    return inside
