"""`plumb eval groundedness`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.evaluation.output import AsJson, Out, Report, command_line, metric_table, progress_bar, show_run

if TYPE_CHECKING:
    from evals.runs.run_record import RunRecord


def groundedness(
    data: Annotated[Path, typer.Option(help="JSONL: id, context (texts), answer, label (1 supported, 0 not).")],
    checker: Annotated[str | None, typer.Option(help="Which checker; that of the settings otherwise.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many answers.")] = None,
    group_by: Annotated[
        str | None, typer.Option(help="Field whose equal values hang together (document, question, ...).")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Answers at a time, for checkers that wait for a server.")] = 1,
    out: Out = None,
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well a checker tells supported answers from others.

    Answers are cut into sentences and checked against their own context alone, as the platform checks its own.
    """
    from evals.assembly import run_groundedness
    from runtime.settings import load_settings

    with progress_bar() as on_progress:
        record = run_groundedness(
            load_settings(),
            data,
            checker=checker,
            limit=limit,
            group_by=group_by,
            threads=threads,
            command=command_line(),
            on_progress=on_progress,
        )
    show_run(record, out, report, as_json=as_json, table=_tables)


def _tables(record: RunRecord) -> Any:
    """The metrics, then one row a kind and a domain."""
    from rich.console import Group
    from rich.table import Table

    parts: dict[str, dict[str, str]] = {}
    for name, value in record.metrics.items():
        if "/" in name:
            part, metric = name.rsplit("/", 1)
            parts.setdefault(part, {})[metric] = f"{value:.4g}"
    overall = metric_table(record, lambda name: "/" not in name)
    if not parts:
        return overall
    table = Table(box=None, pad_edge=False)
    table.add_column("part", overflow="fold")
    columns = ("answers", "flagged", "auroc", "balanced_accuracy")
    for column in columns:
        table.add_column(column, justify="right")
    for part, metrics in parts.items():
        table.add_row(part, *(metrics.get(column, "") for column in columns))
    return Group(overall, "", table)
