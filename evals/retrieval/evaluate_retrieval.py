"""Every arm of the retriever on every judged query: metrics with intervals, and each query's own scores and latency."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from evals.cases import RetrievalData
from evals.retrieval.retrieval_metrics import average_precision, ndcg, recall, reciprocal_rank
from evals.runs.run_record import Evaluation
from evals.statistics import Interval, bootstrap_interval, quantile_interval

Rank = Callable[[str, str], Sequence[str]]
"""Question and arm to the record ids of the chunks found, best first; a record may occur several times.

The order counts, not the scores: those of candidates that a reranker looked at and those of the rest have no common
scale. Equal scores are the retriever's to order; it does so by chunk id, so that a run repeats exactly.
"""

_KEPT_IN_RECORD = 10


def evaluate_retrieval(
    data: RetrievalData,
    rank: Rank,
    arms: Sequence[str],
    *,
    relevant_from: int = 1,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> Evaluation:
    """Score the arms side by side, query by query, so that a drift of the machine's speed falls on all alike.

    A record has the rank of its best chunk. Queries without a relevant record are left out and counted. Latency is
    the wall time of `rank` in ms, which includes embedding the question; one call an arm beforehand warms up.
    """
    judged = {
        query_id: grades
        for query_id, grades in data.qrels.items()
        if any(grade >= relevant_from for grade in grades.values())
    }
    for arm in arms:
        rank(next(iter(data.queries.values())), arm)
    records = []
    for done, (query_id, grades) in enumerate(judged.items(), start=1):
        record: dict[str, Any] = {"id": query_id, "question": data.queries[query_id]}
        for arm in arms:
            start = time.perf_counter()
            found = rank(data.queries[query_id], arm)
            elapsed_ms = 1000 * (time.perf_counter() - start)
            ranking = list(dict.fromkeys(found))
            scores = query_scores(ranking, grades, relevant_from) | {"ms": elapsed_ms}
            record |= {f"{arm}/{name}": value for name, value in scores.items()}
            record[f"{arm}/top"] = ranking[:_KEPT_IN_RECORD]
        records.append(record)
        on_progress(done / len(judged))
    metrics: dict[str, float] = {"queries": len(judged), "queries_without_relevant": len(data.qrels) - len(judged)}
    intervals: dict[str, Interval] = {}
    for arm in arms if records else ():
        arm_metrics, arm_intervals = _aggregate(arm, records)
        metrics |= arm_metrics
        intervals |= arm_intervals
    return Evaluation(metrics, intervals, records)


def query_scores(ranking: Sequence[str], grades: Mapping[str, int], relevant_from: int = 1) -> dict[str, float]:
    """The quality metrics of one query."""
    return {
        "ndcg@10": ndcg(ranking, grades, 10),
        "recall@100": recall(ranking, grades, 100, relevant_from),
        "mrr@10": reciprocal_rank(ranking, grades, 10, relevant_from),
        "map@100": average_precision(ranking, grades, 100, relevant_from),
    }


def _aggregate(arm: str, records: Sequence[Mapping[str, Any]]) -> tuple[dict[str, float], dict[str, Interval]]:
    metrics, intervals = {}, {}
    for metric in ("ndcg@10", "recall@100", "mrr@10", "map@100"):
        values = [record[f"{arm}/{metric}"] for record in records]
        metrics[f"{arm}/{metric}"] = float(np.mean(values))
        intervals[f"{arm}/{metric}"] = bootstrap_interval(values)
    latencies = [record[f"{arm}/ms"] for record in records]
    for name, q in (("p50_ms", 0.5), ("p95_ms", 0.95)):
        metrics[f"{arm}/{name}"] = float(np.quantile(latencies, q))
        intervals[f"{arm}/{name}"] = quantile_interval(latencies, q)
    return metrics, intervals
