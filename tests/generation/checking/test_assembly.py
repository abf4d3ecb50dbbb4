"""Which checker the settings build, and what they say when they cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.checking.assembly import build_checker, warm_up_in_background
from generation.checking.calibration import Calibration, KindCalibration
from generation.checking.checker import VerbatimChecker
from generation.checking.cross_encoders.cross_encoder_checker import CrossEncoderChecker
from generation.checking.llm_judge import LlmJudge
from generation.language_models.assembly import build_models
from retrieval.assembly import build_embedder
from retrieval.embedding import Embedder
from runtime.errors import ConfigurationError
from runtime.settings import ModelSettings, Settings
from tests.generation.checking.checker_contract import LEAVE, checked_by
from tests.generation.checking.reading_module import reading_cross_encoder
from tests.generation.passage_making import passage

MODEL = ModelSettings(name="careful", endpoint="http://127.0.0.1:9/v1")
REWORDED = "You have 28 days of annual leave a year."


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return build_embedder(Settings())


def correction(checker: str, version: str, path: Path, intercept: float = -6.0) -> Path:
    Calibration(checker, version, {"any": KindCalibration(0.9, intercept, 0.5, "ours", 40, 30)}).save(path)
    return path


def test_the_default_needs_nothing(embedder: Embedder) -> None:
    checker = build_checker(Settings(), embedder)
    assert checker.info.name == "plumbline"
    assert checked_by(checker, REWORDED, passage(LEAVE)).verdict.supported


def test_a_name_goes_before_the_settings(embedder: Embedder) -> None:
    assert isinstance(build_checker(Settings(), embedder, name="verbatim"), VerbatimChecker)
    assert build_checker(Settings(checker="verbatim"), embedder, name="plumbline").info.name == "plumbline"


def test_a_judge_is_a_configured_model_and_shares_the_one_that_is_built(embedder: Embedder) -> None:
    settings = Settings(checker="judge:careful", models=(MODEL,))
    judge = build_checker(settings, embedder)
    assert isinstance(judge, LlmJudge)
    assert (judge.info.name, judge.info.version) == ("judge:careful", "judge-1")
    assert judge.fallback.info.name == "plumbline"
    models = build_models(settings)
    shared = build_checker(settings, embedder, models=models)
    assert isinstance(shared, LlmJudge) and shared.model is models[0]
    with pytest.raises(ConfigurationError, match=r"`judge:other` needs a language model .* Configured: careful\."):
        build_checker(settings, embedder, name="judge:other")


def test_a_folder_is_a_cross_encoder_whose_version_follows_its_files(embedder: Embedder, tmp_path: Path) -> None:
    folder = reading_cross_encoder(tmp_path / "reading")
    settings = Settings(checker=str(folder), checker_trust_remote_code=True)
    checker = build_checker(settings, embedder)
    assert isinstance(checker, CrossEncoderChecker)
    assert checker.info.name == "cross-encoder:reading"
    assert checked_by(checker, REWORDED, passage(LEAVE)).verdict.supported
    assert build_checker(settings, embedder).info == checker.info
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert build_checker(settings, embedder).info.version != checker.info.version


@pytest.mark.parametrize("name", ["plumblime", "judge", "./nowhere"])
def test_a_name_that_is_none_is_told_what_there_is(embedder: Embedder, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"`plumbline` .*`verbatim`.*`judge:MODEL`.*folder"):
        build_checker(Settings(checker=name), embedder)


def test_a_calibration_shows_in_the_version_and_in_the_scores(embedder: Embedder, tmp_path: Path) -> None:
    plain = build_checker(Settings(), embedder)
    path = correction("plumbline", plain.info.version, tmp_path / "calibration.json")
    corrected = build_checker(Settings(checker_calibration=path), embedder)
    assert corrected.info.version.startswith(f"{plain.info.version}+cal-")
    assert corrected.info.threshold == plain.info.threshold
    for claim in (REWORDED, "Annual leave is 31 days a year.", "The canteen never closes."):
        before = checked_by(plain, claim, passage(LEAVE)).verdict
        after = checked_by(corrected, claim, passage(LEAVE)).verdict
        assert after.score == pytest.approx(Calibration.load(path).apply("any", before.score), abs=1e-3)
        assert after.supported == (after.score >= corrected.info.threshold) == bool(after.evidence)
    verbatim = checked_by(corrected, "Annual leave is 28 days a year.", passage(LEAVE)).verdict
    assert verbatim.score == 1.0  # what stands there stands there


def test_every_checker_with_probabilities_takes_its_calibration(embedder: Embedder, tmp_path: Path) -> None:
    folder = reading_cross_encoder(tmp_path / "reading")
    for settings in (
        Settings(checker="judge:careful", models=(MODEL,)),
        Settings(checker=str(folder), checker_trust_remote_code=True),
    ):
        plain = build_checker(settings, embedder).info
        path = correction(plain.name, plain.version, tmp_path / "calibration.json")
        corrected = build_checker(settings.model_copy(update={"checker_calibration": path}), embedder).info
        assert corrected.version.startswith(f"{plain.version}+cal-")


def test_a_calibration_of_another_checker_is_refused_and_a_named_checker_does_without(
    embedder: Embedder, tmp_path: Path
) -> None:
    path = correction("judge:careful", "judge-1", tmp_path / "calibration.json")
    with pytest.raises(ConfigurationError, match="made for the checker judge:careful judge-1"):
        build_checker(Settings(checker_calibration=path), embedder)
    with pytest.raises(ConfigurationError, match="nothing to calibrate"):
        build_checker(Settings(checker="verbatim", checker_calibration=path), embedder)
    settings = Settings(checker="judge:careful", models=(MODEL,), checker_calibration=path)
    assert "+cal-" in build_checker(settings, embedder).info.version
    assert "+cal-" not in build_checker(settings, embedder, name="plumbline").info.version


def test_only_what_takes_long_is_warmed_up(
    embedder: Embedder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert warm_up_in_background(build_checker(Settings(), embedder)) is None
    folder = reading_cross_encoder(tmp_path / "reading")
    thread = warm_up_in_background(build_checker(Settings(checker=str(folder)), embedder))
    assert thread is not None
    thread.join(60)
    assert "cannot be loaded" in caplog.text
