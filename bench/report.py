"""What every measurement shares: its options, its section in docs/benchmarks.md, tables and percentiles.

A section stands between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`; a new run replaces it and touches nothing
else. `--small` runs print their section and leave the file alone: their figures only check that the script works.
"""

from __future__ import annotations

import argparse
import datetime
import inspect
import os
import pathlib
import re
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evals.runs.run_record import machine_facts, source_commit

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
_LOAD_AT_START = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
_HEADER = """# Benchmarks

Written by the scripts under `bench/`, a section each (`make bench DATA=folder` runs them all). Compare figures within a
section only: those of one section come from one run on one machine.
"""


def parse_arguments(docstring: str | None, *, data_help: str, keeps_runs: bool = False) -> argparse.Namespace:
    """Arguments of a measurement: the data folder, `--small`, and `--runs` where run records can be kept.

    The script's docstring is its help.
    """
    parser = argparse.ArgumentParser(
        description=inspect.cleandoc(docstring or ""), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=pathlib.Path, help=data_help)
    parser.add_argument("--small", action="store_true", help="a quick check of the script; prints, writes no section")
    if keeps_runs:
        parser.add_argument("--runs", type=pathlib.Path, help="folder for the run records")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.error(f"{arguments.data} is not a folder")
    return arguments


def publish(name: str, title: str, body: str, arguments: argparse.Namespace) -> None:
    """Print the section; write it into docs/benchmarks.md unless the run was small."""
    section = f"## {title}\n\n{_circumstances(name, arguments)}\n\n{body.strip()}"
    print("\n" + section)
    if arguments.small:
        print("\n(small run: docs/benchmarks.md is left as it was)", file=sys.stderr)
        return
    text = BENCHMARKS.read_text(encoding="utf-8") if BENCHMARKS.exists() else _HEADER
    BENCHMARKS.parent.mkdir(exist_ok=True)
    BENCHMARKS.write_text(replace_section(text, name, section), encoding="utf-8")


def replace_section(text: str, name: str, section: str) -> str:
    """The document with the section put in place of its predecessor, or at the end."""
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    block = f"{begin}\n{section}\n{end}"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if pattern.search(text):
        return pattern.sub(lambda _match: block, text, count=1)
    return f"{text.rstrip()}\n\n{block}\n"


def _circumstances(name: str, arguments: argparse.Namespace) -> str:
    machine = machine_facts()
    libraries = ", ".join(f"{library} {version}" for library, version in machine["libraries"].items())
    # Folders of this machine stay private: DATA and RUNS stand for them.
    given = (
        (["DATA"] if getattr(arguments, "data", None) else [])
        + (["--small"] if arguments.small else [])
        + (["--runs RUNS"] if getattr(arguments, "runs", None) else [])
    )
    command = " ".join(["python -m", f"bench.{name}", *given])
    return (
        f"`{command}` on {datetime.datetime.now(datetime.UTC).date().isoformat()}, "
        f"commit `{(source_commit() or 'unknown')[:12]}`; {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']}, {libraries}. "
        f"Load before the run: {_LOAD_AT_START:.1f}."
    )


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; floats are printed as given by the caller (pass texts)."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def percentiles(values: ArrayLike) -> str:
    """ "p50 / p95" of latencies in ms."""
    p50, p95 = np.quantile(np.asarray(values, dtype=np.float64), [0.5, 0.95])
    return f"{p50:.1f} / {p95:.1f}"


def spread(values: Sequence[float], form: str = "{:.1f}") -> str:
    """Median with the range over rounds: what one run can say about its own noise."""
    return f"{form.format(float(np.median(values)))} ({form.format(min(values))} to {form.format(max(values))})"
