from __future__ import annotations

import math

import numpy as np
import pytest

from evals.hallucination_rate.corrected_rate import (
    AuditedAnswer,
    CorrectedRate,
    ErrorCounts,
    SideVerdicts,
    corrected_rate,
    rate_from_sides,
)

COUNTS = ErrorCounts(510, 600, 100, 1_000, "test")  # sensitivity 0.85, specificity 0.9


def audit(flagged: tuple[int, int], unflagged: tuple[int, int]) -> list[AuditedAnswer]:
    """Unsupported of so many verdicts on either side, all with one probability."""
    return [
        AuditedAnswer(side, place < unsupported, 0.1)
        for side, (unsupported, verdicts) in ((True, flagged), (False, unflagged))
        for place in range(verdicts)
    ]


def contains(result: CorrectedRate, rate: float) -> bool:
    return result.interval[0] <= rate <= result.interval[1]


def test_counts_alone_give_rogan_and_gladens_estimate() -> None:
    result = corrected_rate(2_150, 20_000, COUNTS)
    # (0.1075 + 0.9 - 1) / (0.85 + 0.9 - 1)
    assert result.rate == pytest.approx(0.01, abs=1e-6)
    assert result.raw_share == 0.1075
    assert (result.method, result.answers, result.audited) == ("counts", 20_000, 0)
    assert not result.counts_contradicted


def test_interval_of_counts_is_fiellers() -> None:
    low, high = corrected_rate(4_900, 20_000, COUNTS).interval
    # Shares with two successes and two failures more; (p + sp - 1 - r j)² = c² (vp + r² vse + (1 - r)² vsp).
    p, se, sp = 4_902 / 20_004, 512 / 604, 902 / 1_004
    vp, vse, vsp = p * (1 - p) / 20_004, se * (1 - se) / 604, sp * (1 - sp) / 1_004
    d, j, c = p + sp - 1, se + sp - 1, 4.2179
    roots = np.sort(np.roots([j**2 - c * (vse + vsp), -2 * d * j + 2 * c * vsp, d**2 - c * (vp + vsp)]))
    assert low == pytest.approx(roots[0], abs=2e-6)
    assert high == pytest.approx(roots[1], abs=2e-6)


def test_an_audit_alone_is_weighted_by_sides() -> None:
    result = corrected_rate(100, 1_000, None, audit((4, 10), (1, 20)))
    assert result.rate == pytest.approx(0.1 * 0.4 + 0.9 * 0.05, abs=1e-6)
    assert (result.method, result.audited) == ("audit", 30)
    assert contains(result, 0.085)


def test_verdicts_weigh_by_the_inverse_of_their_probability() -> None:
    verdicts = [AuditedAnswer(True, True, 0.5), AuditedAnswer(True, False, 0.25)]
    side = SideVerdicts.of(verdicts, flagged=True)
    # Weights 2 and 4: a share of 1/3 on 6² / (2² + 4²) = 1.8 effective verdicts.
    assert side.unsupported / side.effective == pytest.approx(1 / 3)
    assert side.effective == pytest.approx(1.8)
    assert SideVerdicts.of(verdicts, flagged=False) == SideVerdicts()


def test_counts_and_audit_that_agree_give_the_rate_and_a_narrower_interval() -> None:
    # A rate of 10%: of 10,000 answers 850 + 900 are flagged; among the 1,750, 850 are unsupported, among 8,250, 150.
    sides = SideVerdicts(85, 175, 175), SideVerdicts(15, 825, 825)
    together = rate_from_sides(1_750, 10_000, COUNTS, *sides)
    assert together.method == "counts+audit"
    assert together.rate == pytest.approx(0.1, abs=1e-6)
    alone = rate_from_sides(1_750, 10_000, None, *sides)
    assert alone.rate == pytest.approx(0.1, abs=1e-6)
    assert np.diff(together.interval) < np.diff(alone.interval)
    assert np.diff(together.interval) < np.diff(corrected_rate(1_750, 10_000, COUNTS).interval)


def test_verdicts_on_one_side_help_the_counts() -> None:
    without = corrected_rate(2_150, 20_000, COUNTS)
    flagged_only = corrected_rate(2_150, 20_000, COUNTS, audit((16, 200), (0, 0)))
    assert flagged_only.method == "counts+audit"
    assert np.diff(flagged_only.interval) < np.diff(without.interval)
    unflagged_only = corrected_rate(4_900, 20_000, COUNTS, audit((0, 0), (8, 200)))
    assert unflagged_only.method == "counts+audit"
    assert contains(unflagged_only, 0.193)


def test_an_audit_overrides_counts_that_it_contradicts() -> None:
    # The counts expect 1,000 false alarms of 20,000 answers at least; people find nearly all flagged ones unsupported.
    result = corrected_rate(2_500, 20_000, COUNTS, audit((48, 50), (1, 50)))
    assert result.counts_contradicted
    assert result.method == "audit"
    assert result.rate == pytest.approx(0.125 * 0.96 + 0.875 * 0.02, abs=1e-6)


