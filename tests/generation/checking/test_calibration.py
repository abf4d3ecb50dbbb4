"""Probabilities from scores: fitted, kept, corrected by a team's own verdicts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from generation.checking.calibration import (
    FEWEST_VERDICTS,
    IDENTITY,
    Calibration,
    CalibrationImpossible,
    KindCalibration,
    fit,
    recalibrated,
)
from runtime.errors import ConfigurationError

PROSE = KindCalibration(1.5, -0.4, 0.6, "a set", 40, 60)
TABLES = KindCalibration(0.8, 0.2, 0.6, "another set", 10, 12)
SHIPPED = Calibration("plumbline", "2", {"prose": PROSE, "tables": TABLES}, "prose")


def labelled(count: int, slope: float, intercept: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and labels that are drawn with the probabilities of this calibration."""
    chance = np.random.default_rng(seed)
    scores = chance.uniform(0.02, 0.98, count)
    truth = dataclasses.replace(IDENTITY, slope=slope, intercept=intercept).probabilities(scores)
    return scores, chance.uniform(size=count) < truth


def test_the_fit_finds_the_calibration_that_made_the_labels() -> None:
    scores, labels = labelled(40_000, 1.7, -0.6)
    found = fit(scores, labels, source="drawn")
    assert found.slope == pytest.approx(1.7, abs=0.06)
    assert found.intercept == pytest.approx(-0.6, abs=0.06)
    assert (found.supported, found.unsupported) == (labels.sum(), (~labels).sum())
    assert found.probabilities(scores).mean() == pytest.approx(labels.mean(), abs=0.002)


def test_apply_is_the_sigmoid_of_the_scaled_logit() -> None:
    assert PROSE.apply(0.5) == pytest.approx(1 / (1 + np.exp(0.4)))
    assert IDENTITY.apply(0.3) == pytest.approx(0.3)
    assert SHIPPED.apply("tables", 0.9) == TABLES.apply(0.9)
    assert SHIPPED.apply("something else", 0.9) == PROSE.apply(0.9)
    assert 0 < PROSE.apply(0.0) < PROSE.apply(1.0) < 1


def test_separable_labels_give_a_finite_slope_and_no_certainty() -> None:
    found = fit([0.1, 0.2, 0.8, 0.9], [False, False, True, True], source="four")
    assert 0 < found.slope < 10
    assert 0.02 < found.apply(0.1) < 0.5 < found.apply(0.9) < 0.98


def test_few_verdicts_move_the_shipped_calibration_a_little_and_many_decide() -> None:
    few, many = labelled(30, 1.0, -2.0), labelled(3000, 1.0, -2.0)
    alone = fit(*few, source="few").apply(0.5)
    drawn_back = fit(*few, source="few", towards=IDENTITY).apply(0.5)
    decided = fit(*many, source="many", towards=IDENTITY).apply(0.5)
    assert alone < drawn_back < IDENTITY.apply(0.5)
    assert decided == pytest.approx(1 / (1 + np.exp(2)), abs=0.03)


def test_weights_stand_for_repetition() -> None:
    scores, labels = labelled(400, 1.2, 0.3)
    twice = [*range(400), *range(0, 400, 2)]
    weights = np.array([2.0 if place % 2 == 0 else 1.0 for place in range(400)])
    weighted = fit(scores, labels, source="w", weights=weights)
    repeated = fit(scores[twice], labels[twice], source="r")
    assert weighted.apply(0.7) == pytest.approx(repeated.apply(0.7), abs=0.01)


def test_a_missing_class_is_refused() -> None:
    with pytest.raises(CalibrationImpossible, match="both supported and unsupported"):
        fit([0.2, 0.6], [True, True], source="one class")


def test_a_calibration_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "calibration.json"
    SHIPPED.save(path)
    assert Calibration.load(path) == SHIPPED
    assert json.loads(path.read_text())["kinds"]["prose"] == dataclasses.asdict(PROSE)
    assert [one.name for one in path.parent.iterdir()] == ["calibration.json"]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"kinds": {}}', '{"checker": "a", "version": "1", "default": "b", "kinds": {}}']
)
def test_a_file_that_is_no_calibration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="not a calibration"):
        Calibration.load(path)
    with pytest.raises(ConfigurationError, match="plumb eval recalibrate"):
        Calibration.load(tmp_path / "absent.json")


