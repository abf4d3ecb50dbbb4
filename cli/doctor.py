"""`plumb doctor`: what is configured, what answers, what is missing, and what to do about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli.doctor_checks import Check
    from runtime.settings import SettingRow

_STYLES = {"ok": "green", "note": "yellow", "problem": "bold red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Check this installation.

    Ends with 1 when something that is needed is missing.
    """
    from cli.console import print_json
    from cli.doctor_checks import all_checks
    from runtime.settings import load_settings

    settings = load_settings()
    rows, checks = settings.describe(), all_checks(settings)
    well = not any(check.state == "problem" for check in checks)
    if as_json:
        shown = [dataclasses.asdict(row) for row in rows]
        print_json({"ok": well, "settings": shown, "checks": [dataclasses.asdict(check) for check in checks]})
    else:
        _print(rows, checks)
    if not well:
        raise typer.Exit(1)


def _print(rows: Sequence[SettingRow], checks: Sequence[Check]) -> None:
    from rich.table import Table
    from rich.text import Text

    from cli.console import out, printable

    console = out()
    table = Table("setting", "value", "from", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row.variable, Text(printable(row.value)), row.origin, style="" if row.name else "yellow")
    console.print(table)
    console.print()
    for check in checks:
        console.print(f"{check.state:<8}", style=_STYLES[check.state], end="")
        console.print(f"{check.name}: {printable(check.detail)}", soft_wrap=True)
        if check.remedy:
            console.print(f"        → {printable(check.remedy)}", soft_wrap=True)
