"""Every question asked once of every model, with the signals a router would see: what policies are replayed over."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evals.answers.evaluate_answers import aggregate_answers, score_answer
from evals.cases import AnswerCase
from evals.runs.run_record import Evaluation
from generation.routing.evidence_signals import EvidenceSignals, evidence_signals
from generation.routing.intents import IntentKind, intent_of
from retrieval.passages import Passage, StoredChunk

AskModel = Callable[[AnswerCase, str], Mapping[str, Any]]
"""A case and a model's name to the answer object of the outward contract, that model alone answering, no cache."""

PassagesOf = Callable[[AnswerCase], Sequence[Passage]]

_KEPT = (
    "answer",
    "refused",
    "correct",
    "exact_match",
    "containment",
    "f1",
    "false_refusal",
    "false_answer",
    "groundedness",
    "supported",
    "latency_ms",
    "cost_usd",
)


def record_answers(
    cases: Sequence[AnswerCase],
    models: Sequence[str],
    ask: AskModel,
    passages_of: PassagesOf,
    *,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> Evaluation:
    """One record a question: its `intent`, its `evidence` and, by model, what the model made of it under `arms`.

    The models take turns question by question, so that a busy minute of the machine falls on all of them. A question
    without a context of its own gets its signals from the passages in the first model's answer (their texts, without
    the larger passages around them). Metrics are those of `aggregate_answers`, by model.
    """
    for model in models:
        ask(cases[0], model)  # loads what is loaded once
    records: list[dict[str, Any]] = []
    scored: dict[str, list[dict[str, Any]]] = {model: [] for model in models}
    for done, case in enumerate(cases, start=1):
        intent = intent_of(case.question)
        arms: dict[str, dict[str, Any]] = {}
        shown: Sequence[Passage] = passages_of(case) if case.context else ()
        for model in models:
            start = time.perf_counter()
            answer = ask(case, model)
            score = score_answer(case, answer, latency_ms=1000 * (time.perf_counter() - start))
            scored[model].append(score)
            timings = answer["timings_ms"]
            arms[model] = {name: score[name] for name in _KEPT} | {
                "search_ms": timings.get("retrieve", 0.0) + timings.get("rerank", 0.0),
                "fell_back": answer["model"]["name"] != model,
            }
            shown = shown or [_as_found(one) for one in answer["passages"]]
        evidence = None if intent.kind is IntentKind.CHAT else evidence_signals(case.question, shown)
        records.append(
            {
                "id": case.case_id,
                "question": case.question,
                "answerable": case.answerable,
                "intent": dataclasses.asdict(intent),
                "evidence": _as_plain(evidence),
                "arms": arms,
            }
        )
        on_progress(done / len(cases))
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    for model, scores in scored.items():
        found, around = aggregate_answers(scores)
        metrics |= {f"{model}/{name}": value for name, value in found.items()}
        metrics[f"{model}/fell_back"] = float(sum(record["arms"][model]["fell_back"] for record in records))
        intervals |= {f"{model}/{name}": interval for name, interval in around.items()}
    return Evaluation(metrics, intervals, records)


def _as_plain(evidence: EvidenceSignals | None) -> dict[str, Any] | None:
    return None if evidence is None else dataclasses.asdict(evidence)


def _as_found(shown: Mapping[str, Any]) -> Passage:
    """A passage of an answer, as far as an answer tells of it."""
    start, end = shown["span"]
    chunk = StoredChunk(
        tenant="",
        collection="",
        document_id=shown["document_id"],
        version=1,
        document_name=shown["document_name"],
        ordinal=start,
        text=shown["text"],
        start=start,
        end=end,
        page=shown["page"],
        heading_path=(shown["section"],) if shown["section"] else (),
        parent=(0, 0),
    )
    return Passage(chunk, shown["score"], shown["scores"], shown["text"], start)
