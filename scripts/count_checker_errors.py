"""Count a checker's errors on answers whose truth is known: the table that the hallucination rate is corrected by.

    python -m scripts.count_checker_errors DATA_FOLDER [--checker NAME] [--threads N] [--small] [--out FILE]

Checks whole answers as the platform does, through `evals.assembly`:

- `answers`: `groundedness/lfqa_dev`, the sentences of an answer put together again; it is unsupported when people found
  one of its sentences so. Weights were never trained on this set; thresholds and calibration may have been.
- `summaries`: `groundedness/summedits`, summaries with at most one fact changed.
- `claims`: `groundedness/wice_dev`, sentences of Wikipedia against whole web pages.

and puts the counts of this checker and version in the place of earlier ones. Takes about an hour on two cores with the
default checker; `--small` takes the first answers of each kind and prints without writing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pathlib
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from evals.assembly import run_groundedness
from evals.case_files import rows
from evals.hallucination_rate.error_counts import ANSWERS, TABLE, effective
from evals.runs.run_record import RunRecord
from runtime.settings import Settings

KINDS = {ANSWERS: "lfqa_dev", "summaries": "summedits", "claims": "wice_dev"}
SMALL = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path, help="folder that holds groundedness/")
    parser.add_argument("--checker", help="a checker by name; that of the settings unless given")
    parser.add_argument("--threads", type=int, default=1, help="answers checked at a time")
    parser.add_argument("--small", action="store_true", help="a quick check of the script; prints, writes nothing")
    parser.add_argument("--out", type=pathlib.Path, default=TABLE)
    arguments = parser.parse_args()
    kinds, checker = {}, {}
    for kind, name in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / f"{name}.jsonl"
            answers = whole_answers(arguments.data / "groundedness" / f"{name}.jsonl")
            file.write_text("".join(json.dumps(answer) + "\n" for answer in answers), encoding="utf-8")
            run = run_groundedness(
                Settings(),
                file,
                checker=arguments.checker,
                limit=SMALL if arguments.small else None,
                threads=arguments.threads,
                command=f"scripts.count_checker_errors DATA: {kind}",
            )
        checker = run.models["checker"]
        kinds[kind] = counted(run, name)
        print(kind, json.dumps(kinds[kind]))
    entry = {**checker, "kinds": kinds}
    if not arguments.small:
        write(arguments.out, entry)


def whole_answers(file: pathlib.Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a set; where they are the sentences of answers (`preceding`), the answers."""
    found: dict[str, list[dict[str, Any]]] = {}
    for place, row in rows(file, hashlib.sha256()):
        whole = f"{row['question']}\n{row['model']}" if "preceding" in row else place
        found.setdefault(whole, []).append(row)
    for sentences in found.values():
        first = sentences[0]
        answer = " ".join(row["answer"].replace("</s>", "").strip() for row in sentences)
        label = min(row["label"] for row in sentences)
        yield {name: first[name] for name in ("id", "context", "question", "document") if name in first} | {
            "answer": answer,
            "label": label,
        }


def counted(run: RunRecord, name: str) -> dict[str, Any]:
    """The counts of one kind from a record of its run."""

    def side(label: int) -> dict[str, float]:
        of_side = [record for record in run.records if record["label"] == label]
        flags = [not record["supported"] for record in of_side]
        total = effective(flags, [record["group"] for record in of_side])[1]
        return {"flagged": sum(flags), "answers": len(flags), "effective": round(total, 1)}

    source = f"{name}, {len(run.records)} answers, data {run.data_hash[:12]}, {run.started[:10]}"
    return {"unsupported": side(0), "supported": side(1), "source": source}


def write(path: pathlib.Path, entry: Mapping[str, Any]) -> None:
    """Put the checker's entry in the place of that of the same name and version."""
    table = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"checkers": []}
    others = [one for one in table["checkers"] if (one["name"], one["version"]) != (entry["name"], entry["version"])]
    table["checkers"] = sorted([*others, entry], key=lambda one: (one["name"], one["version"]))
    path.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
