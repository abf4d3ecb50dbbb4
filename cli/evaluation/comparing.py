"""`plumb eval compare-runs` and `plumb eval gate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from evals.compare_runs import Difference


def compare_two(
    a: Annotated[Path, typer.Argument(help="The run to compare with.", metavar="A.json")],
    b: Annotated[Path, typer.Argument(help="The run to compare.", metavar="B.json")],
) -> None:
    """Compare two runs over the same data.

    Differences B - A with 95% confidence intervals.
    """
    from cli.console import out
    from evals.compare_runs import compare_runs
    from evals.run_record import read_run_record

    differences = compare_runs(read_run_record(a), read_run_record(b))
    out().print(_difference_table(differences))


def gate(
    baseline: Annotated[Path, typer.Option(help="The run that must not be fallen behind.", metavar="A.json")],
    candidate: Annotated[Path, typer.Option(help="The run to judge.", metavar="B.json")],
) -> None:
    """Fail (exit 1) when quality fell significantly from A to B.

    For pipelines; speed and cost do not count.
    """
    from cli.console import out
    from evals.compare_runs import regressions
    from evals.run_record import read_run_record

    lost = regressions(read_run_record(baseline), read_run_record(candidate))
    if lost:
        out().print(_difference_table(lost))
        out().print("Quality fell significantly (p < 0.05 after Holm's correction).")
        raise typer.Exit(1)
    out().print("Quality did not fall significantly.")


def _difference_table(differences: list[Difference]) -> Any:
    from rich.table import Table

    table = Table("metric", box=None, pad_edge=False)
    for heading in ("items", "A", "B", "B - A", "95% interval", "p (Holm)"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for row in differences:
        interval = f"{row.low:+.4g} to {row.high:+.4g}"
        values = (
            str(row.items),
            f"{row.a:.4g}",
            f"{row.b:.4g}",
            f"{row.difference:+.4g}",
            interval,
            f"{row.p_holm:.3f}",
        )
        table.add_row(row.metric, *values, _verdict(row))
    return table


def _verdict(row: Difference) -> str:
    if row.p_holm >= 0.05 or row.difference == 0:
        return "no clear difference"
    return "B is better" if (row.difference > 0) == row.higher_is_better else "B is worse"
