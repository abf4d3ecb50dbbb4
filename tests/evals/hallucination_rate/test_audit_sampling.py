from __future__ import annotations

import pytest

from evals.hallucination_rate.audit_sampling import Expected, StratumSize, allocation, verdicts_needed
from evals.hallucination_rate.corrected_rate import ErrorCounts, SideVerdicts, rate_from_sides


def test_the_budget_is_divided_as_neyman_has_it() -> None:
    # 2,000 x sqrt(.5 x .5) = 1,000 and 18,000 x sqrt(.02 x .98) = 2,520: 28%.
    assert allocation(StratumSize(2_000), StratumSize(18_000), 100) == (28, 72)
    # Equal deviations: by answers alone.
    assert allocation(StratumSize(4_000), StratumSize(6_000), 100, Expected(0.1, 0.1)) == (40, 60)


@pytest.mark.parametrize("expected", [Expected(0.5, 0.0), Expected(0.0, 0.1)])
def test_either_side_gets_a_quarter_at_least(expected: Expected) -> None:
    flagged, unflagged = allocation(StratumSize(5_000), StratumSize(5_000), 100, expected)
    assert min(flagged, unflagged) == 25


def test_a_side_gives_no_more_than_it_has() -> None:
    assert allocation(StratumSize(3), StratumSize(18_000), 100) == (3, 97)
    assert allocation(StratumSize(18_000), StratumSize(3), 100) == (97, 3)
    assert allocation(StratumSize(30, 30), StratumSize(50), 100) == (0, 50)
    assert allocation(StratumSize(0), StratumSize(50), 10) == (0, 10)
    assert allocation(StratumSize(0), StratumSize(0), 10) == (0, 0)
    assert allocation(StratumSize(10), StratumSize(10), 0) == (0, 0)


def test_draws_one_after_another_end_where_a_single_one_would() -> None:
    flagged, unflagged = StratumSize(2_000), StratumSize(18_000)
    for _ in range(10):
        more = allocation(flagged, unflagged, 10)
        assert sum(more) == 10
        flagged, unflagged = (
            StratumSize(side.answers, side.drawn + number)
            for side, number in zip((flagged, unflagged), more, strict=True)
        )
    assert (flagged.drawn, unflagged.drawn) == allocation(StratumSize(2_000), StratumSize(18_000), 100)


def test_shares_to_expect_follow_from_counts() -> None:
    expected = Expected.at(0.1, ErrorCounts(80, 100, 20, 100, "test"))
    assert expected.of_flagged == pytest.approx(0.08 / 0.26)
    assert expected.of_unflagged == pytest.approx(0.02 / 0.74)


def test_so_many_verdicts_make_the_interval_that_narrow() -> None:
    needed = verdicts_needed(0.05, 0.1)

    def width(verdicts: int) -> float:
        of_flagged = round(verdicts * 0.284)
        low, high = rate_from_sides(
            10_000,
            100_000,
            None,
            SideVerdicts(0.5 * of_flagged, of_flagged, of_flagged),
            SideVerdicts(0.02 * (verdicts - of_flagged), verdicts - of_flagged, verdicts - of_flagged),
        ).interval
        return high - low

    assert width(needed) <= 0.0505
    assert width(needed - 20) > 0.05
    assert verdicts_needed(0.02, 0.1) > 3 * needed


@pytest.mark.parametrize(("width", "share"), [(0.0, 0.1), (1.5, 0.1), (0.1, -0.1), (1e-5, 0.1)])
def test_widths_that_cannot_be_are_refused(width: float, share: float) -> None:
    with pytest.raises(ValueError):
        verdicts_needed(width, share)
