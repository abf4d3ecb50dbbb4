"""A passage's text in pieces: sentences, list items, headings, table headers and table rows, in reading order.

A table row says little without its header row, so a row has a second text for scoring: its cells with the names of
their columns. Header rows are those up to the rule of a Markdown table and the ones that follow it with an empty first
cell (column names over two lines).
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import re
from collections.abc import Iterator

from ingestion.sentences import sentence_spans

_RULE_ROW = re.compile(r"\|?[\s:|-]*-{2,}[\s:|-]*\|?")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_SENTENCE_END = re.compile(r"[.!?…。！？:;][\"'”’»)\]]*$")
_CONTENTS_LINE = re.compile(r"\.{3}\s*\d+$")
_BULLET = re.compile(r"^(?:[-*+•▪◦‣–·]|\(?\w{1,3}[.)])\s+")
_HEADING_WORDS = 8
_LINES_OF_A_LIST = 3
_SHORT_LINE = 90


class PieceKind(enum.Enum):
    SENTENCE = "sentence"
    HEADING = "heading"
    TABLE_HEADER = "table header"
    TABLE_ROW = "table row"
    MARKS = "marks"  # no letter and no digit, or a line of a table of contents


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """`[start, end)` of the text; `scored` is what a question is compared with."""

    start: int
    end: int
    kind: PieceKind
    scored: str


@functools.lru_cache(maxsize=1024)
def pieces(text: str) -> tuple[Piece, ...]:
    """All pieces of a text: together they hold every character that is not white space.

    Those of the last texts are kept: packing, the check and the extractive model ask for the same.
    """
    return tuple(_pieces(text))


def _pieces(text: str) -> Iterator[Piece]:
    header: list[str] = []
    table_begins = True
    for start, end in _spans(text):
        own = text[start:end]
        if not own.startswith("|"):
            header, table_begins = [], True
            yield Piece(start, end, _kind(text, start, end), own)
            continue
        lines = own.split("\n")
        if any(_RULE_ROW.fullmatch(line) for line in lines):
            header = cells(lines[0]) if not _RULE_ROW.fullmatch(lines[0]) else header
            yield Piece(start, end, PieceKind.TABLE_HEADER, ", ".join(cell for cell in header if cell))
            table_begins = True
        elif _is_header(text, end):
            header = cells(own)
            yield Piece(start, end, PieceKind.TABLE_HEADER, ", ".join(cell for cell in header if cell))
        elif not _LETTER_OR_DIGIT.search(own):
            yield Piece(start, end, PieceKind.MARKS, own)
        else:
            row = cells(own)
            kind = PieceKind.TABLE_HEADER if table_begins and header and not row[0] else PieceKind.TABLE_ROW
            table_begins = kind is PieceKind.TABLE_HEADER
            yield Piece(start, end, kind, _row_with_names(header, row))
            if kind is PieceKind.TABLE_HEADER and len(row) == len(header):
                header = [f"{above} {below}".strip() for above, below in zip(header, row, strict=True)]


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def _kind(text: str, start: int, end: int) -> PieceKind:
    own = text[start:end]
    if not _LETTER_OR_DIGIT.search(own) or _CONTENTS_LINE.search(own):
        return PieceKind.MARKS
    return PieceKind.HEADING if _is_heading(text, start, end) else PieceKind.SENTENCE


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Sentences; a block of short lines (a table without rules, an address, the head of a mail) line by line."""
    for start, end in sentence_spans(text):
        lines = text[start:end].split("\n")
        short = sum(len(line) < _SHORT_LINE and not _SENTENCE_END.search(line) for line in lines[:-1])
        if len(lines) < _LINES_OF_A_LIST or short < len(lines) / 2 or lines[0].startswith("|"):
            yield start, end
            continue
        position = start
        for line in lines:
            kept = line.strip()
            if kept:
                yield text.index(kept, position), text.index(kept, position) + len(kept)
            position += len(line) + 1


def _is_heading(text: str, start: int, end: int) -> bool:
    """A short line of its own without a stop, a figure or a bullet."""
    own = text[start:end]
    alone = (end == len(text) or text[end] == "\n") and (start == 0 or text[start - 1] == "\n")
    plain = not _SENTENCE_END.search(own) and not _BULLET.match(own) and not any(c.isdigit() for c in own)
    return alone and plain and ":" not in own and len(own.split()) <= _HEADING_WORDS


def _is_header(text: str, end: int) -> bool:
    following = text[end:].lstrip("| \t\n").split("\n", 1)[0]
    return bool(following) and bool(_RULE_ROW.fullmatch(following))


def _row_with_names(header: list[str], row: list[str]) -> str:
    if len(header) != len(row):
        return ", ".join(cell for cell in row if cell)
    return "; ".join(f"{name} {cell}".strip() for name, cell in zip(header, row, strict=True) if cell)