def test_counts_fade_as_verdicts_come() -> None:
    # Verdicts that the counts can just live with: the estimate moves from the one to the other.
    counts = ErrorCounts(850, 1_000, 100, 1_000, "test")
    from_counts = corrected_rate(4_000, 20_000, counts).rate  # 0.133
    estimates = []
    for times in (1, 4, 10):
        sides = SideVerdicts(24 * times, 50 * times, 50 * times), SideVerdicts(times, 50 * times, 50 * times)
        result = rate_from_sides(4_000, 20_000, counts, *sides)
        assert not result.counts_contradicted
        estimates.append(result.rate)
    from_audit = 0.2 * 0.48 + 0.8 * 0.02  # 0.112
    distances = [abs(estimate - from_audit) for estimate in (from_counts, *estimates)]
    assert distances == sorted(distances, reverse=True)


@pytest.mark.parametrize(("flagged", "bound"), [(400, (0.0, 0.03)), (18_000, (0.87, 1.0))])
def test_flags_that_the_counts_cannot_explain_give_a_bound_only(flagged: int, bound: tuple[float, float]) -> None:
    # Specificity 0.9 makes 10% flags of sound answers alone; sensitivity 0.85 makes no more than 85%.
    result = corrected_rate(flagged, 20_000, COUNTS)
    assert result.counts_contradicted
    assert result.rate is None
    assert result.interval == pytest.approx(bound, abs=0.02)
    assert result.interval[0] == 0 or result.interval[1] == 1


def test_a_share_of_flags_just_below_the_false_alarms_is_no_certainty() -> None:
    at_the_floor = corrected_rate(2_000, 20_000, COUNTS)
    below = corrected_rate(1_900, 20_000, COUNTS)
    assert not below.counts_contradicted
    assert below.rate == 0
    assert below.interval[1] == pytest.approx(at_the_floor.interval[1], abs=0.002)


def test_no_answers() -> None:
    assert corrected_rate(0, 0, COUNTS) == CorrectedRate(None, (0.0, 1.0), None, 0, 0, "none")


def test_nothing_to_correct_by() -> None:
    result = corrected_rate(30, 200, None)
    assert (result.rate, result.interval, result.method, result.raw_share) == (None, (0.0, 1.0), "none", 0.15)
    one_side = corrected_rate(30, 200, None, audit((3, 10), (0, 0)))
    assert (one_side.rate, one_side.interval, one_side.audited) == (None, (0.0, 1.0), 10)


def test_a_checker_no_better_than_chance_says_nothing() -> None:
    chance = ErrorCounts(50, 100, 50, 100, "test")
    assert corrected_rate(30, 200, chance).method == "none"
    assert corrected_rate(30, 200, chance, audit((3, 10), (0, 10))).method == "audit"


def test_a_checker_near_chance_leaves_the_rate_open() -> None:
    near = ErrorCounts(33, 60, 24, 60, "test")  # 0.55, 0.6
    low, high = corrected_rate(84, 200, near).interval
    assert (low, high) == (0.0, 1.0)


@pytest.mark.parametrize("flagged", [0, 200])
def test_all_answers_on_one_side(flagged: int) -> None:
    verdicts = audit((20, 20), (0, 0)) if flagged else audit((0, 0), (0, 20))
    result = corrected_rate(flagged, 200, None, verdicts)
    assert result.method == "audit"
    assert result.rate == pytest.approx(1.0 if flagged else 0.0, abs=1e-6)
    assert 0.05 < np.diff(result.interval)[0] < 0.3


def test_perfect_counts_are_not_taken_for_certain() -> None:
    perfect = ErrorCounts(20, 20, 0, 20, "test")
    result = corrected_rate(20, 1_000, perfect)
    assert result.rate == pytest.approx(0.02, abs=1e-6)
    assert result.interval[0] == 0
    assert result.interval[1] > 0.03


def test_counts_of_nothing_leave_the_rate_open() -> None:
    assert corrected_rate(20, 100, ErrorCounts(0, 0, 0, 0, "test")).interval == (0.0, 1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: corrected_rate(3, 2, COUNTS),
        lambda: corrected_rate(-1, 2, COUNTS),
        lambda: ErrorCounts(3, 2, 0, 1, "test"),
        lambda: ErrorCounts(1, 2, 2, 1, "test"),
        lambda: AuditedAnswer(True, True, 0.0),
        lambda: AuditedAnswer(True, True, 1.01),
    ],
)
def test_impossible_numbers_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError):
        wrong()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("rate", "checker", "audits"), [(0.01, (0.85, 0.9), 0), (0.05, (0.7, 0.8), 100), (0.2, (0.95, 0.98), 100)]
)
def test_the_interval_holds_the_rate_as_often_as_it_says(
    rate: float, checker: tuple[float, float], audits: int
) -> None:
    generator = np.random.default_rng(4)
    held, runs = 0, 150
    for _ in range(runs):
        unsupported = generator.random(2_000) < rate
        flagged = generator.random(2_000) < np.where(unsupported, checker[0], 1 - checker[1])
        # Uneven probabilities on the unflagged side, as after several draws.
        probability = np.where(flagged, 0.2, np.where(np.arange(2_000) % 2, 0.02, 0.06)) if audits else np.zeros(2_000)
        verdicts = [
            AuditedAnswer(bool(flagged[place]), bool(unsupported[place]), float(probability[place]))
            for place in np.flatnonzero(generator.random(2_000) < probability)
        ]
        counts = ErrorCounts(
            int(generator.binomial(150, checker[0])), 150, int(generator.binomial(200, 1 - checker[1])), 200, "test"
        )
        held += contains(corrected_rate(int(flagged.sum()), 2_000, counts, verdicts), rate)
    assert held / runs >= 0.94 - 2 * math.sqrt(0.94 * 0.06 / runs)
