"""How a report calls its runs, and the numbers in it."""

from __future__ import annotations

import dataclasses
import math
import string
from collections.abc import Sequence
from typing import Any

from evals.runs.run_record import RunRecord

TITLES = {
    "groundedness": "Groundedness checker",
    "answers": "Answers",
    "retrieval": "Retrieval",
    "routing": "Routing",
    "": "Evaluation",
}


@dataclasses.dataclass(frozen=True, slots=True)
class NamedRun:
    """A run as its report calls it: `A`, `B`, ... and what it used."""

    letter: str
    name: str
    run: RunRecord


def named(runs: Sequence[RunRecord]) -> list[NamedRun]:
    """The runs in their order; a single one needs no letter."""
    found = []
    for place, run in enumerate(runs):
        letter = string.ascii_uppercase[place] if place < 26 else str(place + 1)
        used = _used(run)
        found.append(NamedRun(letter, f"{letter} · {used}" if len(runs) > 1 else used, run))
    return found


def kind_of(run: RunRecord) -> str:
    """The kind of evaluation; of runs written before it was recorded, by what their records hold."""
    if run.kind:
        return run.kind
    fields = {field for record in run.records[:1] for field in record}
    if "label" in fields:
        return "groundedness"
    if {"refused", "answerable"} <= fields:
        return "answers"
    return "retrieval" if any(field.endswith("/ndcg@10") for field in fields) else ""


def _used(run: RunRecord) -> str:
    checker = run.models.get("checker")
    if kind_of(run) == "groundedness" and isinstance(checker, dict):
        return f"{checker.get('name')} {checker.get('version')}"
    if kind_of(run) == "answers":
        configured = ", ".join(str(model["name"]) for model in run.models.get("language_models", ()))
        return str(run.settings.get("model") or configured or "extractive")
    embedding = run.models.get("embedding")
    if kind_of(run) == "retrieval" and isinstance(embedding, dict):
        return str(embedding.get("name"))
    return (run.commit or run.started)[:10]


def number(value: float) -> str:
    """Four significant digits, thousands apart."""
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 10_000 else f"{value:.4g}"


def value_with_interval(run: RunRecord, metric: str) -> tuple[str, str]:
    """The value and its interval in words; empty where the run has none."""
    if metric not in run.metrics:
        return "", ""
    value = number(run.metrics[metric])
    if metric not in run.intervals:
        return value, ""
    low, high = run.intervals[metric]
    return value, f"{number(low)} to {number(high)}"


def finite(values: Sequence[Any]) -> list[float]:
    return [float(value) for value in values if isinstance(value, bool | int | float) and math.isfinite(value)]
