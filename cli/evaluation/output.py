"""What the commands of `plumb eval` share: a progress bar, and the run as a table, as JSON and as a file."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from evals.runs.run_record import RunRecord

Out = Annotated[Path | None, typer.Option("--out", help="Write the run, with every record, to this JSON file.")]
Report = Annotated[Path | None, typer.Option("--report", help="Write the run as an HTML page to this file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def show_run(
    record: RunRecord,
    path: Path | None = None,
    report: Path | None = None,
    *,
    as_json: bool = False,
    table: Callable[[RunRecord], Any] | None = None,
) -> None:
    """Print the run, as JSON or as a table, and write it to `path` and as a page to `report`."""
    from cli.console import out, print_json

    console = out()
    if as_json:
        print_json(record.to_json())
    else:
        console.print((table or metric_table)(record))
        console.print(f"{len(record.records)} records in {record.seconds:.1f} s.")
    if path is not None:
        record.write(path)
    if report is not None:
        from evals.report.html_report import write_report

        write_report([record], report)
    if not as_json:
        for written in filter(None, (path, report)):
            console.print(f"Written to {written}.", soft_wrap=True)


def metric_table(record: RunRecord, shown: Callable[[str], bool] = lambda _name: True) -> Any:
    """Metrics with their intervals, those of them that are `shown`."""
    from rich.table import Table

    table = Table("metric", box=None, pad_edge=False)
    table.add_column("value", justify="right")
    table.add_column("95% interval", justify="right")
    for name, value in record.metrics.items():
        if not shown(name):
            continue
        interval = record.intervals.get(name)
        table.add_row(name, f"{value:.4g}", f"{interval[0]:.4g} to {interval[1]:.4g}" if interval else "")
    return table


@contextlib.contextmanager
def progress_bar() -> Iterator[Callable[[str, float], None]]:
    """A bar on standard error where that is a terminal; the callback gets a stage and the share of it that is done."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from cli.console import err

    console = err()
    columns = (TextColumn("{task.description}"), BarColumn(24), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=1.0)
        yield lambda stage, share: progress.update(task, description=stage, completed=share)


def command_line() -> str:
    """The command as it was typed, for the run record."""
    return shlex.join(["plumb", *sys.argv[1:]])
