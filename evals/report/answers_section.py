"""The part of a report that is about answers to questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals.report.common_sections import cards, figures, section
from evals.report.html import Html, element, joined, marked_text
from evals.report.naming import NamedRun, finite
from evals.report.plots import COLOURS, interval_plot, latency_plot, outcome_plot, value_plot

CARDS = {
    "accuracy": "accuracy",
    "f1": "F1",
    "hallucination_rate": "hallucination rate",
    "citation_recall": "citation recall",
    "citation_precision": "citation precision",
    "refusal_precision": "refusal precision",
    "refusal_recall": "refusal recall",
    "p95_ms": "p95 latency, ms",
    "cost_per_1000_usd": "cost per 1,000, USD",
}
SHARES = (
    *("accuracy", "exact_match", "containment", "f1", "answer_similarity", "refusal_precision", "refusal_recall"),
    *("false_refusal_rate", "false_answer_rate", "faithfulness", "citation_recall", "citation_precision"),
    *("unsupported_rate", "hallucination_rate"),
)
OUTCOMES = (
    ("answered rightly", COLOURS[0]),
    ("refused rightly", COLOURS[2]),
    ("answered wrongly", COLOURS[1]),
    ("refused, though answerable", COLOURS[4]),
    ("answered, though unanswerable", COLOURS[3]),
)

_WORST = 10


def answers_section(runs: Sequence[NamedRun]) -> Html:
    shown = [name for name in SHARES if any(name in one.run.metrics for one in runs)]
    shares = [(one.name, [_with_interval(one, name) for name in shown]) for one in runs]
    grounded = [(one.name, finite([record.get("groundedness") for record in one.run.records])) for one in runs]
    fitting = [(one.name, finite([record.get("f1") for record in one.run.records])) for one in runs]
    plots = []
    if any(values for _, values in fitting):
        plots.append(("F1 of each answer with its best gold answer.", value_plot(fitting, "F1")))
    if any(values for _, values in grounded):
        plots.append(("Groundedness of each answer.", value_plot(grounded, "groundedness")))
    latencies = [(one.name, [record["latency_ms"] for record in one.run.records]) for one in runs]
    plots.append(("How long one answer takes.", latency_plot(latencies)))
    return joined(
        [
            *(cards(one, CARDS) for one in runs[:1] if len(runs) == 1),
            section(
                "Outcomes",
                element("figure", outcome_plot([(one.name, _outcomes(one)) for one in runs], OUTCOMES)),
                element("figure", interval_plot(shown, shares)),
            ),
            section("Answers", figures(*plots)),
        ]
    )


def worst_questions(one: NamedRun) -> Html:
    """Wrong answers, those with unsupported content first, then by F1; then refusals of what could be answered."""
    wrong = [record for record in one.run.records if not record["correct"] and not record["refused"]]
    wrong.sort(key=lambda record: (record.get("supported") is not False, record.get("f1") or 0.0))
    refused = [record for record in one.run.records if record["refused"] and record["answerable"]]
    parts = []
    if wrong:
        parts += [element("h3", "Answered wrongly"), *map(_item, wrong[:_WORST])]
    if refused:
        parts += [element("h3", "Refused, though answerable"), *map(_item, refused[: _WORST // 2])]
    if not parts:
        parts.append(element("p", "All questions were answered rightly or rightly refused."))
    note = "A right answer holds a gold answer word for word; long answers that say it in other words count as wrong."
    return section(f"Worst answers: {one.name}", *parts, note=note, class_="items")


def _with_interval(one: NamedRun, name: str) -> tuple[float, float, float] | None:
    if name not in one.run.metrics or name not in one.run.intervals:
        return None
    return one.run.metrics[name], *one.run.intervals[name]


def _outcomes(one: NamedRun) -> list[int]:
    counts = [0] * len(OUTCOMES)
    for record in one.run.records:
        if record["answerable"]:
            counts[3 if record["refused"] else 0 if record["correct"] else 2] += 1
        else:
            counts[1 if record["refused"] else 4] += 1
    return counts


def _item(record: Mapping[str, Any]) -> Html:
    marks = [(int(start), int(end), "flagged") for start, end in record.get("unsupported_spans", ())]
    about = [f"id {record['id']}"]
    for field, words in (("f1", "F1"), ("groundedness", "groundedness")):
        if isinstance(record.get(field), int | float):
            about.append(f"{words} {record[field]:.3f}")
    golds = [str(gold) for gold in record.get("gold_answers", ())]
    return element(
        "article",
        element("p", " · ".join(about), class_="about"),
        element("p", str(record["question"]), class_="question") if record.get("question") else Html(""),
        element("p", marked_text(str(record["answer"]), marks), class_="answer"),
        element("p", "gold: " + " | ".join(golds) if golds else "not answerable", class_="gold"),
    )
