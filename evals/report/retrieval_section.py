"""The part of a report that is about retrieval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals.report.common_sections import figures, section
from evals.report.html import Html, element, joined
from evals.report.naming import NamedRun, finite
from evals.report.plots import interval_plot, latency_plot, value_plot

QUALITY = ("ndcg@10", "recall@100", "mrr@10", "map@100")

_WORST = 12


def arms_of(one: NamedRun) -> list[str]:
    return [name.removesuffix("/ndcg@10") for name in one.run.metrics if name.endswith("/ndcg@10")]


def retrieval_section(runs: Sequence[NamedRun]) -> Html:
    series = [(one, arm) for one in runs for arm in arms_of(one)]
    found = [
        (_label(one, arm, runs), [_with_interval(one, f"{arm}/{metric}") for metric in QUALITY]) for one, arm in series
    ]
    spread = [(_label(one, arm, runs), _values(one, f"{arm}/ndcg@10")) for one, arm in series]
    latencies = [(_label(one, arm, runs), _values(one, f"{arm}/ms")) for one, arm in series]
    return joined(
        [
            section("Arms", element("figure", interval_plot(QUALITY, found)), note="Means over the queries."),
            section(
                "Queries",
                figures(
                    ("nDCG@10 of each query.", value_plot(spread, "nDCG@10")),
                    ("How long one search takes, embedding of the question included.", latency_plot(latencies)),
                ),
            ),
        ]
    )


def worst_queries(one: NamedRun) -> Html:
    """The queries on which the last arm does worst, and what it found first."""
    arms = arms_of(one)
    if not arms:
        return Html("")
    arm = arms[-1]
    worst = sorted(one.run.records, key=lambda record: record[f"{arm}/ndcg@10"])[:_WORST]
    return section(f"Worst queries: {one.name}, {arm}", *(_item(record, arm, arms) for record in worst), class_="items")


def _item(record: Mapping[str, Any], arm: str, arms: Sequence[str]) -> Html:
    about = [f"id {record['id']}", *(f"{name} {record[f'{name}/ndcg@10']:.3f}" for name in arms)]
    return element(
        "article",
        element("p", " · ".join(about), class_="about"),
        element("p", str(record["question"]), class_="question") if record.get("question") else Html(""),
        element("p", "found: " + ", ".join(map(str, record.get(f"{arm}/top", ()))), class_="gold"),
    )


def _label(one: NamedRun, arm: str, runs: Sequence[NamedRun]) -> str:
    return f"{one.letter} · {arm}" if len(runs) > 1 else arm


def _values(one: NamedRun, field: str) -> list[float]:
    return finite([record.get(field) for record in one.run.records])


def _with_interval(one: NamedRun, name: str) -> tuple[float, float, float] | None:
    if name not in one.run.metrics or name not in one.run.intervals:
        return None
    return one.run.metrics[name], *one.run.intervals[name]
