"""`plumb eval retrieval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.evaluation.output import AsJson, Out, Report, command_line, progress_bar, show_run


def retrieval(
    data: Annotated[Path, typer.Option(help="Folder in BEIR form: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv.")],
    split: Annotated[str, typer.Option(help="Which judgments: qrels/SPLIT.tsv.")] = "dev",
    arms: Annotated[str, typer.Option(help="Which arms, with commas.")] = "bm25,dense,fused,reranked",
    relevant_from: Annotated[int, typer.Option(help="Lowest grade that recall, MRR and MAP count as relevant.")] = 1,
    out: Out = None,
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well the right passages are found.

    In an index of its own, which is dropped afterwards.
    """
    from evals.assembly import run_retrieval
    from runtime.settings import load_settings

    names = [arm.strip() for arm in arms.split(",") if arm.strip()]
    with progress_bar() as on_progress:
        record = run_retrieval(
            load_settings(),
            data,
            split=split,
            arms=names,
            relevant_from=relevant_from,
            command=command_line(),
            on_progress=on_progress,
        )
    show_run(record, out, report, as_json=as_json)
