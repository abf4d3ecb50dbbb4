from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from evals.answers.evaluate_answers import evaluate_answers
from evals.cases import AnswerCase


def answer(text: str, *, refused: bool = False, supported: bool | None = None) -> dict[str, Any]:
    claim = {"span": [0, len(text)], "is_claim": True, "supported": supported}
    courtesy = {"span": [0, 0], "is_claim": False, "supported": True}
    return {
        "answer": text,
        "refused": refused,
        "citations": [] if refused else [{"marker": 1}],
        "groundedness": None
        if supported is None
        else {
            "score": 0.9 if supported else 0.2,
            "supported": supported,
            "sentences": [claim, courtesy],
            "unsupported_spans": [] if supported else [[0, 4]],
            "checker": {"name": "counted", "version": "1", "threshold": 0.5},
        },
        "usage": {"cost_usd": 0.002},
        "unsupported_removed": 0,
        "model": {"name": "small", "route": "fast"},
    }


CASES = (
    AnswerCase("exact", "Where?", (), ("North Pier",), True),
    AnswerCase("inside", "Where else?", (), ("South Quay",), True),
    AnswerCase("refused", "When?", (), ("at nine",), True),
    AnswerCase("rightly", "Who painted it?", (), (), False),
    AnswerCase("invented", "Who sold it?", (), (), False),
)
GIVEN = {
    "exact": answer("The North Pier. [1]", supported=True),
    "inside": answer("Boats leave from the South Quay. [1]", supported=True),
    "refused": answer("The documents do not say at nine.", refused=True),
    "rightly": answer("The documents do not say.", refused=True),
    "invented": answer("Mara sold it. [1]", supported=False),
}


def ask(case: AnswerCase) -> Mapping[str, Any]:
    return GIVEN[case.case_id]


def test_scores_of_each_question() -> None:
    records = {record["id"]: record for record in evaluate_answers(CASES, ask).records}
    assert records["exact"]["exact_match"] and records["exact"]["f1"] == 1.0
    inside = records["inside"]
    assert inside["correct"] and inside["containment"] and not inside["exact_match"] and 0 < inside["f1"] < 1
    refused = records["refused"]
    assert not refused["correct"] and not refused["containment"] and refused["f1"] == 0.0 and refused["false_refusal"]
    assert records["rightly"]["correct"] and records["rightly"]["f1"] is None
    assert not records["invented"]["correct"] and records["invented"]["false_answer"]
    assert inside["citations"] == [{"marker": 1}] and inside["groundedness"] == 0.9
    assert inside["faithfulness"] == 1.0 and records["invented"]["faithfulness"] == 0.0
    assert records["invented"]["unsupported_spans"] == [[0, 4]] and inside["answer_similarity"] is None


def test_metrics_over_all_questions() -> None:
    evaluation = evaluate_answers(CASES, ask)
    metrics = evaluation.metrics
    assert metrics["questions"] == 5
    assert metrics["accuracy"] == pytest.approx(3 / 5)
    assert metrics["exact_match"] == pytest.approx(1 / 3)
    assert metrics["containment"] == pytest.approx(2 / 3)
    assert metrics["refusal_precision"] == pytest.approx(1 / 2)
    assert metrics["refusal_recall"] == pytest.approx(1 / 2)
    assert metrics["false_refusal_rate"] == pytest.approx(1 / 3)
    assert metrics["false_answer_rate"] == pytest.approx(1 / 2)
    assert metrics["unsupported_rate"] == pytest.approx(1 / 3)
    assert metrics["faithfulness"] == pytest.approx(2 / 3)
    assert metrics["cost_per_1000_usd"] == pytest.approx(2.0)
    assert metrics["p50_ms"] <= metrics["p95_ms"]
    assert set(evaluation.intervals) == set(metrics) - {"questions"}


class Lenient:
    """Finds every answer half alike and the citations of all but the shortest answer right."""

    def similarity(self, answer: str, gold_answers: Sequence[str]) -> float:
        return 0.5

    def citations(self, answer: Mapping[str, Any]) -> tuple[float, float] | None:
        return None if answer["refused"] else (1.0, float(len(answer["answer"]) > 20))


def test_a_judge_adds_what_words_do_not_tell() -> None:
    metrics = evaluate_answers(CASES, ask, judge=Lenient()).metrics
    assert metrics["answer_similarity"] == pytest.approx(0.5 * 2 / 3), "a refusal is like no gold answer"
    assert metrics["citation_recall"] == 1.0 and metrics["citation_precision"] == pytest.approx(1 / 3)


def test_what_cannot_be_computed_is_left_out() -> None:
    metrics = evaluate_answers(CASES[:1], lambda case: answer("North Pier")).metrics
    assert {"refusal_precision", "refusal_recall", "unsupported_rate", "false_answer_rate"}.isdisjoint(metrics)
    assert metrics["exact_match"] == 1.0
