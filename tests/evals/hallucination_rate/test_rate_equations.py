from __future__ import annotations

import dataclasses

import pytest

from evals.hallucination_rate.rate_equations import Equation, Proportion, RateEquations

# A rate of 20% with sensitivity 0.75 and specificity 0.9: p = 0.15 + 0.08, a = 0.15 / 0.23, b = 0.05 / 0.77.
EXACT = RateEquations(
    flags=Proportion(230, 1_000, 4),
    sensitivity=Proportion(75, 100, 4),
    specificity=Proportion(180, 200, 4),
    of_flagged=Proportion(15, 23, 2),
    of_unflagged=Proportion(5, 77, 2),
    equations=tuple(Equation),
)


@pytest.mark.parametrize(
    "equations",
    [
        (Equation.COUNTS,),
        (Equation.AUDIT,),
        (Equation.FLAGGED,),
        (Equation.UNFLAGGED,),
        (Equation.COUNTS, Equation.FLAGGED),
        (Equation.COUNTS, Equation.UNFLAGGED),
        (Equation.COUNTS, Equation.FLAGGED, Equation.AUDIT),
    ],
)
def test_every_equation_holds_at_the_rate(equations: tuple[Equation, ...]) -> None:
    system = dataclasses.replace(EXACT, equations=equations)
    assert system.estimate() == pytest.approx(0.2, abs=1e-5)
    low, high = system.interval(3.84)
    assert low < 0.2 < high


def test_more_equations_make_the_interval_narrower() -> None:
    widths = []
    for equations in (
        (Equation.COUNTS,),
        (Equation.COUNTS, Equation.FLAGGED),
        (Equation.COUNTS, Equation.FLAGGED, Equation.AUDIT),
    ):
        low, high = dataclasses.replace(EXACT, equations=equations).interval(3.84)
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_misfit_tells_what_does_not_agree() -> None:
    used = (Equation.COUNTS, Equation.FLAGGED, Equation.AUDIT)
    agreeing = dataclasses.replace(EXACT, equations=used)
    contrary = dataclasses.replace(agreeing, of_flagged=Proportion(1, 23, 2))
    assert agreeing.misfit() < 0.2
    assert contrary.misfit() > 10


def test_an_interval_reaches_the_ends_of_what_is_possible() -> None:
    nothing_found = dataclasses.replace(EXACT, of_flagged=Proportion(0, 23, 2), of_unflagged=Proportion(0, 77, 2))
    low, high = dataclasses.replace(nothing_found, equations=(Equation.AUDIT,)).interval(3.84)
    assert low == 0
    assert 0.02 < high < 0.2


def test_a_proportion_is_shrunk_only_where_its_variance_counts() -> None:
    none = Proportion(0, 10, 4)
    assert none.plain == 0
    assert none.shrunk == pytest.approx(2 / 14)
    assert none.variance == pytest.approx((2 / 14) * (12 / 14) / 14)
    assert none.at(0.5).shrunk == pytest.approx(0.5)
