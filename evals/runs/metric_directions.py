"""Which metrics are better when they are lower, and which say nothing of quality."""

from __future__ import annotations

SPEED_AND_COST = frozenset({"ms", "latency_ms", "p50_ms", "p95_ms", "cost_usd", "cost_per_1000_usd"})

_ERRORS = frozenset(
    {
        "false_refusal",
        "false_answer",
        "false_refusal_rate",
        "false_answer_rate",
        "unsupported_rate",
        "hallucination_rate",
        "brier",
        "ece",
        "ece_cross_validated",
    }
)


def lower_is_better(metric: str) -> bool:
    """For errors, latency and cost. A prefix with a slash (`bm25/ms`) does not matter."""
    name = metric.rsplit("/", 1)[-1]
    return name in _ERRORS or name in SPEED_AND_COST


def is_quality(metric: str) -> bool:
    """Not for latency and cost, which may be worth their price."""
    return metric.rsplit("/", 1)[-1] not in SPEED_AND_COST
