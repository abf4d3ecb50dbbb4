from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from evals.routing.routing_replay import MODELS_KEY, profiles_to_json, replay
from evals.runs.run_record import RunRecord
from generation.language_models.model import ModelProfile, Prices, Role
from generation.routing.evidence_signals import EvidenceSignals
from generation.routing.intents import intent_of
from generation.routing.policy import RoutingPolicy
from runtime.errors import InvalidInput

PROFILES = [
    ModelProfile("small", Role.FAST, 8192, 1000, Prices(1, 1, 2)),
    ModelProfile("large", Role.POWERFUL, 8192, 1000, Prices(10, 10, 30)),
]
EVIDENCE = EvidenceSignals(10, 3, 0.6, 20.0, 0.2, 1.0, 0.6, 4000)


def arm(
    correct: bool, cost: float, ms: float, *, refused: bool = False, supported: bool | None = True
) -> dict[str, Any]:
    return {
        "answer": "It is so [1].",
        "refused": refused,
        "correct": correct,
        "exact_match": correct,
        "containment": correct,
        "f1": float(correct),
        "false_refusal": refused,
        "false_answer": None,
        "groundedness": None if supported is None else 0.9 if supported else 0.1,
        "supported": None if refused else supported,
        "latency_ms": ms,
        "cost_usd": cost,
        "search_ms": 50.0,
        "fell_back": False,
    }


def record(name: str, question: str, small: dict[str, Any], extractive_refuses: bool = False) -> dict[str, Any]:
    return {
        "id": name,
        "question": question,
        "answerable": True,
        "intent": dataclasses.asdict(intent_of(question)),
        "evidence": dataclasses.asdict(EVIDENCE),
        "arms": {
            "small": small,
            "large": arm(True, 0.01, 2050.0),
            "extractive": arm(False, 0.0, 60.0, refused=extractive_refuses),
        },
    }


def run_of(*records: dict[str, Any]) -> RunRecord:
    settings = {MODELS_KEY: profiles_to_json(PROFILES), "data": "x.jsonl"}
    return RunRecord("c", settings, None, {}, "2026-01-01T00:00:00+00:00", 1.0, {}, {}, records, "hash")


RUN = run_of(
    record("good", "What is the rent?", arm(True, 0.001, 500.0)),
    record("invented", "Who signed it?", arm(False, 0.001, 500.0, supported=False)),
    record("refused", "When does it end?", arm(False, 0.001, 500.0, refused=True)),
    record("rightly", "When did it begin?", arm(False, 0.001, 500.0, refused=True), extractive_refuses=True),
    record("compared", "Compare the leases of Basel and Bern.", arm(False, 0.001, 500.0, supported=False)),
)


def test_each_question_goes_the_way_of_the_policy() -> None:
    evaluation = replay(RUN, RoutingPolicy())
    by_id = {one["id"]: one for one in evaluation.records}
    assert [(by_id[name]["answered_by"], by_id[name]["escalated"]) for name in by_id] == [
        ("small", False),
        ("large", True),
        ("large", True),  # verbatim sentences answer: the refusal was wrong
        ("small", False),
        ("large", False),
    ]
    assert by_id["invented"]["cost_usd"] == pytest.approx(0.011)
    assert by_id["invented"]["latency_ms"] == pytest.approx(500 + 2050 - 50)  # one search
    assert "comparison" in by_id["compared"]["reason"] and by_id["compared"]["cost_usd"] == 0.01


def test_cost_latency_and_quality_against_both_extremes() -> None:
    evaluation = replay(RUN, RoutingPolicy())
    metrics = evaluation.metrics
    assert metrics["policy/accuracy"] == 0.8 and metrics["always-fast/accuracy"] == 0.2
    assert metrics["always-powerful/accuracy"] == 1.0
    assert metrics["always-powerful/cost_per_1000_usd"] == pytest.approx(10)
    assert metrics["policy/cost_per_1000_usd"] == pytest.approx(1000 * (0.001 * 4 + 0.01 * 3) / 5)
    assert metrics["always-fast/p50_ms"] == 500 and metrics["policy/escalated"] == 0.4
    assert metrics["always-fast/unsupported_rate"] == pytest.approx(2 / 3) and metrics["policy/unsupported_rate"] == 0
    assert metrics["policy - always-fast/correct"] == pytest.approx(0.6)
    low, high = evaluation.intervals["policy - always-fast/correct"]
    assert low < 0.6 < high <= 1.0
    assert metrics["policy - always-powerful/cost_usd"] < 0


def test_another_policy_gives_another_result() -> None:
    never = replay(RUN, RoutingPolicy(cascade=False, comparison_documents=0))
    assert never.metrics["policy/accuracy"] == never.metrics["always-fast/accuracy"]
    strict = replay(RUN, RoutingPolicy(weak_dense=0.9, weak_covered=1.1))
    assert {one["answered_by"] for one in strict.records} == {"extractive"}


def test_limits_of_callers_can_be_tried() -> None:
    quick = replay(RUN, RoutingPolicy(), max_latency_ms=1000)
    assert {one["answered_by"] for one in quick.records} == {"small"}
    cheap = replay(RUN, RoutingPolicy(), max_cost_usd=0.004)
    assert "large" not in {one["answered_by"] for one in cheap.records}


def test_the_same_run_and_policy_give_the_same_figures() -> None:
    assert replay(RUN, RoutingPolicy()) == replay(RUN, RoutingPolicy())


def test_a_run_of_another_kind_is_refused() -> None:
    other = dataclasses.replace(RUN, settings={})
    empty = run_of()
    strange = run_of({"id": "x", "arms": {}})
    for run in (other, empty, strange):
        with pytest.raises(InvalidInput, match="cannot be replayed"):
            replay(run, RoutingPolicy())
