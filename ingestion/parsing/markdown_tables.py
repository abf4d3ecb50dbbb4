"""Tables as Markdown, the form in which every reader hands them on."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BREAKS = re.compile(r"\s*\n\s*|\s{2,}|\t")


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """A pipe table whose header is the first row; rows are filled up to the widest, empty rows and columns go.

    Empty when nothing is in it.
    """
    cells = [[_cell(text) for text in row] for row in rows]
    width = max((len(row) for row in cells), default=0)
    cells = [row + [""] * (width - len(row)) for row in cells if any(row)]
    kept = [c for c in range(width) if any(row[c] for row in cells)]
    if not cells or not kept:
        return ""
    cells = [[row[c] for c in kept] for row in cells]
    header, *body = cells
    lines = [_row(header), "|" + "---|" * len(kept), *(_row(row) for row in body)]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return _BREAKS.sub(" ", text).strip().replace("|", "\\|")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
