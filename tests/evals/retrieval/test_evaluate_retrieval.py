from __future__ import annotations

import pytest

from evals.cases import CorpusRecord, RetrievalData
from evals.retrieval.evaluate_retrieval import evaluate_retrieval

DATA = RetrievalData(
    name="harbour",
    split="dev",
    corpus=(CorpusRecord("a", "", "ferry"), CorpusRecord("b", "", "crane"), CorpusRecord("c", "", "tide")),
    queries={"q1": "ferry", "q2": "crane", "q3": "nothing fits"},
    qrels={"q1": {"a": 1}, "q2": {"b": 2, "c": 1}, "q3": {"a": 0}},
    data_hash="0" * 64,
)


def rank(text: str, arm: str) -> list[str]:
    if arm == "blind":
        return []
    return {"ferry": ["b", "a"], "crane": ["b", "c", "b", "a", "c"]}.get(text, [])


def test_a_record_has_the_rank_of_its_best_chunk() -> None:
    first, second = evaluate_retrieval(DATA, rank, ["good"]).records
    assert first["good/top"] == ["b", "a"]
    assert second["good/top"] == ["b", "c", "a"]
    assert second["good/map@100"] == 1.0


def test_metrics_are_means_of_the_records_of_each_arm() -> None:
    evaluation = evaluate_retrieval(DATA, rank, ["good", "blind"])
    assert [record["id"] for record in evaluation.records] == ["q1", "q2"]
    assert evaluation.metrics["queries_without_relevant"] == 1
    first, second = evaluation.records
    assert first["good/mrr@10"] == 0.5
    assert second["good/ndcg@10"] == pytest.approx(1.0)
    assert evaluation.metrics["good/mrr@10"] == 0.75
    assert evaluation.metrics["blind/ndcg@10"] == 0.0
    low, high = evaluation.intervals["good/mrr@10"]
    assert low <= 0.75 <= high
    assert {"good/ndcg@10", "good/recall@100", "good/mrr@10", "good/map@100", "good/p50_ms", "good/p95_ms"} <= set(
        evaluation.metrics
    )


def test_the_grade_that_counts_as_relevant_can_be_raised() -> None:
    evaluation = evaluate_retrieval(DATA, rank, ["good"], relevant_from=2)
    assert [record["id"] for record in evaluation.records] == ["q2"]
    assert evaluation.metrics["queries_without_relevant"] == 2


def test_data_without_a_relevant_record_yields_no_figures() -> None:
    evaluation = evaluate_retrieval(DATA, rank, ["good"], relevant_from=3)
    assert evaluation.metrics == {"queries": 0, "queries_without_relevant": 3}
