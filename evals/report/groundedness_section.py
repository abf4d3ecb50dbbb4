"""The part of a report that is about checkers of groundedness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals.report.common_sections import cards, figures, section
from evals.report.html import Html, element, joined, marked_text
from evals.report.naming import NamedRun
from evals.report.plots import latency_plot, reliability_plot, roc_plot, score_histograms

CARDS = {
    "auroc": "AUROC",
    "balanced_accuracy": "balanced accuracy",
    "f1_unsupported": "F1 of “unsupported”",
    "ece": "calibration error (ECE)",
    "ece_cross_validated": "ECE, recalibrated",
    "span_f1": "F1 of unsupported words",
    "p95_ms": "p95 latency, ms",
}

_WORST = 8


def groundedness_section(runs: Sequence[NamedRun]) -> Html:
    scored = [
        (one.name, [record["score"] for record in one.run.records], [record["label"] for record in one.run.records])
        for one in runs
    ]
    both = [one for one in scored if len(set(one[2])) == 2]
    plots = [
        ("Predicted probability against the share that people found supported, in bins of equal mass. On the line, "
         "probabilities can be taken at their word.", reliability_plot(scored)),
        ("Scores by what people found.", score_histograms(scored)),
        ("How long one answer takes to check.",
         latency_plot([(one.name, [record["latency_ms"] for record in one.run.records]) for one in runs])),
    ]  # fmt: skip
    if both:
        plots.insert(
            0, ("Supported answers passed against unsupported ones passed, as the threshold falls.", roc_plot(both))
        )
    return joined([*(cards(one, CARDS) for one in runs[:1] if len(runs) == 1), section("Scores", figures(*plots))])


def worst_answers(one: NamedRun) -> Html:
    """Unsupported answers with the highest scores, and supported ones with the lowest."""
    missed = sorted((record for record in one.run.records if not record["label"]), key=lambda record: -record["score"])
    alarms = sorted((record for record in one.run.records if record["label"]), key=lambda record: record["score"])
    passed = [record for record in missed if record["supported"]][:_WORST]
    flagged = [record for record in alarms if not record["supported"]][:_WORST]
    parts = []
    if passed:
        parts += [element("h3", "Passed, and people found them unsupported"), *map(_item, passed)]
    if flagged:
        parts += [element("h3", "Flagged, and people found them supported"), *map(_item, flagged)]
    if not parts:
        parts.append(element("p", "No verdict differs from that of people."))
    key = joined(
        [
            element("mark", "flagged by the checker", class_="flagged"),
            Html(" "),
            element("mark", "marked by people", class_="labelled"),
        ]
    )
    return section(f"Worst answers: {one.name}", element("p", key, class_="note"), *parts, class_="items")


def _item(record: Mapping[str, Any]) -> Html:
    marks = [(int(start), int(end), "flagged") for start, end in record.get("unsupported_spans", ())]
    marks += [(int(start), int(end), "labelled") for start, end in record.get("label_spans", ())]
    about = [f"id {record['id']}", f"score {record['score']:.3f}"]
    about += [f"{name} {record[name]}" for name in ("kind", "domain") if name in record]
    quotes = list(dict.fromkeys(one["quote"] for one in record.get("sentences", ()) if one.get("quote")))
    return element(
        "article",
        element("p", " · ".join(about), class_="about"),
        element("p", record["question"], class_="question") if record.get("question") else Html(""),
        element("p", marked_text(str(record.get("answer", "")), marks), class_="answer"),
        *(element("blockquote", quote) for quote in quotes[:2]),
    )
