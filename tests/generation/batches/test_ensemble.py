from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from generation.answers import Answer, CheckerInfo, Groundedness
from generation.batches.ensemble import Ensemble, Member
from generation.language_models.model import ModelBusy
from retrieval.assembly import build_embedder
from runtime.errors import ToldError
from runtime.settings import Settings
from tests.generation.batches.test_agreement import REFUSAL, answer


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return Ensemble(build_embedder(Settings()))


def supported(text: str, score: float, **options: Any) -> Answer:
    graded = Groundedness(score, score >= 0.5, (), (), CheckerInfo("c", "1", 0.5))
    return dataclasses.replace(answer(text, **options), groundedness=graded)


def members(*answers: Answer) -> list[Member]:
    return [Member(f"m{n}", one) for n, one in enumerate(answers)]


def test_the_best_supported_of_the_majority_speaks(ensemble: Ensemble) -> None:
    found = ensemble.consensus(
        members(
            supported("Full-time employees get 30 days of annual leave.", 0.99),
            supported("Annual leave is 28 days for full-time employees.", 0.7),
            supported("Full-time employees have 28 days of annual leave.", 0.9),
        )
    )
    assert found.chosen.answer.startswith("Full-time employees have 28")
    assert found.majority == 2
    assert found.agreement is not None and 0.25 < found.agreement < 0.6
    assert [told for told in found.disagreements if told.startswith("number")] == [
        "number: 30 / 28 (m0 / m1)",
        "number: 30 / 28 (m0 / m2)",
    ]


def test_without_a_majority_the_better_supported_speaks(ensemble: Ensemble) -> None:
    weak, strong = supported("It opened in 1912.", 0.55), supported("It opened in 1921.", 0.95)
    assert ensemble.consensus(members(weak, strong)).chosen is strong
    assert ensemble.consensus(members(weak, strong)).majority == 1
    assert ensemble.consensus(members(REFUSAL, strong)).chosen is strong
    assert ensemble.consensus(members(supported("It opened in 1912.", 0.2), REFUSAL)).chosen is REFUSAL


def test_all_the_same(ensemble: Ensemble) -> None:
    one = supported("The canteen closes at two.", 0.9)
    found = ensemble.consensus(members(one, one, one))
    assert (found.agreement, found.majority, found.disagreements) == (1.0, 3, ())
    assert ensemble.consensus(members(REFUSAL, REFUSAL)).agreement == 1.0


def test_a_member_that_failed_is_shown_and_does_not_count(ensemble: Ensemble) -> None:
    failed = Member("busy", None, ToldError.of(ModelBusy("It has too much to do.")))
    found = ensemble.consensus([failed, *members(supported("The canteen closes at two.", 0.9))])
    told = found.to_json()
    assert (told["agreement"], told["majority"]) == (None, 1)
    assert told["answers"][0] == {"model": "busy", "error": {"code": "model_busy", "message": "It has too much to do."}}
    assert told["answers"][1]["groundedness"] == 0.9
