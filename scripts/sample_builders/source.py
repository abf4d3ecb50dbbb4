"""Reads the Markdown sources of the sample documents.

A source starts with `key: value` lines between two `---` lines. Below, the blocks that the builders know: headings
(`#` to `###`), paragraphs, `- ` and `1. ` lists, pipe tables, and `> ` remarks (a boxed note, or a speaker's note).
Inside a text, `**bold**` is the only markup.
"""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import re
from typing import Literal

BlockKind = Literal["heading", "paragraph", "bullets", "steps", "table", "remark"]

_STEP = re.compile(r"\d+\. ")
_BOLD = re.compile(r"\*\*(.+?)\*\*")


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """One block; `lines` are list items, else a single text. `rows` holds a table's cells, header row first."""

    kind: BlockKind
    lines: tuple[str, ...] = ()
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def text(self) -> str:
        return " ".join(self.lines)


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    fields: dict[str, str]
    blocks: tuple[Block, ...]

    @property
    def title(self) -> str:
        return self.fields["title"]


def read_source(path: pathlib.Path) -> Source:
    """Raises `ValueError` when the front matter or a block is malformed."""
    head, separator, body = path.read_text("utf-8").removeprefix("---\n").partition("\n---\n")
    if not separator:
        raise ValueError(f"{path} has no front matter between two --- lines")
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in head.splitlines())}
    return Source(fields, tuple(_block(part) for part in re.split(r"\n{2,}", body.strip("\n"))))


def bold_runs(text: str) -> list[tuple[str, bool]]:
    """The text cut into (piece, is bold)."""
    pieces = zip(_BOLD.split(text), itertools.cycle((False, True)), strict=False)
    return [(piece, bold) for piece, bold in pieces if piece]


def plain(text: str) -> str:
    """The text without its bold marks."""
    return _BOLD.sub(r"\1", text)


def _block(part: str) -> Block:
    lines = part.splitlines()
    first = lines[0]
    if first.startswith("#"):
        if len(lines) > 1:
            raise ValueError(f"a heading needs an empty line below it: {part!r}")
        marks, _, text = first.partition(" ")
        return Block("heading", (text,), level=len(marks))
    if first.startswith("- "):
        return Block("bullets", _items(lines, re.compile(r"- ")))
    if _STEP.match(first):
        return Block("steps", _items(lines, _STEP))
    if first.startswith("> "):
        return Block("remark", (" ".join(line.removeprefix("> ") for line in lines),))
    if first.startswith("|"):
        rows = tuple(tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines)
        if len({len(row) for row in rows}) != 1:
            raise ValueError(f"rows of unequal length: {part!r}")
        return Block("table", rows=(rows[0], *rows[2:]))
    return Block("paragraph", (" ".join(lines),))


def _items(lines: list[str], mark: re.Pattern[str]) -> tuple[str, ...]:
    items: list[str] = []
    for line in lines:
        if mark.match(line):
            items.append(mark.sub("", line, count=1))
        else:
            items[-1] += " " + line.strip()
    return tuple(items)
