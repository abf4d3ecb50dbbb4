from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from evals.groundedness.evaluate_groundedness import aggregate_groundedness, cross_validated, evaluate_groundedness
from evals.groundedness.groundedness_cases import GroundednessCase

GENERATOR = np.random.default_rng(3)


def case(number: int, *, supported: bool, spans: tuple[tuple[int, int], ...] | None = None) -> GroundednessCase:
    kind = "right" if supported else ("number" if number % 2 else "name")
    return GroundednessCase(
        str(number), ("text",), "Ten boats left the pier.", supported, f"document {number // 4}", kind=kind, spans=spans
    )


CASES = tuple(case(number, supported=number % 3 != 0) for number in range(240))
SCORES = {case.case_id: float(np.clip(GENERATOR.normal(0.6 if case.supported else 0.4, 0.2), 0, 1)) for case in CASES}


def verify(case: GroundednessCase) -> Mapping[str, Any]:
    score = SCORES[case.case_id]
    spans = [] if score >= 0.5 else [[0, 9]]
    return {"score": score, "supported": score >= 0.5, "sentences": [], "unsupported_spans": spans, "latency_ms": score}


def test_the_order_and_the_number_of_threads_change_nothing() -> None:
    one = evaluate_groundedness(CASES, verify)
    other = evaluate_groundedness(tuple(reversed(CASES)), verify, threads=4)
    assert one.metrics == other.metrics and one.intervals == other.intervals
    assert list(one.records) == list(reversed(other.records))


def test_metrics_and_their_intervals() -> None:
    evaluation = evaluate_groundedness(CASES, verify)
    metrics, intervals = evaluation.metrics, evaluation.intervals
    assert metrics["answers"] == 240 and metrics["supported_share"] == pytest.approx(2 / 3)
    assert 0.65 < metrics["auroc"] < 0.85
    for name in ("auroc", "balanced_accuracy", "f1_unsupported", "ece", "ece_cross_validated", "brier", "p95_ms"):
        low, high = intervals[name]
        assert low <= metrics[name] <= high and high - low < 0.4, name
    assert metrics["ece_cross_validated"] < metrics["ece"], "these scores lie too near one another"
    assert metrics["kind:right/answers"] == 160 and "kind:right/auroc" not in metrics
    flagged = [not verify(one)["supported"] for one in CASES if one.kind == "number"]
    assert metrics["kind:number/flagged"] == pytest.approx(np.mean(flagged))
    low, high = aggregate_groundedness([one | {"supported": False} for one in evaluation.records])[1][
        "kind:name/flagged"
    ]
    assert high == 1 and 0.8 < low < 1, "forty answers that are all flagged do not prove that all would be"


def test_calibration_learns_from_other_groups_only() -> None:
    """Labels that follow the group alone: whoever saw the own group's labels would look calibrated."""
    groups = [str(number // 30) for number in range(600)]
    labels = np.array([int(group) % 2 for group in groups], dtype=float)
    scores = np.random.default_rng(1).random(600)
    calibrated = cross_validated(scores, labels, groups)
    assert calibrated is not None
    assert abs(float(np.corrcoef(calibrated, labels)[0, 1])) < 0.9
    moved = np.where(np.array(groups) == "7", 1.0, 0.0)
    again = cross_validated(scores, np.abs(labels - moved), groups)
    assert again is not None
    own = np.array(groups) == "7"
    assert np.array_equal(calibrated[own], again[own]) and not np.array_equal(calibrated[~own], again[~own])


def test_spans_are_compared_token_by_token() -> None:
    marked = case(0, supported=False, spans=((0, 3), (19, 23)))  # "Ten", "pier"
    score = {"score": 0.1, "supported": False, "sentences": [], "unsupported_spans": [[0, 9]], "latency_ms": 1.0}
    evaluation = evaluate_groundedness([marked], lambda _case: score)
    assert evaluation.records[0]["span_tokens"] == [1, 1, 1]  # "Ten" found, "boats" wrong, "pier" missed
    assert evaluation.metrics["span_precision"] == evaluation.metrics["span_recall"] == pytest.approx(0.5)
    assert evaluation.metrics["span_f1"] == pytest.approx(0.5)


def test_what_is_not_defined_is_left_out() -> None:
    metrics, _ = aggregate_groundedness(evaluate_groundedness(CASES[:1], verify).records)
    assert {"auroc", "balanced_accuracy", "span_f1", "ece_cross_validated"}.isdisjoint(metrics)
    assert {"f1_unsupported", "ece", "p50_ms"} <= metrics.keys()
