"""Accuracy, latency and cost of a model on a JSONL file of questions, in the words that model evaluators know.

    python scripts/evaluate_model.py --model extractive --dataset FILE.jsonl --metrics accuracy,latency,cost

Further metrics: refusals, citations, groundedness. The same engine and the same file as `plumb eval answers`: a line is
{"id", "question", "context", "answers", "answerable"}, `context` being a list of {"id", "title", "text"}. Questions
without a context are asked of the ingested documents.
"""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import shlex
import sys
from collections.abc import Mapping
from typing import Any

from cli.connection import Connection, connect
from evals.assembly import MEASURING, run_answers
from evals.report.html_report import write_report
from evals.runs.run_record import RunRecord
from runtime.errors import PlumblineError
from runtime.settings import load_settings

ROWS = {
    "accuracy": {
        "accuracy": "accuracy",
        "exact match": "exact_match",
        "F1": "f1",
        "answer similarity": "answer_similarity",
    },
    "latency": {"latency p50 (ms)": "p50_ms", "latency p95 (ms)": "p95_ms"},
    "refusals": {"refusal precision": "refusal_precision", "refusal recall": "refusal_recall"},
    "citations": {"citation recall": "citation_recall", "citation precision": "citation_precision"},
    "groundedness": {"faithfulness": "faithfulness", "hallucination rate": "hallucination_rate"},
    "cost": {"cost per 1,000 requests (USD)": "cost_per_1000_usd"},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="name of a configured model, or `extractive`")
    parser.add_argument("--dataset", required=True, type=pathlib.Path)
    parser.add_argument("--metrics", default="accuracy,latency,cost", help=f"of {', '.join(ROWS)}; with commas")
    parser.add_argument("--out", type=pathlib.Path, help="write the run, with every record, to this JSON file")
    parser.add_argument("--report", type=pathlib.Path, help="write the run as an HTML page to this file")
    arguments = parser.parse_args()
    metrics = [metric.strip() for metric in arguments.metrics.split(",") if metric.strip()]
    if unknown := [metric for metric in metrics if metric not in ROWS]:
        parser.error(f"unknown metric {', '.join(unknown)}; there are {', '.join(ROWS)}")
    try:
        record = evaluate(arguments.model, arguments.dataset)
        if arguments.out:
            record.write(arguments.out)
        if arguments.report:
            write_report([record], arguments.report)
    except PlumblineError as error:
        print(f"evaluate_model: {error.message}", file=sys.stderr)
        return 1
    print_table(record, arguments.model, metrics)
    return 0


def evaluate(model: str, dataset: pathlib.Path) -> RunRecord:
    settings = load_settings()
    with contextlib.ExitStack() as stack:
        connections: list[Connection] = []

        def ask_collection(question: str) -> Mapping[str, Any]:
            if not connections:  # reading questions never need the data folder
                connections.append(stack.enter_context(connect(settings)))
            return connections[0].post("/v1/ask", {"question": question, "model": model, **MEASURING})

        return run_answers(settings, dataset, command=shlex.join(sys.argv), model=model, ask_collection=ask_collection)


def print_table(record: RunRecord, model: str, metrics: list[str]) -> None:
    print(f"{model}, {record.metrics['questions']:.0f} questions\n")
    print(f"{'metric':32}{'value':>10}   95% interval")
    for label, name in (row for metric in metrics for row in ROWS[metric].items()):
        if name in record.metrics:
            low, high = record.intervals[name]
            print(f"{label:32}{record.metrics[name]:>10.4g}   {low:.4g} to {high:.4g}")


if __name__ == "__main__":
    sys.exit(main())
