"""Extractive answers and refusals on reading questions with known answers.

    python -m bench.answers DATA [--runs RUNS]     (about 5 minutes on two cores)
    python -m bench.answers DATA --small           (60 questions of each set)

DATA holds answers/squad_dev.jsonl and answers/clapnq_dev.jsonl; only the texts given with a question may be used. RUNS
is a folder in which each set's run record is kept, for `plumb eval compare-runs`.

Gold answers of squad_dev are a few words and ours whole sentences, so containment is the figure of correctness there
and exact match is shown for completeness; those of clapnq_dev are several sentences, so F1 is. The rows with `split` =
`tune` are shown apart where a set marks them: no weights are trained on those articles.
"""

from __future__ import annotations

import json
import pathlib
import tempfile

from bench.report import parse_arguments, publish, table
from evals.answers.evaluate_answers import aggregate_answers
from evals.assembly import run_answers
from evals.runs.run_record import RunRecord
from runtime.settings import Settings

SETS = ("squad_dev", "clapnq_dev")
SMALL = 60
COLUMNS = {
    "containment": "containment",
    "exact_match": "exact match",
    "f1": "F1",
    "refusal_precision": "refusal precision",
    "refusal_recall": "refusal recall",
    "false_refusal_rate": "refused though answerable",
    "false_answer_rate": "answered though unanswerable",
    "accuracy": "accuracy",
}


def main() -> None:
    arguments = parse_arguments(__doc__, data_help="folder with answers/squad_dev.jsonl", keeps_runs=True)
    quality, speed = [], []
    for name in SETS:
        file = arguments.data / "answers" / f"{name}.jsonl"
        record = _run(file, small=arguments.small)
        if arguments.runs:
            record.write(arguments.runs / f"answers-{name}.json")
        quality.append(_row(name, record, None))
        if kept := _rows_marked(file, "tune"):
            quality.append(_row(f"{name}, `tune` rows", record, kept))
        speed.append((name, f"{record.metrics['p50_ms']:.1f} / {record.metrics['p95_ms']:.1f}"))
    body = [
        "Percent, with 95% bootstrap intervals:",
        table(["set", "questions", *COLUMNS.values()], quality),
        "Latency of an answer, one at a time, reading only (nothing is searched):",
        table(["set", "ms, p50 / p95"], speed),
    ]
    publish("answers", "Extractive answers", "\n\n".join(body), arguments)


def _run(file: pathlib.Path, *, small: bool) -> RunRecord:
    command = f"python -m bench.answers ({file.name})"
    if not small:
        return run_answers(Settings(), file, command=command)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    with tempfile.TemporaryDirectory() as folder:
        part = pathlib.Path(folder) / file.name
        part.write_text("".join(lines[:: max(1, len(lines) // SMALL)]), encoding="utf-8")
        return run_answers(Settings(), part, command=command)


def _rows_marked(file: pathlib.Path, split: str) -> set[str]:
    rows = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {str(row["id"]) for row in rows if row.get("split") == split}


def _row(name: str, record: RunRecord, only: set[str] | None) -> list[str]:
    records = [item for item in record.records if only is None or item["id"] in only]
    metrics, intervals = aggregate_answers(records)
    cells = []
    for metric in COLUMNS:
        low, high = intervals.get(metric, (0.0, 0.0))
        cells.append(
            f"{100 * metrics[metric]:.1f} ({100 * low:.0f} to {100 * high:.0f})" if metric in metrics else "no refusal"
        )
    return [name, str(len(records)), *cells]


if __name__ == "__main__":
    main()