@pytest.mark.parametrize(
    "wrong",
    [
        dataclasses.replace(IDENTITY, slope=-1.0),
        dataclasses.replace(IDENTITY, slope=float("nan")),
        dataclasses.replace(IDENTITY, threshold=1.0),
    ],
)
def test_numbers_that_would_turn_verdicts_round_are_refused(tmp_path: Path, wrong: KindCalibration) -> None:
    path = tmp_path / "calibration.json"
    Calibration("plumbline", "2", {"any": wrong}).save(path)
    with pytest.raises(ConfigurationError, match="not a calibration"):
        Calibration.load(path)


def test_a_correction_follows_the_shipped_calibration_and_shows_in_the_version() -> None:
    correction = Calibration("plumbline", "2", {"any": KindCalibration(0.7, -1.0, 0.5, "our verdicts", 50, 20)})
    both = SHIPPED.then(correction)
    for kind in ("prose", "tables"):
        assert both.apply(kind, 0.8) == pytest.approx(correction.apply(kind, SHIPPED.apply(kind, 0.8)))
        assert both.of(kind).threshold == 0.6
    assert both.of("prose").source == "our verdicts"
    assert (SHIPPED.full_version, both.full_version[:6]) == ("2", "2+cal-")
    other = dataclasses.replace(correction, kinds={"any": dataclasses.replace(correction.of("any"), intercept=-1.1)})
    assert SHIPPED.then(other).full_version != both.full_version


def test_a_correction_of_another_checker_or_version_is_refused() -> None:
    for checker, version in (("plumbline", "1"), ("verbatim", "2")):
        with pytest.raises(ConfigurationError, match=f"made for the checker {checker} {version}"):
            SHIPPED.then(Calibration.none(checker, version))


def test_recalibration_brings_probabilities_nearer_to_a_teams_own_labels() -> None:
    scores, labels = labelled(600, 0.6, -1.2)
    in_force = Calibration.none("plumbline", "2")
    correction = recalibrated(scores, labels, in_force, source="our verdicts")
    fresh_scores, fresh_labels = labelled(20_000, 0.6, -1.2, seed=1)
    before = np.mean((fresh_scores - fresh_labels) ** 2)
    after = np.mean((correction.of("any").probabilities(fresh_scores) - fresh_labels) ** 2)
    assert after < 0.9 * before
    assert correction.of("any").source == "our verdicts"


def test_a_second_recalibration_builds_on_the_first() -> None:
    """Stored scores are those of the correction in force; what is saved must fit the checker without it."""
    raw, labels = labelled(4000, 0.5, -1.0)
    first = recalibrated(*labelled(4000, 2.0, 0.0, seed=3), Calibration.none("plumbline", "2"), source="first")
    second = recalibrated(first.of("any").probabilities(raw), labels, first, source="second")
    direct = recalibrated(raw, labels, Calibration.none("plumbline", "2"), source="direct")
    for score in (0.2, 0.5, 0.8):
        assert second.apply("any", score) == pytest.approx(direct.apply("any", score), abs=0.02)


def test_recalibration_says_what_it_lacks() -> None:
    in_force = Calibration.none("plumbline", "2")
    scores, labels = labelled(FEWEST_VERDICTS - 1, 1.0, 0.0)
    with pytest.raises(CalibrationImpossible, match=f"At least {FEWEST_VERDICTS} are needed"):
        recalibrated(scores, labels, in_force, source="few")
    with pytest.raises(CalibrationImpossible, match="4 supported"):
        recalibrated(np.linspace(0.1, 0.9, 60), np.arange(60) >= 56, in_force, source="one-sided")
    with pytest.raises(CalibrationImpossible, match="0 verdicts"):
        recalibrated(np.ones(100), np.arange(100) % 2 == 0, in_force, source="quotations")
    scores, labels = labelled(500, 1.5, 0.0)
    with pytest.raises(CalibrationImpossible, match="the right way round"):
        recalibrated(scores, ~labels, in_force, source="turned round")
