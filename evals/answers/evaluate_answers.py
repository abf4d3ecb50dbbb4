"""Questions asked, answers scored: correctness, refusals, groundedness flags, latency and cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from evals.answers.answer_metrics import contains_gold, count_refusals, exact_match, token_f1, without_citation_marks
from evals.answers.answer_rates import hallucination_rate, rate_fields
from evals.cases import AnswerCase
from evals.hallucination_rate.rate_report import CountsOf
from evals.runs.run_record import Evaluation
from evals.statistics import Interval, bootstrap_interval, quantile_interval, share_interval

Ask = Callable[[AnswerCase], Mapping[str, Any]]
"""A case to the answer object of the outward contract (`answer`, `refused`, `citations`, `groundedness`, `usage`)."""


class Judge(Protocol):
    def similarity(self, answer: str, gold_answers: Sequence[str]) -> float:
        """Likeness of an answer to the gold answer nearest to it, at most 1."""

    def citations(self, answer: Mapping[str, Any]) -> tuple[float, float] | None:
        """Citation recall and precision of an answer object; `None` when it claims nothing or was not checked."""


def evaluate_answers(
    cases: Sequence[AnswerCase],
    ask: Ask,
    *,
    judge: Judge | None = None,
    counts_of: CountsOf = lambda _checker: None,
    earlier: Mapping[str, Mapping[str, Any]] | None = None,
    keep: Callable[[Mapping[str, Any]], None] = lambda _record: None,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> Evaluation:
    """Ask one question after the other; the first is asked once more beforehand, to warm up.

    A case that has a record among the `earlier` ones (by id, of a run that broke off) keeps it and is not asked again;
    `keep` gets every new record as soon as it is there.

    `exact_match`, `containment` and `f1` are means over the answerable questions, a refusal counting 0; `accuracy` is
    the share of all questions that were answered correctly or rightly refused. `faithfulness` is the mean share of
    supported claims in an answer. With a `judge`, `answer_similarity` is a mean over the answerable questions, and
    citation recall and precision over the answers that claim something. `unsupported_rate` is the raw share of flagged
    answers, `hallucination_rate` that of answers that a model wrote, corrected by `counts_of`.

    A metric without a single item it could be computed on (refusal precision without a refusal) is left out. Latency is
    the wall time of `ask` in ms.
    """
    known = dict(earlier or {})
    if first := next((case for case in cases if case.case_id not in known), None):
        ask(first)
    for done, case in enumerate(cases, start=1):
        if case.case_id not in known:
            start = time.perf_counter()
            answer = ask(case)
            record = score_answer(case, answer, 1000 * (time.perf_counter() - start), judge)
            known[case.case_id] = record
            keep(record)
        on_progress(done / len(cases))
    records = [known[case.case_id] for case in cases]
    metrics, intervals = aggregate_answers(records, counts_of)
    return Evaluation(metrics, intervals, records)


def score_answer(
    case: AnswerCase, answer: Mapping[str, Any], latency_ms: float, judge: Judge | None = None
) -> dict[str, Any]:
    """The record of one question.

    `correct`: a gold answer stands in the answer, or an unanswerable question was refused. Values that do not apply to
    the question (`f1` of an unanswerable one) or were not measured are `None`.
    """
    refused = bool(answer["refused"])
    text = "" if refused else without_citation_marks(answer["answer"])
    exact = contained = f1 = similarity = None
    if case.answerable:
        exact = not refused and exact_match(text, case.answers)
        contained = exact or (not refused and contains_gold(text, case.answers))
        f1 = 0.0 if refused else token_f1(text, case.answers)
        if judge is not None:
            similarity = 0.0 if refused else judge.similarity(text, case.answers)
    groundedness = answer["groundedness"]
    recall, precision = (judge.citations(answer) if judge is not None else None) or (None, None)
    return {
        "id": case.case_id,
        "question": case.question,
        "answer": answer["answer"],
        "gold_answers": list(case.answers),
        "refused": refused,
        "answerable": case.answerable,
        "correct": bool(contained) if case.answerable else refused,
        "exact_match": exact,
        "containment": contained,
        "f1": f1,
        "answer_similarity": similarity,
        "false_refusal": refused if case.answerable else None,
        "false_answer": None if case.answerable else not refused,
        "groundedness": groundedness["score"] if groundedness else None,
        "supported": groundedness["supported"] if groundedness else None,
        "faithfulness": _faithfulness(groundedness) if groundedness else None,
        "unsupported_spans": [list(span) for span in groundedness["unsupported_spans"]] if groundedness else [],
        "citation_recall": recall,
        "citation_precision": precision,
        "citations": list(answer["citations"]),
        "latency_ms": latency_ms,
        "cost_usd": answer["usage"]["cost_usd"],
        **rate_fields(answer),
    }


def _faithfulness(groundedness: Mapping[str, Any]) -> float | None:
    """Share of the claims that are supported (RAGAS; Es et al., 2024, arXiv:2309.15217); `None` without claims."""
    claims = [sentence["supported"] for sentence in groundedness["sentences"] if sentence["is_claim"]]
    return sum(claims) / len(claims) if claims else None


def aggregate_answers(
    records: Sequence[Mapping[str, Any]], counts_of: CountsOf = lambda _checker: None
) -> tuple[dict[str, float], dict[str, Interval]]:
    """Metrics and 95% intervals of the records of `score_answer`. `counts_of` tells how often a checker errs."""
    metrics: dict[str, float] = {"questions": len(records)}
    intervals: dict[str, Interval] = {}

    def add(name: str, value: float | None, interval: Interval) -> None:
        if value is not None:
            metrics[name], intervals[name] = value, interval

    means = {
        "accuracy": "correct",
        "exact_match": "exact_match",
        "containment": "containment",
        "f1": "f1",
        "answer_similarity": "answer_similarity",
        "false_refusal_rate": "false_refusal",
        "false_answer_rate": "false_answer",
        "faithfulness": "faithfulness",
        "citation_recall": "citation_recall",
        "citation_precision": "citation_precision",
    }
    for name, field in means.items():
        values = [float(record[field]) for record in records if record.get(field) is not None]
        add(name, float(np.mean(values)) if values else None, share_interval(values))

    counts = count_refusals((record["refused"], record["answerable"]) for record in records)
    refused = np.array([record["refused"] for record in records], dtype=float)
    unanswerable = np.array([not record["answerable"] for record in records], dtype=float)
    add("refusal_precision", counts.precision, share_interval(refused * unanswerable, refused))
    add("refusal_recall", counts.recall, share_interval(refused * unanswerable, unanswerable))

    flags = [float(not record["supported"]) for record in records if record["supported"] is not None]
    add("unsupported_rate", float(np.mean(flags)) if flags else None, share_interval(flags))

    if (corrected := hallucination_rate(records, counts_of)) is not None:
        add("hallucination_rate", *corrected)

    latencies = [record["latency_ms"] for record in records]
    for name, q in (("p50_ms", 0.5), ("p95_ms", 0.95)):
        add(name, float(np.quantile(latencies, q)), quantile_interval(latencies, q))
    costs = [1000 * record["cost_usd"] for record in records]
    add("cost_per_1000_usd", float(np.mean(costs)), bootstrap_interval(costs))
    return metrics, intervals
