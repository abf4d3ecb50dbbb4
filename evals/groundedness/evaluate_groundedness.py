"""Answers whose truth is known, checked: how well scores, verdicts and unsupported spans agree with people's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.groundedness.groundedness_cases import GroundednessCase
from evals.groundedness.groundedness_metrics import (
    auroc,
    balanced_accuracy,
    brier,
    calibration_error,
    calibration_error_by_chance,
    f1_unsupported,
)
from evals.runs.run_record import Evaluation
from evals.statistics import Interval, bootstrap_interval, quantile_interval, share_interval, statistic_interval
from generation.checking.calibration import CalibrationImpossible, fit

Verify = Callable[[GroundednessCase], Mapping[str, Any]]
"""A case to the checker's part of its record: `score`, `supported`, `sentences`, `unsupported_spans`, `latency_ms`."""

FOLDS = 10

_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORTH_AN_INTERVAL = 20


def evaluate_groundedness(
    cases: Sequence[GroundednessCase],
    verify: Verify,
    *,
    threads: int = 1,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> Evaluation:
    """Check every answer, `threads` at a time; the first is checked once more beforehand, to warm up.

    The result does not depend on the order of the cases or the number of threads, latencies apart.
    """
    verify(cases[0])
    records: list[dict[str, Any]] = []
    with ThreadPoolExecutor(threads) as pool:
        for done, (case, found) in enumerate(zip(cases, pool.map(verify, cases), strict=True), start=1):
            records.append(score_check(case, found))
            on_progress(done / len(cases))
    metrics, intervals = aggregate_groundedness(records)
    return Evaluation(metrics, intervals, records)


def score_check(case: GroundednessCase, found: Mapping[str, Any]) -> dict[str, Any]:
    """The record of one answer. `span_tokens` are [found, wrong, missed] tokens where people marked the spans."""
    score, supported = float(found["score"]), bool(found["supported"])
    record: dict[str, Any] = {
        "id": case.case_id,
        "score": score,
        "supported": supported,
        "label": int(case.supported),
        "correct": supported == case.supported,
        "brier": (score - case.supported) ** 2,
        "sentences": found["sentences"],
        "unsupported_spans": found["unsupported_spans"],
        "latency_ms": found["latency_ms"],
        "group": case.group,
        "answer": case.answer,
    }
    if found.get("warnings"):
        record["warnings"] = list(found["warnings"])
    given = {"question": case.question, "kind": case.kind, "domain": case.domain}
    record |= {name: value for name, value in given.items() if value}
    if case.spans is not None:
        record["label_spans"] = [list(span) for span in case.spans]
        record["span_tokens"] = _span_tokens(case.answer, found["unsupported_spans"], case.spans)
    return record


def _span_tokens(answer: str, found: Sequence[Sequence[int]], known: Sequence[Sequence[int]]) -> list[int]:
    """True positives, false positives and false negatives among the words and marks of the answer."""
    counts = [0, 0, 0]
    for token in _TOKEN.finditer(answer):
        flagged, unsupported = (
            any(start < token.end() and token.start() < end for start, end in spans) for spans in (found, known)
        )
        if flagged or unsupported:
            counts[0 if flagged and unsupported else 1 if flagged else 2] += 1
    return counts


def aggregate_groundedness(records: Sequence[Mapping[str, Any]]) -> tuple[dict[str, float], dict[str, Interval]]:
    """Metrics and 95% intervals of the records of `score_check`.

    `warned_share` is that of answers about which the checker warns, such as that another one judged part of them.
    A metric that is not defined on them (AUROC when all labels are alike) is left out. Intervals draw whole groups.
    `ece_by_chance` is what `ece` would be if the scores were exactly right, `ece_cross_validated` is the calibration
    error after recalibration on the labels of other groups (Platt's scaling in ten folds). `kind:NAME/...` and
    `domain:NAME/...` are the same over a part of the answers.
    """
    ordered = sorted(records, key=lambda record: str(record["id"]))
    metrics: dict[str, float] = {
        "answers": len(ordered),
        "supported_share": float(np.mean([record["label"] for record in ordered])),
    }
    if warned := sum("warnings" in record for record in ordered):
        metrics["warned_share"] = warned / len(ordered)
    intervals: dict[str, Interval] = {}
    _add_agreement(ordered, "", metrics, intervals)
    _add_spans(ordered, metrics, intervals)
    latencies = [record["latency_ms"] for record in ordered]
    for name, q in (("p50_ms", 0.5), ("p95_ms", 0.95)):
        metrics[name], intervals[name] = float(np.quantile(latencies, q)), quantile_interval(latencies, q)
    for field in ("kind", "domain"):
        names = sorted({record[field] for record in ordered if field in record})
        for name in names if len(names) > 1 else ():
            part = [record for record in ordered if record.get(field) == name]
            _add_part(part, f"{field}:{name}/", metrics, intervals)
    return metrics, intervals


def _add_agreement(
    records: Sequence[Mapping[str, Any]], prefix: str, metrics: dict[str, float], intervals: dict[str, Interval]
) -> None:
    scores, verdicts, labels = (
        np.array([record[field] for record in records], dtype=np.float64) for field in ("score", "supported", "label")
    )
    groups = [record["group"] for record in records]
    by_score = np.argsort(scores, kind="stable")
    calibrated = cross_validated(scores, labels, groups)

    def add(name: str, statistic: Callable[[NDArray[np.float64] | None], float | None]) -> None:
        value = statistic(None)
        if value is not None:
            metrics[prefix + name] = value
            intervals[prefix + name] = statistic_interval(statistic, value, groups)

    add("auroc", lambda w: auroc(scores[by_score], labels[by_score], None if w is None else w[by_score]))
    add("balanced_accuracy", lambda w: balanced_accuracy(verdicts, labels, w))
    add("f1_unsupported", lambda w: f1_unsupported(verdicts, labels, w))
    add("ece", lambda w: calibration_error(scores, labels, w))
    metrics[f"{prefix}ece_by_chance"], intervals[f"{prefix}ece_by_chance"] = calibration_error_by_chance(scores)
    if calibrated is not None:
        add("ece_cross_validated", lambda w: calibration_error(calibrated, labels, w))
    add("brier", lambda w: brier(scores, labels, w))


def cross_validated(
    scores: NDArray[np.float64], labels: NDArray[np.float64], groups: Sequence[str]
) -> NDArray[np.float64] | None:
    """Each score recalibrated by Platt's scaling on the groups of other folds; `None` where a fold lacks a class."""
    names = sorted(set(groups))
    if len(names) < 2:
        return None
    fold_of = {name: place % FOLDS for place, name in enumerate(np.random.default_rng(0).permutation(names).tolist())}
    folds = np.array([fold_of[group] for group in groups])
    calibrated = np.empty_like(scores)
    try:
        for fold in sorted(set(folds.tolist())):
            own = folds == fold
            calibrated[own] = fit(scores[~own], labels[~own] > 0, source="other folds").probabilities(scores[own])
    except CalibrationImpossible:
        return None
    return calibrated


def _add_spans(records: Sequence[Mapping[str, Any]], metrics: dict[str, float], intervals: dict[str, Interval]) -> None:
    """Over the tokens of all answers together (micro average)."""
    counts = np.array([record["span_tokens"] for record in records if "span_tokens" in record], dtype=np.float64)
    if not counts.size or not counts.any():
        return
    right, wrong, missed = counts.T
    ratios = {
        "span_precision": (right, right + wrong),
        "span_recall": (right, right + missed),
        "span_f1": (2 * right, 2 * right + wrong + missed),
    }
    for name, (top, bottom) in ratios.items():
        if bottom.any():
            metrics[name] = float(top.sum() / bottom.sum())
            intervals[name] = bootstrap_interval(top, bottom)


def _add_part(
    records: Sequence[Mapping[str, Any]], prefix: str, metrics: dict[str, float], intervals: dict[str, Interval]
) -> None:
    scores, verdicts, labels = (
        np.array([record[field] for record in records], dtype=np.float64) for field in ("score", "supported", "label")
    )
    groups = [record["group"] for record in records]
    metrics[f"{prefix}answers"] = len(records)
    flagged = 1 - verdicts
    metrics[f"{prefix}flagged"] = float(flagged.mean())
    if 0 < flagged.sum() < len(flagged):
        share = statistic_interval(lambda w: float(np.average(flagged, weights=w)), float(flagged.mean()), groups)
    else:
        share = share_interval([flagged[0]] * len(set(groups)))  # a group tells as much as an answer of its own
    intervals[f"{prefix}flagged"] = share
    parts: dict[str, Callable[[NDArray[np.float64] | None], float | None]] = {
        "auroc": lambda w: auroc(scores, labels, w),
        "balanced_accuracy": lambda w: balanced_accuracy(verdicts, labels, w),
    }
    for name, statistic in parts.items():
        value = statistic(None)
        if value is not None:
            metrics[prefix + name] = value
            if len(records) >= _WORTH_AN_INTERVAL:
                intervals[prefix + name] = statistic_interval(statistic, value, groups)
