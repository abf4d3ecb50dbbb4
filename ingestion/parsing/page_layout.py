"""Reading order of a page: spans to lines, lines to column blocks (a recursive cut at text gutters)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from statistics import median

from ingestion.parsing.pdf_text import Span

_SAME_LINE = 0.5
_SAME_SIZE = 0.3
# In font sizes: cells nearer than this are one.
_ATTACHED = 0.5
# A gutter between text columns: at least this wide (in font sizes), with this share of the letters on each side.
_GUTTER = 0.7
_LEAST_SHARE = 0.12
# Lines of text columns are filled with words; cells of a table are not.
_LETTERS_PER_LINE = 17
_LEAST_LINES = 4
_DENSE = 0.4
_DEEPEST = 2


@dataclasses.dataclass(slots=True)
class Line:
    """Spans of one visual line within a block, from left to right."""

    cells: list[Span]
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    bold: bool
    mono: bool
    italic: bool

    @property
    def text(self) -> str:
        return " ".join(cell.text for cell in self.cells)


@dataclasses.dataclass(slots=True)
class Block:
    """Lines that are read from top to bottom; `x0` and `x1` are the sides of its column."""

    lines: list[Line]
    x0: float
    x1: float


def line_of(cells: list[Span]) -> Line:
    if len(cells) == 1:
        only = cells[0]
        return Line(cells, only.x0, only.x1, only.top, only.bottom, only.size, only.bold, only.mono, only.italic)
    cells = _attached(sorted(cells, key=lambda cell: cell.x0))
    # The style of a line is that of most of its text: footnote marks and units in another size do not count.
    main = max(cells, key=lambda cell: len(cell.text))
    return Line(
        cells,
        cells[0].x0,
        max(cell.x1 for cell in cells),
        main.top,
        main.bottom,
        main.size,
        all(cell.bold for cell in cells),
        all(cell.mono for cell in cells),
        all(cell.italic for cell in cells),
    )


def _attached(cells: list[Span]) -> list[Span]:
    """Cells of one line, with marks and words that the file wrote apart put back where they stand."""
    joined: list[Span] = []
    for cell in cells:
        last = joined[-1] if joined else None
        if last is None or cell.x0 - last.x1 >= _ATTACHED * max(last.size, cell.size):
            joined.append(cell)
        elif cell.x1 <= last.x1:
            joined[-1] = dataclasses.replace(last, text=_inserted(last, cell))
        else:
            main = max(last, cell, key=lambda span: span.size)
            text = f"{last.text} {cell.text}" if cell.x0 - last.x1 > 0.1 * main.size else last.text + cell.text
            both = {
                "bold": last.bold and cell.bold,
                "mono": last.mono and cell.mono,
                "italic": last.italic and cell.italic,
            }
            joined[-1] = dataclasses.replace(main, text=text, x0=last.x0, x1=cell.x1, **both)
    return joined


def _inserted(around: Span, mark: Span) -> str:
    """A mark inside a written line goes to the space nearest to its place."""
    text = around.text
    place = len(text) * (mark.x0 - around.x0) / max(around.x1 - around.x0, 1.0)
    spaces = [index for index, character in enumerate(text) if character == " "]
    if not spaces:
        return f"{text} {mark.text}"
    nearest = min(spaces, key=lambda index: abs(index - place))
    return f"{text[:nearest]}{mark.text}{text[nearest:]}"


def group_lines(spans: Sequence[Span]) -> list[Line]:
    """Lines from top to bottom; spans that overlap in height by half of the lower one share a line.

    So a small raised mark (footnote, exponent) belongs to the line whose height it stays within.
    """
    return [line_of(row) for row in _rows(spans)]


def _rows(spans: Sequence[Span]) -> list[list[Span]]:
    rows: list[list[Span]] = []
    row_top = row_bottom = 0.0
    for span in sorted(spans, key=_middle):
        top, bottom = span.top, span.bottom
        if rows:
            overlap = (bottom if bottom < row_bottom else row_bottom) - (top if top > row_top else row_top)
            height, row_height = bottom - top, row_bottom - row_top
            if overlap > _SAME_LINE * (height if height < row_height else row_height):
                rows[-1].append(span)
                if height > row_height:
                    row_top, row_bottom = top, bottom
                continue
        rows.append([span])
        row_top, row_bottom = top, bottom
    return rows


def _middle(span: Span) -> float:
    return span.top + span.bottom


def reading_order(spans: Sequence[Span]) -> list[Block]:
    """Blocks in reading order."""
    return _cut(list(spans), 0) if spans else []


def _cut(spans: list[Span], depth: int) -> list[Block]:
    gutter = _find_gutter(spans) if depth < _DEEPEST and len(spans) >= 2 * _LEAST_LINES else None
    if gutter is None:
        return [_block(spans)]
    blocks: list[Block] = []
    rows: list[Span] = []
    for band, crosses in _bands(spans, gutter):
        left = [span for span in band if span.x1 <= gutter]
        right = [span for span in band if span.x0 >= gutter]
        if crosses or not _beside(left, right):
            rows.extend(band)
            continue
        if rows:
            blocks.append(_block(rows))
            rows = []
        blocks.extend(_cut(left, depth + 1))
        blocks.extend(_cut(right, depth + 1))
    if rows:
        blocks.append(_block(rows))
    return blocks


def _block(spans: list[Span]) -> Block:
    lines = group_lines(spans)
    # The right side is where most of the longer lines end: a rule or a number that sticks out does not widen a column.
    ends = sorted(line.x1 for line in lines)
    return Block(lines, min(line.x0 for line in lines), ends[int(0.9 * (len(ends) - 1))])


def _find_gutter(spans: list[Span]) -> float | None:
    """The x of a vertical strip with text columns on both sides, or None.

    Spans that run across the strip (headings, wide tables) are allowed for as long as the columns hold enough text.
    """
    x0, x1 = min(span.x0 for span in spans), max(span.x1 for span in spans)
    size = median(span.size for span in spans)
    wanted = _LEAST_SHARE * sum(len(span.text) for span in spans)
    best: tuple[int, float] | None = None
    # Columns begin where many spans begin: these are the only places worth trying.
    starts: dict[int, int] = {}
    for span in spans:
        starts[int(span.x0)] = starts.get(int(span.x0), 0) + 1
    for start in sorted(starts):
        if starts[start] < _LEAST_LINES // 2 or not x0 + 0.15 * (x1 - x0) < start < x0 + 0.85 * (x1 - x0):
            continue
        x = start - _GUTTER * size / 2
        left = [span for span in spans if span.x1 <= x]
        right = [span for span in spans if span.x0 >= x]
        if len(left) < _LEAST_LINES or len(right) < _LEAST_LINES:
            continue
        letters_left, letters_right = _letters(left), _letters(right)
        if min(letters_left, letters_right) < wanted or not (_is_prose(left) and _is_prose(right)):
            continue
        covered = letters_left + letters_right
        if best is None or covered > best[0]:
            best = (covered, x)
    if best is None:
        return None
    crossing = sum(len(span.text) for span in spans) - best[0]
    # Most text crosses: a single column with something beside it.
    return best[1] if crossing < 2.5 * best[0] else None


def _letters(spans: list[Span]) -> int:
    return sum(len(span.text) for span in spans)


def _is_prose(spans: list[Span]) -> bool:
    """Lines full of words, one close below the other."""
    lines = group_lines(spans)
    if len(lines) < _LEAST_LINES:
        return False
    letters = sum(sum(map(str.isalpha, span.text)) for span in spans)
    if letters < _LETTERS_PER_LINE * len(lines):
        return False
    extent = max(line.bottom for line in lines) - min(line.top for line in lines)
    return sum(line.size for line in lines) > _DENSE * extent


def _bands(spans: list[Span], gutter: float) -> list[tuple[list[Span], bool]]:
    """Top to bottom: what stands between two spans that cross the gutter, and runs of such spans; whether it crosses.

    A row may hold two lines of one column where the other has a line of a larger font between them, so that only the
    spans themselves are passed on, never the joined cells of the row.
    """
    bands: list[tuple[list[Span], bool]] = []
    crossing_line: Line | None = None
    for row in _rows(spans):
        line = line_of(row)
        crossing = any(cell.x0 < gutter < cell.x1 for cell in line.cells)
        ends = crossing_line is not None and _ends(crossing_line, line)
        crossing_line = line if crossing else None
        crossing = crossing or ends
        if not bands or crossing is not bands[-1][1]:
            bands.append(([], crossing))
        bands[-1][0].extend(row)
    return bands


def _ends(above: Line, line: Line) -> bool:
    """Whether the line is the last, short one of a heading or paragraph that ran across the columns until here."""
    return (
        len(line.cells) == 1
        and abs(line.size - above.size) < _SAME_SIZE
        and line.bold == above.bold
        and line.top - above.bottom < _SAME_LINE * line.size
        and min(abs(line.x0 - above.x0), abs(line.x0 + line.x1 - above.x0 - above.x1) / 2) < _SAME_LINE * line.size
    )


def _beside(left: list[Span], right: list[Span]) -> bool:
    """Two texts beside each other, rather than the cells of rows."""
    if not left or not right:
        return False
    lines = group_lines(left + right)
    paired = sum(1 for line in lines if len(line.cells) > 1)
    letters = sum(sum(map(str.isalpha, span.text)) for span in (*left, *right))
    if len(lines) < _LEAST_LINES:
        # A few lines between full-width ones: columns unless they look like a row of short cells.
        return letters > _LETTERS_PER_LINE * (len(left) + len(right)) and paired < len(lines) + 1
    return letters > 0.75 * _LETTERS_PER_LINE * (len(left) + len(right))
