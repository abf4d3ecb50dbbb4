"""`plumb eval report` and `plumb eval repeat`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.evaluation.output import AsJson


def report(
    runs: Annotated[
        list[Path], typer.Argument(help="One run, or several of one kind to compare.", metavar="RUN.json...")
    ],
    out: Annotated[Path, typer.Option(help="The page to write.", metavar="FILE.html")],
) -> None:
    """Write runs as one HTML page that stands alone.

    With plots, intervals, the worst items and how to repeat each run. Several runs over the same data are compared.
    """
    from cli.console import out as console
    from evals.report.html_report import write_report
    from evals.runs.run_record import read_run_record

    write_report([read_run_record(path) for path in runs], out)
    console().print(f"Written to {out}.", soft_wrap=True)


def repeat(
    run: Annotated[Path, typer.Argument(help="A run that was written with --out.", metavar="RUN.json")],
    as_json: AsJson = False,
) -> None:
    """Print the command that made a run, and what is different now.

    Its exit code is 1 when the source, a model, a library or a setting differs from what the run used.
    """
    from cli.console import out, print_json
    from evals.runs.repeating import differences_to_now
    from evals.runs.run_record import read_run_record
    from runtime.settings import load_settings

    record = read_run_record(run)
    differing = differences_to_now(record, load_settings())
    if as_json:
        print_json(
            {
                "command": record.command,
                "data_hash": record.data_hash,
                "seeds": dict(record.seeds),
                "differing": [{"what": what, "then": then, "now": now} for what, then, now in differing],
            }
        )
    else:
        out().print(record.command, soft_wrap=True)
        for what, then, now in differing:
            out().print(f"differs: {what} was {then}, is {now}", soft_wrap=True)
        if not differing:
            out().print("Source, models, libraries and settings are those of the run.")
    if differing:
        raise typer.Exit(1)
