"""Fit the default checker: what makes a probability of the features of a claim's windows.

    python -m scripts.fit_groundedness DATA_FOLDER [--out generation/checking/groundedness_model.json]
        [--readings FILE] [--small]

Takes about ten minutes on two cores; with `--readings` what is computed of the texts is kept in a file, or read from it
when it is there, and fitting takes half a minute.

1. Coefficients over the features, on sets whose licences allow weights to be trained on them: `squad_synthetic`
   (articles of `split` train), half of `begin`, `halueval_qa` and the SNLI part of `snli_sick` (by context), and the
   answers in half of `answers/clapnq_dev`: supported by their passage, not supported by it once the sentences marked as
   evidence are taken out. Each set counts the same, and in it each label. No feature of coverage may lower the score
   and no difference raise it; differences that the sets hardly show are drawn to -1.
2. Four weights a kind of text, which calibrate it, on whole answers by their weakest claim: `retrieved` on lfqa_dev,
   `document` on summedits, `passage` on the articles of squad_synthetic and the half of begin that neither the
   coefficients nor the head were trained on.
3. The threshold of each kind, that with the best balanced accuracy there.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from generation.checking.claim_features import DIFFERENCES, EVERYWHERE, FEATURES, IN_WINDOW
from generation.checking.contradiction.structured_checks import Mismatch
from generation.checking.coverage.evidence_windows import Floats
from generation.checking.groundedness_model import (
    HEAD_RANGE,
    MODEL_FILE,
    WRONG_FACTS,
    GroundednessModel,
    KindWeights,
    TextKind,
)
from scripts.fit_extractive import balance
from scripts.groundedness_readings import ReadAnswer, ReadClaim, Reading, readings

COVERAGE = ("alignment", "alignment_by_all", "word_pairs")
"""Features of coverage that are used; the others added nothing on sets that were not trained on."""

LEAST_DIFFERENCE = -0.5
"""What a difference counts at least, though the training sets may not show it."""

FOUND = frozenset(kind.value for kind in (*EVERYWHERE, *IN_WINDOW)) - {Mismatch.INSERTED.value}
"""Differences that are used. Inserted words are marked in an unsupported sentence, but coverage counts them already."""

USED = tuple(name for name in FEATURES if name in COVERAGE or name in FOUND)
CALIBRATED_ON = {
    TextKind.RETRIEVED: ("lfqa_dev",),
    TextKind.DOCUMENT: ("summedits",),
    TextKind.PASSAGE: ("squad_synthetic", "begin"),
}
LEAST_COVERAGE_WEIGHT = {TextKind.RETRIEVED: 0.3, TextKind.PASSAGE: 0.3, TextKind.DOCUMENT: 0.1}
"""Also of a summary the coverage tells something: that it is about this document at all."""

MOST_DIFFERENCE = 3.0

VERBATIM = 9.2
"""Log odds of what stands in the evidence word for word, as the checker's greatest probability."""

ROUNDS = 4
FOLDS = 10
_PENALTY = 2e-4


def fit_coefficients(answers: Sequence[ReadAnswer], used: Sequence[str] = USED) -> GroundednessModel:
    """A model whose kinds all weigh alike. On each claim's best window, chosen anew by each round's model."""
    alike = KindWeights(1.0, 1.0, 0.0, 0.0)
    columns = [FEATURES.index(name) for name in used]
    prior = np.array([-1.0 if name in DIFFERENCES else 0.0 for name in used])
    bounds = [
        (None, LEAST_DIFFERENCE) if name in FOUND else (None, 0.0) if name in DIFFERENCES else (0.0, None)
        for name in used
    ]
    coefficients = np.array([0.0 if name in DIFFERENCES else float(name in COVERAGE) for name in FEATURES])
    model = GroundednessModel(coefficients, -2.0, dict.fromkeys(TextKind, alike))
    for _ in range(ROUNDS):
        rows, labels, sets, parts = [], [], [], []
        for answer in answers:
            own = [(*best_window(model, answer.kind, claim), claim.label) for claim in answer.claims if claim.readings]
            if own and not answer.label and not answer.spans:
                own = [min(own, key=lambda one: one[0])]
            for _, values, label in own:
                rows.append(values[columns])
                labels.append(answer.label if label is None else label)
                sets.append(answer.source)
                parts.append(1 / len(own))
        weights = balance(list(zip(sets, labels, strict=True))) * np.array(parts)
        fitted = logistic(np.array(rows), np.array(labels), weights, prior, bounds)
        coefficients = np.zeros(len(FEATURES))
        coefficients[columns] = fitted[:-1]
        model = dataclasses.replace(model, coefficients=coefficients, bias=float(fitted[-1]))
    return model


