"""`plumb eval compare-runs` and `plumb eval gate`."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.evaluation.output import AsJson

if TYPE_CHECKING:
    from evals.runs.compare_runs import Difference

EXIT_WORSE = 1
EXIT_INCOMPARABLE = 2


def compare_runs(
    a: Annotated[Path, typer.Argument(help="The run to compare with.", metavar="A.json")],
    others: Annotated[list[Path], typer.Argument(help="The run or runs to compare.", metavar="B.json...")],
    as_json: AsJson = False,
) -> None:
    """Compare runs over the same data with the first.

    Differences B - A with 95% confidence intervals; p values corrected for all of them together. Exits with 2 for runs
    that cannot be compared.
    """
    from cli.console import out, print_json
    from evals.runs.compare_runs import compare_many
    from evals.runs.run_record import read_run_record

    with _incomparable():
        found = compare_many(read_run_record(a), [read_run_record(path) for path in others])
    if as_json:
        runs = [
            {"run": str(path), "differences": [_as_json(one) for one in differences]}
            for path, differences in zip(others, found, strict=True)
        ]
        print_json({"baseline": str(a), "runs": runs})
        return
    for path, differences in zip(others, found, strict=True):
        if len(others) > 1:
            out().print(f"{path} against {a}", soft_wrap=True)
        out().print(_difference_table(differences))


def gate(
    baseline: Annotated[Path, typer.Option(help="The run that must not be fallen behind.", metavar="A.json")],
    candidate: Annotated[Path, typer.Option(help="The run to judge.", metavar="B.json")],
    tolerance: Annotated[float, typer.Option(min=0, help="Let losses up to this through, in a metric's units.")] = 0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail too where a greater loss cannot be ruled out (few items).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fail (exit 1) when quality fell significantly from A to B.

    For pipelines; speed and cost do not count. Exits with 2 for runs that cannot be compared.
    """
    from cli.console import out, print_json
    from evals.runs.compare_runs import regressions
    from evals.runs.run_record import read_run_record

    with _incomparable():
        lost = regressions(read_run_record(baseline), read_run_record(candidate), tolerance=tolerance, strict=strict)
    if as_json:
        losses = [_as_json(one) for one in lost]
        print_json({"passed": not lost, "tolerance": tolerance, "strict": strict, "regressions": losses})
    elif lost:
        out().print(_difference_table(lost))
        if strict:
            out().print(f"Quality fell, or a loss of more than {tolerance:g} cannot be ruled out.")
        else:
            more = f" by more than {tolerance:g}" if tolerance else ""
            out().print(f"Quality fell significantly{more} (p < 0.05 after Holm's correction).")
    else:
        out().print("Quality did not fall." if strict else "Quality did not fall significantly.")
    if lost:
        raise typer.Exit(EXIT_WORSE)


@contextlib.contextmanager
def _incomparable() -> Iterator[None]:
    """What cannot be compared ends with another code than what was compared and is worse."""
    from cli.console import err, printable
    from runtime.errors import InvalidInput

    try:
        yield
    except InvalidInput as error:
        err().print("error: ", end="", style="bold red")
        err().print(printable(error.message), soft_wrap=True)
        raise typer.Exit(EXIT_INCOMPARABLE) from None


def _as_json(difference: Difference) -> dict[str, Any]:
    return dataclasses.asdict(difference) | {"verdict": _verdict(difference)}


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
    return "B is worse" if row.b_is_worse else "B is better"
