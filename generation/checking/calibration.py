"""Scores made into probabilities, per kind of text, and made anew from a team's own verdicts.

Platt's scaling on the logit: p = sigmoid(slope · logit(score) + intercept), fitted by maximum likelihood on targets
that are pulled in a little, (n₊+1)/(n₊+2) and 1/(n₋+2), so that few labels or separable ones cannot make the slope
infinite (Platt, "Probabilistic Outputs for Support Vector Machines", 1999; by Newton's method, as Lin, Lin and Weng,
2007).

As it is monotone, the least of calibrated scores is the calibrated least score: fitted on the scores of whole answers
(their weakest claim), it makes those probabilities, and every sentence keeps its place.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.errors import ConfigurationError, PlumblineError

EDGE = 1e-4
"""Scores are brought into [EDGE, 1 - EDGE]: one of exactly 0 or 1 has no logit, and must not outweigh all others."""

FEWEST_VERDICTS = 30
FEWEST_OF_A_CLASS = 5
PRIOR_VERDICTS = 20.0
"""What a calibration that is shrunk towards counts: as much as so many verdicts at the same scores."""

ANY_KIND = "any"

_STEPS = 100
_RIDGE = 1e-9
_CONVERGED = 1e-9


class CalibrationImpossible(PlumblineError):
    """These verdicts cannot make a calibration."""

    code = "calibration_impossible"


@dataclasses.dataclass(frozen=True, slots=True)
class KindCalibration:
    """What makes probabilities of scores on one kind of text.

    `threshold` is the probability from which a claim counts as supported. `source` says on what it was fitted, with so
    many `supported` and `unsupported` labels.
    """

    slope: float
    intercept: float
    threshold: float
    source: str
    supported: int
    unsupported: int

    def apply(self, score: float) -> float:
        """The probability that goes with a score of [0, 1]."""
        return float(self.probabilities([score])[0])

    def probabilities(self, scores: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """`apply` to many: float64 (scores,)."""
        return _sigmoid(self.slope * _logits(scores) + self.intercept)

    def then(self, correction: KindCalibration) -> KindCalibration:
        """Both in one, this first; the threshold stays, the source and its counts are the correction's."""
        return dataclasses.replace(
            correction,
            slope=self.slope * correction.slope,
            intercept=correction.slope * self.intercept + correction.intercept,
            threshold=self.threshold,
        )


IDENTITY = KindCalibration(1.0, 0.0, 0.5, "not calibrated", 0, 0)
"""Scores that are taken for probabilities as they are."""


