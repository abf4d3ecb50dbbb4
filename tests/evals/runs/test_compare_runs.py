from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from evals.runs.compare_runs import compare_many, compare_runs, regressions
from evals.runs.run_record import RunRecord
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


def test_several_runs_are_corrected_together() -> None:
    better, same = changed(f1=lambda r: r["f1"] + 0.1), run(BASE)
    first, second = compare_many(run(BASE), [better, same])
    f1 = next(d for d in first if d.metric == "f1")
    assert f1.p_holm == pytest.approx(6 * f1.p)  # three values of two runs
    assert all(d.difference == 0 for d in second)


def test_a_tolerance_lets_small_losses_through() -> None:
    worse = changed(f1=lambda r: r["f1"] - 0.02)
    assert regressions(run(BASE), worse)
    assert regressions(run(BASE), worse, tolerance=0.03) == []
    (lost,) = regressions(run(BASE), worse, tolerance=0.01)
    assert lost.difference == pytest.approx(-0.02), "what is shown is the loss, not the loss beyond the tolerance"


def test_strict_wants_proof_that_nothing_was_lost() -> None:
    noise = np.random.default_rng(8).normal(0, 0.3, len(BASE))
    noisy = changed(f1=lambda r: r["f1"] + noise[int(r["id"])])
    assert regressions(run(BASE), noisy) == []
    assert [d.metric for d in regressions(run(BASE), noisy, tolerance=0.01, strict=True)] == ["f1"]
    assert regressions(run(BASE), noisy, tolerance=0.2, strict=True) == []
    assert regressions(run(BASE), run(BASE), strict=True) == []


def judged(sharpness: float, shift: float = 0.0, count: int = 400) -> RunRecord:
    """A checker over answers whose truth is known; its scores tell the classes apart by `sharpness`."""
    generator = np.random.default_rng(11)
    records = []
    for number in range(count):
        label = int(generator.random() < 0.6)
        noise = generator.normal(0, 1)
        score = float(1 / (1 + np.exp(-(sharpness * (2 * label - 1) + noise + shift))))
        supported = score >= 0.5
        records.append(
            {
                "id": str(number),
                "score": score,
                "supported": supported,
                "label": label,
                "correct": supported == label,
                "brier": (score - label) ** 2,
                "group": f"document {number // 3}",
                "latency_ms": 5.0,
            }
        )
    return run(records)


def test_checkers_are_compared_by_ranks_calibration_and_verdicts() -> None:
    differences = {d.metric: d for d in compare_runs(judged(2.0), judged(1.0))}
    assert set(differences) == {
        *("correct", "brier", "latency_ms"),
        *("auroc", "balanced_accuracy", "f1_unsupported", "ece"),
    }, "a score or a verdict alone is neither better nor worse"
    for metric in ("auroc", "correct", "balanced_accuracy", "brier"):
        assert differences[metric].b_is_worse and differences[metric].p_holm < 0.05, metric
    auroc = differences["auroc"]
    assert auroc.low < auroc.difference < auroc.high < 0 and auroc.items == 400
    assert differences["brier"].difference > 0 and not differences["brier"].higher_is_better


def test_the_gate_sees_a_checker_that_ranks_worse_or_lost_its_calibration() -> None:
    assert regressions(judged(2.0), judged(2.0)) == []
    assert "auroc" in {d.metric for d in regressions(judged(2.0), judged(1.2))}
    shifted = {d.metric for d in regressions(judged(1.0), judged(1.0, shift=2.0))}
    assert "ece" in shifted and "auroc" not in shifted
    assert regressions(judged(1.0), judged(2.0)) == []
