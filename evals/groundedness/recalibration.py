"""A checker's probabilities fitted to a team's own verdicts: its audit's, or the labels of a groundedness run."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TYPE_CHECKING

import numpy as np

from evals.groundedness.evaluate_groundedness import cross_validated
from evals.groundedness.groundedness_metrics import calibration_error
from evals.runs.run_record import read_run_record, utc_now
from generation.answers import CheckerInfo
from generation.checking.calibration import ANY_KIND, Calibration, KindCalibration, recalibrated
from runtime.errors import InvalidInput

if TYPE_CHECKING:
    from runtime.settings import Settings

FILE_NAME = "checker_calibration.json"
"""In the data folder, unless another is named."""


@dataclasses.dataclass(frozen=True, slots=True)
class Recalibration:
    """`path` is the file, `version` that of the checker once it is used. `before` and `after` are calibration errors on
    these verdicts, the latter of a fit that had not seen them (None where they are too few to part).
    """

    path: pathlib.Path
    checker: str
    version: str
    fitted: KindCalibration
    left_out: int
    before: float
    after: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class _Verdicts:
    scores: np.ndarray
    supported: np.ndarray
    groups: list[str]
    source: str
    left_out: int = 0


def recalibrate(
    settings: Settings, *, run: pathlib.Path | None = None, out: pathlib.Path | None = None
) -> Recalibration:
    """Fit a correction for the checker of the settings and write it.

    From the audited answers of the records, or from the run of `plumb eval groundedness --out` over answers with labels
    of one's own. Scores must be of the checker and version that are in force; they include its correction, and what is
    written replaces that.

    Raises InvalidInput for a run of another checker, CalibrationImpossible for too few verdicts. Blocking.
    """
    from generation.checking.assembly import build_checker
    from retrieval.assembly import build_embedder

    info = build_checker(settings, build_embedder(settings)).info
    verdicts = _audited(settings, info) if run is None else _labelled(run, info)
    in_force = _in_force(settings, info)
    found = recalibrated(verdicts.scores, verdicts.supported, in_force, source=verdicts.source)
    path = out or settings.data_dir / FILE_NAME
    found.save(path)
    open_to_doubt = verdicts.scores < 1.0
    groups = [group for group, own in zip(verdicts.groups, open_to_doubt, strict=True) if own]
    scores, labels = verdicts.scores[open_to_doubt], verdicts.supported[open_to_doubt].astype(np.float64)
    elsewhere = cross_validated(scores, labels, groups)
    plain = Calibration.none(found.checker, found.version, info.threshold)
    return Recalibration(
        path=path,
        checker=found.checker,
        version=plain.then(found).full_version,
        fitted=found.of(ANY_KIND),
        left_out=verdicts.left_out + int((~open_to_doubt).sum()),
        before=calibration_error(scores, labels),
        after=None if elsewhere is None else calibration_error(elsewhere, labels),
    )


def _in_force(settings: Settings, info: CheckerInfo) -> Calibration:
    if settings.checker_calibration is not None:
        return Calibration.load(settings.checker_calibration)
    return Calibration.none(info.name, info.version)


def _audited(settings: Settings, info: CheckerInfo) -> _Verdicts:
    from evals.hallucination_rate.judged_scores import judged_scores
    from evals.hallucination_rate.verdict_counts import CheckerKey
    from runtime.database import Database

    database = Database(settings.resolved_database_url())
    try:
        database.upgrade()
        found = judged_scores(database, CheckerKey(info.name, info.version))
    finally:
        database.close()
    source = f"{len(found.ids)} audited answers, {utc_now()[:10]}"
    return _Verdicts(
        np.array(found.scores), np.array(found.supported, dtype=bool), list(found.ids), source, found.of_others
    )


def _labelled(path: pathlib.Path, info: CheckerInfo) -> _Verdicts:
    record = read_run_record(path)
    if record.kind != "groundedness" or any("label" not in one for one in record.records):
        raise InvalidInput(f"{path} is no run of `plumb eval groundedness --out`: it lacks labels.")
    used = record.models.get("checker") or {}
    if (used.get("name"), used.get("version")) != (info.name, info.version):
        raise InvalidInput(
            f"{path} is a run of the checker {used.get('name')} {used.get('version')}, and {info.name} {info.version} "
            "is in use. Run `plumb eval groundedness` with the settings as they are."
        )
    source = f"{len(record.records)} labelled answers ({record.settings.get('data', path.name)}), {utc_now()[:10]}"
    return _Verdicts(
        np.array([float(one["score"]) for one in record.records]),
        np.array([bool(one["label"]) for one in record.records], dtype=bool),
        [str(one.get("group", one["id"])) for one in record.records],
        source,
    )
