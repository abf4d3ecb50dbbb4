from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from evals.compare_runs import compare_runs, regressions
from evals.run_record import RunRecord
from runtime.errors import InvalidInput


def run(records: list[dict[str, Any]]) -> RunRecord:
    return RunRecord("c", {}, None, {}, "2026-01-01T00:00:00+00:00", 1.0, {}, {}, records, data_hash="h")


GENERATOR = np.random.default_rng(7)
BASE = [
    {"id": str(i), "f1": float(f1), "latency_ms": 10.0, "false_answer": None if i % 2 else False, "refused": False}
    for i, f1 in enumerate(GENERATOR.random(120))
]


def changed(**fields: Any) -> RunRecord:
    return run([record | {name: change(record) for name, change in fields.items()} for record in BASE])


def test_differences_are_paired_and_directed() -> None:
    slower_but_better = changed(f1=lambda r: r["f1"] + 0.1, latency_ms=lambda r: 12.0)
    differences = {d.metric: d for d in compare_runs(run(BASE), slower_but_better)}
    assert set(differences) == {"f1", "latency_ms", "false_answer"}
    f1 = differences["f1"]
    assert f1.difference == pytest.approx(0.1) and f1.low == pytest.approx(0.1) and f1.items == 120
    assert f1.p < 0.001 and f1.p_holm == pytest.approx(3 * f1.p) and not f1.b_is_worse
    assert differences["latency_ms"].b_is_worse and not differences["latency_ms"].higher_is_better
    assert differences["false_answer"].items == 60 and differences["false_answer"].p == 1.0


def test_items_are_matched_by_id_not_by_place() -> None:
    reordered = run(list(reversed(BASE)))
    assert all(d.difference == 0 for d in compare_runs(run(BASE), reordered))


def test_the_gate_fails_on_a_significant_loss_of_quality_only() -> None:
    base = run(BASE)
    assert regressions(base, base) == []
    assert regressions(base, changed(latency_ms=lambda r: 99.0)) == []
    assert [d.metric for d in regressions(base, changed(f1=lambda r: r["f1"] - 0.1))] == ["f1"]
    assert regressions(base, changed(f1=lambda r: r["f1"] + 0.1)) == []
    more_inventions = changed(false_answer=lambda r: None if r["false_answer"] is None else int(r["id"]) % 4 == 0)
    assert [d.metric for d in regressions(base, more_inventions)] == ["false_answer"]


def test_noise_does_not_fail_the_gate() -> None:
    noise = np.random.default_rng(8).normal(0, 0.05, len(BASE))
    assert regressions(run(BASE), changed(f1=lambda r: r["f1"] + noise[int(r["id"])])) == []


def test_runs_over_different_data_are_refused() -> None:
    with pytest.raises(InvalidInput, match="different data"):
        compare_runs(run(BASE), dataclasses.replace(run(BASE), data_hash="other"))
    with pytest.raises(InvalidInput, match="no per-item value in common"):
        compare_runs(run(BASE), run([{"id": "0", "bm25/ndcg@10": 1.0}]))
