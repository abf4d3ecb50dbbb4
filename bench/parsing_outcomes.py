"""Parses every file of a folder through the sandbox and writes what became of each to docs/parsing.md.

    python bench/parsing_outcomes.py DATA_FOLDER [--only PART_OF_NAME] [--out docs/parsing.md]

DATA_FOLDER is walked; names in the table are relative to it. The introduction of the page, everything above the line
that this script writes first, is kept as it is. `--only` restricts the run to names that contain the text and prints
the table without writing it (the small variant).
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ingestion.documents import DocumentRejected, ElementKind  # noqa: E402
from ingestion.parsing.limits import ParseLimits  # noqa: E402
from ingestion.parsing.sandbox import ParserPool  # noqa: E402

MARK = "<!-- written by bench/parsing_outcomes.py from here on -->"


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    name: str
    format: str
    outcome: str
    pages: int | None
    elements: int
    tables: int
    seconds: float
    reason: str


def main() -> None:
    arguments = parse_arguments()
    folder: Path = arguments.folder
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    files = [path for path in files if not arguments.only or arguments.only in str(path)]
    outcomes = []
    with ParserPool(ParseLimits()) as pool:
        for path in files:
            outcome = parse(pool, path, str(path.relative_to(folder)))
            outcomes.append(outcome)
            print(f"{outcome.seconds:7.2f}s {outcome.outcome:20} {outcome.name} {outcome.reason}", flush=True)
    page = render(outcomes, f"python bench/parsing_outcomes.py {folder.name}")
    if arguments.only:
        print(page)
        return
    before = arguments.out.read_text(encoding="utf-8").split(MARK)[0] if arguments.out.exists() else "# Parsing\n\n"
    arguments.out.write_text(before + page, encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "parsing.md")
    return parser.parse_args()


def parse(pool: ParserPool, path: Path, name: str) -> Outcome:
    started = time.perf_counter()
    suffix = path.suffix.lstrip(".").lower()
    try:
        document = pool.parse(path, path.name)
    except DocumentRejected as rejected:
        seconds = time.perf_counter() - started
        return Outcome(name, suffix, rejected.code, None, 0, 0, seconds, rejected.message)
    seconds = time.perf_counter() - started
    tables = sum(element.kind is ElementKind.TABLE for element in document.elements)
    return Outcome(
        name,
        document.media_type.rsplit("/", 1)[-1].rsplit(".", 1)[-1],
        "parsed",
        document.page_count,
        len(document.elements),
        tables,
        seconds,
        " ".join(document.warnings),
    )


def render(outcomes: list[Outcome], command: str) -> str:
    counts = collections.Counter(outcome.outcome for outcome in outcomes)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    lines = [
        MARK,
        "",
        f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, commit {commit}, {platform.machine()}, Python "
        f"{platform.python_version()}: {len(outcomes)} files, "
        + ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
        + f"; {sum(outcome.seconds for outcome in outcomes):.0f} s in one parser process.",
        "",
        "| file | format | outcome | pages | elements | tables | seconds | reason or warning |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in outcomes:
        name, reason = one.name.replace("|", "\\|"), one.reason.replace("|", "\\|").replace("\n", " ")
        lines.append(
            f"| {name} | {one.format} | {one.outcome} | {one.pages or ''} | {one.elements or ''} | {one.tables or ''} "
            f"| {one.seconds:.2f} | {reason} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