def logistic(
    rows: Floats,
    labels: NDArray[np.bool_],
    weights: Floats,
    prior: Floats,
    bounds: Sequence[tuple[float | None, float | None]],
) -> Floats:
    """Coefficients, the bias last, of least weighted loss within the bounds, drawn a little to the prior."""
    shares = weights / weights.sum()
    targets = labels.astype(np.float64)

    def loss(at: Floats) -> tuple[float, Floats]:
        z = rows @ at[:-1] + at[-1]
        away = at[:-1] - prior
        gradient = shares * (1 / (1 + np.exp(-np.clip(z, -30, 30))) - targets)
        value = float(shares @ (np.logaddexp(0, z) - targets * z)) + _PENALTY * float(away @ away)
        return value, np.append(rows.T @ gradient + 2 * _PENALTY * away, gradient.sum())

    start = np.append(prior, 0.0)
    found: Floats = minimize(loss, start, jac=True, bounds=[*bounds, (None, None)], method="L-BFGS-B").x
    return found


def fit_kind(answers: Sequence[ReadAnswer], model: GroundednessModel, kind: TextKind, *, head: bool) -> KindWeights:
    """On whole answers, each by its weakest claim's best window; sets count alike."""
    weights = KindWeights(1.0, 1.0, 0.3 if head else 0.0, 0.0, wrong_fact(answers))
    labels = np.array([answer.label for answer in answers])
    shares = balance([answer.source for answer in answers])
    least = LEAST_COVERAGE_WEIGHT[kind]
    for _ in range(ROUNDS):
        model = dataclasses.replace(model, kinds={**model.kinds, kind: weights})
        rows, fixed, asked = [], [], []
        for position, answer in enumerate(answers):
            found = weakest(model, answer, kind)
            if found is not None:
                coverage, difference, read, added = found
                rows.append((coverage, difference, read if head else 0.0))
                fixed.append(added)
                asked.append(position)
        fitted = _with_offset(np.array(rows), np.array(fixed), labels[asked], shares[asked], least)
        weights = KindWeights(*fitted[:2], fitted[2] if head else 0.0, fitted[3], weights.wrong_fact)
    return weights


def _with_offset(rows: Floats, offset: Floats, labels: NDArray[np.bool_], weights: Floats, least: float) -> list[float]:
    shares, targets = weights / weights.sum(), labels.astype(np.float64)

    def loss(at: Floats) -> tuple[float, Floats]:
        z = rows @ at[:-1] + at[-1] + offset
        gradient = shares * (1 / (1 + np.exp(-np.clip(z, -30, 30))) - targets)
        return float(shares @ (np.logaddexp(0, z) - targets * z)), np.append(rows.T @ gradient, gradient.sum())

    bounds = [(least, None), (0.1, MOST_DIFFERENCE), (0.0, None), (None, None)]
    found: list[float] = minimize(loss, np.array([1.0, 0.5, 0.2, 0.0]), jac=True, bounds=bounds).x.tolist()
    return found


def claim_log_odds(model: GroundednessModel, kind: TextKind, reading: Reading) -> Floats:
    """As the checker computes them, head included where it would be asked: float64 (windows,)."""
    alone = model.log_odds(reading.values, kind)
    asked = model.kinds[kind].head and alone.max() > model.clearly_not
    return model.log_odds(reading.values, kind, reading.head) if asked else alone


def best_window(model: GroundednessModel, kind: TextKind, claim: ReadClaim) -> tuple[float, Floats]:
    """Log odds and features of the best window of the better reading."""
    found = [(claim_log_odds(model, kind, one), one) for one in claim.readings]
    odds, reading = max(found, key=lambda one: float(one[0].max()))
    return float(odds.max()), reading.values[int(np.argmax(odds))]


def weakest(model: GroundednessModel, answer: ReadAnswer, kind: TextKind) -> tuple[float, float, float, float] | None:
    """Coverage, difference, the head's log odds and what is fixed, of the claim that the answer rests on."""
    claims = [claim for claim in answer.claims if claim.readings]
    if not claims:
        return None
    claim = min(claims, key=lambda one: best_window(model, kind, one)[0])
    reading = max(claim.readings, key=lambda one: float(claim_log_odds(model, kind, one).max()))
    window = int(np.argmax(claim_log_odds(model, kind, reading)))
    values = reading.values[window : window + 1]
    coverage, difference = (float(one[0]) for one in model.sums(values))
    fixed = float(model.fixed(values, reading.head if model.kinds[kind].head else None)[0])
    return coverage, difference, float(np.clip(reading.head, -HEAD_RANGE, HEAD_RANGE)), fixed


