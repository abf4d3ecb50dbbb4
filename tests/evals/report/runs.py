"""Runs to report on, small and made up; their texts try to break out of the page."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from evals.answers.evaluate_answers import aggregate_answers
from evals.groundedness.evaluate_groundedness import aggregate_groundedness
from evals.runs.run_record import RunRecord, machine_facts

EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)> & \u202eabc\x07 $x_1$ --> "


def run(kind: str, records: list[dict[str, Any]], **changed: Any) -> RunRecord:
    return dataclasses.replace(
        RunRecord(
            command=f"plumb eval {kind} --data '{EVIL}'",
            settings={"data": f"{EVIL}.jsonl", "top_k": 10},
            commit="0123456789abcdef",
            machine=machine_facts(),
            started="2026-01-01T00:00:00+00:00",
            seconds=1.5,
            metrics={},
            intervals={},
            records=records,
            data_hash="h",
            kind=kind,
            models={"checker": {"name": EVIL, "version": "1"}, "embedding": {"name": EVIL, "sha256": "0" * 64}},
            seeds={"statistics": 0},
        ),
        **changed,
    )


@functools.cache
def groundedness_run(sharpness: float = 1.5, count: int = 60, *, only: int | None = None) -> RunRecord:
    generator = np.random.default_rng(1)
    records = []
    for number in range(count):
        label = int(generator.random() < 0.6) if only is None else only
        score = float(1 / (1 + np.exp(-(sharpness * (2 * label - 1) + generator.normal()))))
        records.append(
            {
                "id": f"{number}{EVIL}",
                "score": score,
                "supported": score >= 0.5,
                "label": label,
                "correct": (score >= 0.5) == bool(label),
                "brier": (score - label) ** 2,
                "sentences": [{"span": [0, 5], "is_claim": True, "score": score, "supported": True, "quote": EVIL}],
                "unsupported_spans": [[0, 20]] if score < 0.5 else [],
                "label_spans": [] if label else [[10, 30]],
                "span_tokens": [1, 1, 1],
                "latency_ms": 5.0 + number,
                "group": f"document {number // 3}",
                "answer": f"The answer {number} {EVIL}",
                "question": EVIL,
                "kind": f"{EVIL}{number % 3}",
                "domain": "harbour" if number % 2 else "airport",
            }
        )
    metrics, intervals = aggregate_groundedness(records)
    return run("groundedness", records, metrics=metrics, intervals=intervals)


@functools.cache
def answers_run(shift: float = 0.0) -> RunRecord:
    records = []
    for number in range(40):
        answerable, refused = number % 4 != 0, number % 5 == 0
        f1 = None if not answerable else 0.0 if refused else min(1.0, (number % 7) / 7 + shift)
        records.append(
            {
                "id": str(number),
                "question": EVIL,
                "answer": EVIL,
                "gold_answers": [EVIL],
                "refused": refused,
                "answerable": answerable,
                "correct": refused if not answerable else bool(f1 and f1 > 0.5),
                "exact_match": False if answerable else None,
                "containment": False if answerable else None,
                "f1": f1,
                "answer_similarity": f1,
                "false_refusal": refused if answerable else None,
                "false_answer": None if answerable else not refused,
                "groundedness": None if refused else 0.7,
                "supported": None if refused else number % 3 != 0,
                "faithfulness": None if refused else 0.5,
                "unsupported_spans": [] if refused else [[3, 9]],
                "citation_recall": None,
                "citation_precision": None,
                "citations": [],
                "latency_ms": 10.0,
                "cost_usd": 0.0,
                "outcome": "refused" if refused else "supported" if number % 3 else "unsupported",
                "route": "fast",
                "checker": None if refused else ["counted", "1"],
            }
        )
    metrics, intervals = aggregate_answers(records)
    return run("answers", records, metrics=metrics, intervals=intervals)


def retrieval_run() -> RunRecord:
    records = [
        {
            "id": str(number),
            "question": EVIL,
            **{f"{arm}/{metric}": (number % 5) / 4 for arm in ("bm25", "fused") for metric in ("ndcg@10", "mrr@10")},
            "bm25/ms": 3.0,
            "fused/ms": 4.0,
            "fused/top": [EVIL, "b"],
        }
        for number in range(30)
    ]
    metrics = {"queries": 30.0, "bm25/ndcg@10": 0.5, "fused/ndcg@10": 0.5, "fused/p95_ms": 4.0}
    return run("retrieval", records, metrics=metrics, intervals={"bm25/ndcg@10": (0.4, 0.6)})
