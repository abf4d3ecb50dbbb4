"""Builds the checker of the settings."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.errors import ConfigurationError, PlumblineError

if TYPE_CHECKING:
    from generation.checking.calibration import Calibration
    from generation.checking.checker import Checker
    from generation.checking.groundedness_checker import GroundednessChecker
    from generation.language_models.resilience import HeldModel
    from retrieval.embedding import Embedder
    from retrieval.lexical import LexicalEncoder
    from runtime.settings import Settings

PLUMBLINE, VERBATIM = "plumbline", "verbatim"
JUDGE_PREFIX = "judge:"

logger = logging.getLogger(__name__)


def build_checker(
    settings: Settings, embedder: Embedder, *, name: str | None = None, models: Sequence[HeldModel] = ()
) -> Checker:
    """The checker of the settings, or that of the name, with the calibration of the settings where it is one for it.

    `models` are the configured language models where they are built already: a judge shares their limits. Cheap; a
    cross-encoder is loaded when it is first needed. Raises ConfigurationError that says what can be chosen.
    """
    chosen = name or settings.checker
    correction = _correction(settings) if chosen == settings.checker else None
    if chosen == VERBATIM:
        from generation.checking.checker import VerbatimChecker

        if correction is not None:
            raise ConfigurationError(
                "PLUMB_CHECKER_CALIBRATION: the checker `verbatim` says yes or no: nothing to calibrate. Unset it."
            )
        return VerbatimChecker()
    if chosen == PLUMBLINE:
        return _plumbline(settings, embedder, correction)
    if chosen.startswith(JUDGE_PREFIX):
        return _judge(settings, embedder, chosen.removeprefix(JUDGE_PREFIX), models, correction)
    return _cross_encoder(settings, chosen, correction)


def warm_up_in_background(checker: Checker) -> threading.Thread | None:
    """Load what the first answer would wait seconds for. None where there is nothing to load."""
    from generation.checking.cross_encoders.cross_encoder_checker import CrossEncoderChecker

    if not isinstance(checker, CrossEncoderChecker):
        return None
    thread = threading.Thread(target=_warm_up, args=(checker.warm_up,), name="warm up checker", daemon=True)
    thread.start()
    return thread


def _correction(settings: Settings) -> Calibration | None:
    from generation.checking.calibration import Calibration

    return None if settings.checker_calibration is None else Calibration.load(settings.checker_calibration)


def _plumbline(settings: Settings, embedder: Embedder, correction: Calibration | None) -> GroundednessChecker:
    from generation.checking.calibration import Calibration
    from generation.checking.contradiction.contradiction_head import ContradictionHead
    from generation.checking.groundedness_checker import NAME, VERSION, GroundednessChecker
    from generation.checking.groundedness_model import GroundednessModel

    model = GroundednessModel.load()
    own = Calibration.none(NAME, VERSION, model.threshold)
    head = ContradictionHead.load() if model.uses_head else None
    return GroundednessChecker(
        embedder, _lexical(settings), model, head, own if correction is None else own.then(correction)
    )


def _judge(
    settings: Settings, embedder: Embedder, name: str, models: Sequence[HeldModel], correction: Calibration | None
) -> Checker:
    from generation.checking.calibration import Calibration
    from generation.checking.llm_judge import LlmJudge
    from generation.language_models.assembly import build_models
    from generation.prompting.prompts import JUDGE_PROMPT

    alone = settings.model_copy(update={"models": tuple(one for one in settings.models if one.name == name)})
    if not alone.models:
        known = ", ".join(one.name for one in settings.models) or "none"
        raise ConfigurationError(
            f"PLUMB_CHECKER: `{JUDGE_PREFIX}{name}` needs a language model of that name in PLUMB_MODELS or plumb.toml. "
            f"Configured: {known}."
        )

    def fresh() -> HeldModel:
        return build_models(alone)[0]

    calibration = Calibration.none(f"{JUDGE_PREFIX}{name}", JUDGE_PROMPT)
    return LlmJudge(
        next((model for model in models if model.profile.name == name), None) or fresh(),
        fresh,
        _plumbline(settings, embedder, None),
        _lexical(settings),
        calibration if correction is None else calibration.then(correction),
    )


def _cross_encoder(settings: Settings, name: str, correction: Calibration | None) -> Checker:
    from generation.checking.calibration import Calibration
    from generation.checking.cross_encoders.cross_encoder_checker import NAME, VERSION, CrossEncoderChecker
    from generation.checking.cross_encoders.pair_models import ModelSource, load_pair_model

    source = ModelSource(
        name,
        settings.checker_input,
        settings.checker_supported_label,
        settings.checker_trust_remote_code,
        settings.embedding_device,
    )
    source.check()
    state = _fingerprint(source.folder) if source.folder is not None else source.revision
    version = f"{VERSION}@{state}" if state else VERSION
    shown = source.folder.resolve().name if source.folder is not None else source.repository
    calibration = Calibration.none(f"{NAME}:{shown}", version)
    return CrossEncoderChecker(
        lambda: load_pair_model(source),
        _lexical(settings),
        calibration if correction is None else calibration.then(correction),
    )


def _fingerprint(folder: Path) -> str:
    """Changes when the model in the folder does: names and sizes of its files, and the small ones' contents."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)} {path.stat().st_size} ".encode())
        if path.suffix == ".json":
            digest.update(path.read_bytes())
        elif path.suffix in {".safetensors", ".bin"}:
            with path.open("rb") as weights:  # the beginning tells trainings of one shape apart, and is read at once
                digest.update(weights.read(1 << 20))
    return digest.hexdigest()[:8]


def _lexical(settings: Settings) -> LexicalEncoder:
    from retrieval.assembly import INITIAL_MEAN_CHUNK_TERMS
    from retrieval.lexical import LexicalEncoder

    return LexicalEncoder(settings.language, INITIAL_MEAN_CHUNK_TERMS)


def _warm_up(load: Callable[[], None]) -> None:
    try:
        load()
    except PlumblineError as error:  # whoever asks it is told the same
        logger.warning("%s", error.message)