def states_wrong_fact(answer: ReadAnswer) -> bool:
    """Whether a number, name or unit in it is another, or none, of the evidence."""
    columns = [FEATURES.index(kind.value) for kind in WRONG_FACTS]
    return any(one.values[:, columns].any() for claim in answer.claims for one in claim.readings)


def wrong_fact(answers: Sequence[ReadAnswer]) -> float:
    """Log odds of "supported" among the answers with a wrong fact."""
    labels = [answer.label for answer in answers if states_wrong_fact(answer)]
    return float(np.log((sum(labels) + 1) / (len(labels) - sum(labels) + 1)))


def answer_log_odds(model: GroundednessModel, answer: ReadAnswer) -> float:
    """Of the whole answer: those of its weakest claim."""
    found = [best_window(model, answer.kind, claim)[0] if claim.readings else VERBATIM for claim in answer.claims]
    return float(np.clip(min(found, default=VERBATIM), -VERBATIM, VERBATIM))


def probabilities(model: GroundednessModel, answers: Sequence[ReadAnswer]) -> Floats:
    """Of whole answers, that they are supported: float64 (answers,)."""
    return 1 / (1 + np.exp(-np.array([answer_log_odds(model, answer) for answer in answers])))


def calibration_sets(answers: Sequence[ReadAnswer]) -> Mapping[TextKind, list[ReadAnswer]]:
    return {
        kind: [one for one in answers if one.kind is kind and one.unseen and one.source in CALIBRATED_ON[kind]]
        for kind in TextKind
    }


def with_kinds(model: GroundednessModel, answers: Sequence[ReadAnswer], *, head: bool = True) -> GroundednessModel:
    own = calibration_sets(answers)
    return dataclasses.replace(model, kinds={kind: fit_kind(own[kind], model, kind, head=head) for kind in TextKind})


def cross_validated(
    model: GroundednessModel, answers: Sequence[ReadAnswer], kind: TextKind, *, head: bool = True
) -> Floats:
    """Probabilities of the answers of a kind, its weights fitted on those of other groups: float64 (answers,)."""
    names = sorted({answer.group for answer in answers})
    folds = min(FOLDS, len(names))
    fold_of = {name: place % folds for place, name in enumerate(np.random.default_rng(0).permutation(names).tolist())}
    own = np.array([fold_of[answer.group] for answer in answers])
    found = np.zeros(len(answers))
    for fold in range(folds):
        weights = fit_kind([one for one, at in zip(answers, own, strict=True) if at != fold], model, kind, head=head)
        fitted = dataclasses.replace(model, kinds={**model.kinds, kind: weights})
        places = np.flatnonzero(own == fold)
        found[places] = probabilities(fitted, [answers[place] for place in places])
    return found


def best_threshold(scores: Floats, labels: NDArray[np.bool_]) -> float:
    """That with the best balanced accuracy; among equally good ones the middle one."""
    tried = np.round(np.arange(0.3, 0.71, 0.01), 2)
    found = np.array([(scores[labels] >= one).mean() + (scores[~labels] < one).mean() for one in tried])
    return float(np.median(tried[found >= found.max() - 0.002]).round(2))


def with_thresholds(model: GroundednessModel, answers: Sequence[ReadAnswer]) -> GroundednessModel:
    kinds = dict(model.kinds)
    for kind, own in calibration_sets(answers).items():
        labels = np.array([answer.label for answer in own])
        if own:
            kinds[kind] = dataclasses.replace(kinds[kind], threshold=best_threshold(probabilities(model, own), labels))
    return dataclasses.replace(model, kinds=kinds)


def fit(answers: Sequence[ReadAnswer], *, head: bool = True) -> GroundednessModel:
    model = with_kinds(fit_coefficients([answer for answer in answers if answer.training]), answers, head=head)
    return with_thresholds(model, answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=MODEL_FILE)
    parser.add_argument("--readings", type=Path, help="file that keeps what is computed of the texts")
    parser.add_argument("--small", action="store_true", help="a twentieth of the rows, to see that it runs")
    arguments = parser.parse_args()

    answers = readings(arguments.data, arguments.readings, small=arguments.small)
    model = fit(answers)
    arguments.out.write_text(json.dumps(model.to_json(), indent=1) + "\n")
    print(json.dumps(model.to_json(), indent=1))


if __name__ == "__main__":
    main()
