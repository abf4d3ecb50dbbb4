"""What the fit makes of readings."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from generation.checking.claim_features import FEATURES
from generation.checking.groundedness_model import TextKind
from scripts.fit_groundedness import answer_log_odds, cross_validated, fit, probabilities, wrong_fact
from scripts.groundedness_readings import ReadAnswer, ReadClaim, Reading

SOURCES = {TextKind.RETRIEVED: "lfqa_dev", TextKind.DOCUMENT: "summedits", TextKind.PASSAGE: "begin"}


def answers(count: int = 240) -> list[ReadAnswer]:
    """Supported ones align better; one unsupported answer in four has another number, one supported in fifty."""
    random = np.random.default_rng(0)
    found = []
    for number in range(count):
        kind, label = list(TextKind)[number % 3], number % 2 == 0
        values = np.zeros((2, len(FEATURES)))
        values[:, FEATURES.index("alignment")] = random.normal(0.85 if label else 0.7, 0.06, size=2)
        values[:, FEATURES.index("alignment_by_all")] = values[:, FEATURES.index("alignment")].max()
        values[:, FEATURES.index("number_differs")] = float(random.random() < (0.02 if label else 0.25))
        claim = ReadClaim(0, 9, True if label else None, (Reading(values, "", "", float(random.normal(label))),))
        training = number % 4 == 1 or number % 4 == 2
        source = SOURCES[kind]
        found.append(ReadAnswer(source, str(number), f"g{number % 20}", training, True, kind, label, (), (claim,)))
    return found


def test_scores_rank_answers_and_no_weight_has_the_wrong_sign() -> None:
    data = answers()
    model = fit(data)
    scores, labels = probabilities(model, data), np.array([answer.label for answer in data])
    assert scores[labels].mean() > 0.7 > 0.3 > scores[~labels].mean()
    assert model.coefficients[FEATURES.index("alignment")] > 0
    assert model.coefficients[FEATURES.index("number_differs")] <= -0.5
    assert all(weights.head >= 0 for weights in model.kinds.values())
    assert all(weights.wrong_fact < 0 for weights in model.kinds.values())


def test_without_the_head_its_weight_is_nothing() -> None:
    assert not fit(answers(), head=False).uses_head


def test_cross_validated_probabilities_are_calibrated_by_other_groups() -> None:
    data = [answer for answer in answers() if answer.kind is TextKind.RETRIEVED]
    found = cross_validated(fit(answers()), data, TextKind.RETRIEVED)
    assert found.mean() == pytest.approx(np.mean([answer.label for answer in data]), abs=0.06)


def test_an_answer_is_as_likely_as_its_weakest_claim_and_verbatim_ones_do_not_count() -> None:
    model, (right, wrong, *_) = fit(answers()), answers()
    both = dataclasses.replace(right, kind=wrong.kind, claims=(*right.claims, *wrong.claims))
    assert answer_log_odds(model, both) == answer_log_odds(model, wrong)
    verbatim = ReadClaim(0, 9, True, ())
    assert answer_log_odds(model, dataclasses.replace(right, claims=(verbatim,))) > 9
    assert wrong_fact([dataclasses.replace(right, claims=(verbatim,))]) == 0