@dataclasses.dataclass(frozen=True, slots=True)
class Calibration:
    """The calibrations of one checker by kind of text; a kind that it does not know is treated as `default`.

    `checker` and `version` name what it was fitted for. `correction` is empty, else the mark that a recalibration adds
    to the version, since other probabilities are another checker to whoever compares rates.
    """

    checker: str
    version: str
    kinds: Mapping[str, KindCalibration]
    default: str = ANY_KIND
    correction: str = ""

    def __post_init__(self) -> None:
        if self.default not in self.kinds:
            raise ValueError(f"there is no calibration of the default kind {self.default!r}")

    @classmethod
    def none(cls, checker: str, version: str, threshold: float = IDENTITY.threshold) -> Calibration:
        """Of a checker whose scores are taken as they are."""
        return cls(checker, version, {ANY_KIND: dataclasses.replace(IDENTITY, threshold=threshold)})

    @property
    def full_version(self) -> str:
        """What `CheckerInfo.version` says, such as `2` or `2+cal-3f2a`."""
        return f"{self.version}+{self.correction}" if self.correction else self.version

    def of(self, kind: str) -> KindCalibration:
        return self.kinds.get(kind) or self.kinds[self.default]

    def apply(self, kind: str, score: float) -> float:
        """The probability that goes with a score of [0, 1] on this kind of text."""
        return self.of(kind).apply(score)

    def then(self, correction: Calibration) -> Calibration:
        """Both in one, this first. Raises ConfigurationError when the correction is that of another checker."""
        if (correction.checker, correction.version) != (self.checker, self.version):
            raise ConfigurationError(
                f"The calibration was made for the checker {correction.checker} {correction.version}, and "
                f"{self.checker} {self.version} is in use. Make one for it with `plumb eval recalibrate`, or unset "
                "PLUMB_CHECKER_CALIBRATION."
            )
        kinds = {kind: one.then(correction.of(kind)) for kind, one in self.kinds.items()}
        return dataclasses.replace(self, kinds=kinds, correction=correction._mark())

    def to_json(self) -> dict[str, Any]:
        kinds = {kind: dataclasses.asdict(one) for kind, one in self.kinds.items()}
        return {"checker": self.checker, "version": self.version, "default": self.default, "kinds": kinds}

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.part")
        beside.write_text(json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Raises ConfigurationError for a file that is not there or not a calibration."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            kinds = {kind: _kind(one) for kind, one in data["kinds"].items()}
            return cls(str(data["checker"]), str(data["version"]), kinds, str(data["default"]))
        except FileNotFoundError:
            raise ConfigurationError(
                f"There is no calibration {path}. Make one with `plumb eval recalibrate`, or unset "
                "PLUMB_CHECKER_CALIBRATION."
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"{path} is not a calibration ({type(error).__name__}: {error}).") from None

    def _mark(self) -> str:
        numbers = {kind: (one.slope, one.intercept) for kind, one in sorted(self.kinds.items())}
        return f"cal-{hashlib.sha256(json.dumps([numbers, self.default]).encode()).hexdigest()[:4]}"


def fit(
    scores: Sequence[float] | NDArray[np.float64],
    labels: Sequence[bool] | NDArray[np.bool_],
    *,
    source: str,
    threshold: float = IDENTITY.threshold,
    weights: Sequence[float] | NDArray[np.float64] | None = None,
    towards: KindCalibration | None = None,
) -> KindCalibration:
    """The calibration of scores of [0, 1] whose labels (true: supported) are known.

    `weights` (all 1 unless given) are brought to a mean of 1. With `towards`, its probabilities at the same scores
    enter the likelihood with the weight of `PRIOR_VERDICTS` labels in all: thirty labels move it a little, a thousand
    decide alone. The slope may come out negative, when the scores say the opposite of the labels.

    Raises CalibrationImpossible when a class is missing.
    """
    own = np.asarray(labels, dtype=bool)
    if len(own) != len(scores):
        raise ValueError("there must be a label for each score")
    supported = int(own.sum())
    unsupported = len(own) - supported
    if not supported or not unsupported:
        raise CalibrationImpossible("All labels are the same: both supported and unsupported examples are needed.")
    x = _logits(scores)
    share = np.ones(len(own)) if weights is None else np.asarray(weights, dtype=np.float64)
    share = share / share.mean()
    targets = np.where(own, (supported + 1) / (supported + 2), 1 / (unsupported + 2))
    if towards is not None:
        prior = PRIOR_VERDICTS / len(own) * share
        targets = (share * targets + prior * towards.probabilities(scores)) / (share + prior)
        share = share + prior
    slope, intercept = _logistic(x, targets, share)
    return KindCalibration(slope, intercept, threshold, source, supported, unsupported)


def recalibrated(
    scores: Sequence[float] | NDArray[np.float64],
    labels: Sequence[bool] | NDArray[np.bool_],
    in_force: Calibration,
    *,
    source: str,
    weights: Sequence[float] | NDArray[np.float64] | None = None,
) -> Calibration:
    """A correction for all kinds of text from a team's own verdicts (true: supported), to be saved.

    `scores` are probabilities as the checker gave them with the correction `in_force` (that of `Calibration.none`,
    where there is none yet); the result replaces it. It is shrunk towards the one in force as `fit` says.

    Scores of exactly 1 are left out: such sentences stand in the evidence word for word, or claim nothing, and are
    not what is calibrated.

    Raises CalibrationImpossible for fewer than `FEWEST_VERDICTS` or `FEWEST_OF_A_CLASS`, and when the verdicts say the
    opposite of the scores.
    """
    open_to_doubt = np.asarray(scores, dtype=np.float64) < 1.0
    known = np.asarray(labels, dtype=bool)[open_to_doubt]
    supported = int(known.sum())
    fewest = min(supported, len(known) - supported)
    if len(known) < FEWEST_VERDICTS or fewest < FEWEST_OF_A_CLASS:
        raise CalibrationImpossible(
            f"{len(known)} verdicts can be used ({supported} supported, {len(known) - supported} not). At least "
            f"{FEWEST_VERDICTS} are needed, {FEWEST_OF_A_CLASS} of each; word-for-word quotations do not count."
        )
    chosen = None if weights is None else np.asarray(weights, dtype=np.float64)[open_to_doubt]
    own = fit(
        np.asarray(scores, dtype=np.float64)[open_to_doubt], known, source=source, weights=chosen, towards=IDENTITY
    )
    if own.slope <= 0:
        raise CalibrationImpossible(
            "By these verdicts, sentences with higher scores are supported less often. No calibration mends that: "
            "choose another checker (PLUMB_CHECKER), or look at whether the labels are the right way round."
        )
    kinds = {kind: one.then(own) for kind, one in in_force.kinds.items()}
    return Calibration(in_force.checker, in_force.version, kinds, in_force.default)


def _kind(data: Mapping[str, Any]) -> KindCalibration:
    one = KindCalibration(**data)
    numbers = np.array([one.slope, one.intercept, one.threshold], dtype=np.float64)
    if not (np.isfinite(numbers).all() and one.slope > 0 and 0 < one.threshold < 1):
        raise ValueError("slope and threshold must be positive numbers, the threshold less than 1")
    return one


def _logits(scores: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(np.asarray(scores, dtype=np.float64), EDGE, 1 - EDGE)
    logits: NDArray[np.float64] = np.log(inside / (1 - inside))
    return logits


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = 0.5 * (1 + np.tanh(values / 2))
    return found


def _logistic(
    x: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and intercept of greatest likelihood. The loss is convex; steps are halved until they lower it."""
    design = np.stack([x, np.ones_like(x)], axis=1)

    def loss(at: NDArray[np.float64]) -> float:
        z = design @ at
        return float(weights @ (np.logaddexp(0, z) - targets * z))

    at = np.array([1.0, 0.0])
    now = loss(at)
    for _ in range(_STEPS):
        p = _sigmoid(design @ at)
        gradient = design.T @ (weights * (p - targets))
        curvature = (design * (weights * p * (1 - p))[:, None]).T @ design + _RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > _CONVERGED and loss(at - size * step) > now:
            size /= 2
        at = at - size * step
        after = loss(at)
        if now - after < _CONVERGED * (1 + abs(now)):
            break
        now = after
    return float(at[0]), float(at[1])
