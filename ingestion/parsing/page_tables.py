"""Tables on a page from aligned cells; only where the columns are clear, otherwise rows stay lines."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from ingestion.parsing.markdown_tables import markdown_table
from ingestion.parsing.page_layout import Line
from ingestion.parsing.pdf_text import Span

_LEAST_ROWS = 2
_MOST_COLUMNS = 20
_LEAST_CLEAN = 0.75
_MOST_SPANNING = 0.25
# Shares of the line's width, and font sizes, from which a line counts as stretched text.
_STRETCHED_FILL = 0.78
_STRETCHED_GAP = 2.6
# A section label or the first half of a wrapped label stands alone in its row.
_MOST_LABELS_IN_A_ROW = 4
# In font sizes: lines of one cell are nearer than this.
_WRAPPED = 0.35
_NUMBER = re.compile(
    r"^[(\[+\-–—$€£¥~<>]*\s*\d[\d,. ]*\s*(?:[%)\]]|pts|bps|x)*[*†‡]*$|^[-–—]+%?$|^n/?[am]$", re.IGNORECASE
)
_YEAR = re.compile(r"^(?:fy\s*)?(?:19|20)\d\d[e*]?$", re.IGNORECASE)
_OPENING = re.compile(r"^[$€£¥(]+$")
_CLOSING = re.compile(r"^[)%\]]+$")
_TRAILING_SIGN = re.compile(r"\d\S* [$€£¥]$")
_LEADER = re.compile(r"(?:\s?[.·_…]){3,}\s*$")


@dataclasses.dataclass(slots=True)
class _Cell:
    text: str
    x0: float
    x1: float


def find_runs(lines: Sequence[Line]) -> list[tuple[int, int]]:
    """Ranges [start, end) of lines that look like rows: at least two lines with several cells, close together."""
    runs = []
    i = 0
    while i < len(lines):
        if not is_row(lines[i]):
            i += 1
            continue
        last_row, j, rows = i, i + 1, 1
        while j < len(lines) and j - last_row <= _MOST_LABELS_IN_A_ROW:
            if lines[j].top - lines[j - 1].bottom > 3 * lines[j].size:
                break
            if is_row(lines[j]):
                last_row, rows = j, rows + 1
            j += 1
        if rows >= _LEAST_ROWS:
            runs.append((i, last_row + 1))
        i = last_row + 1
    return runs


def is_row(line: Line) -> bool:
    """Several cells with room between them; text that is stretched to both margins has little."""
    if len(line.cells) < 2:
        return False
    width = line.x1 - line.x0
    filled = sum(cell.x1 - cell.x0 for cell in line.cells)
    widest = max(right.x0 - left.x1 for left, right in zip(line.cells, line.cells[1:], strict=False))
    if filled < _STRETCHED_FILL * width or widest > _STRETCHED_GAP * line.size:
        return True
    text = line.text
    return sum(map(str.isalpha, text)) < 0.6 * len(text)


def as_table(lines: Sequence[Line]) -> str | None:
    """The lines as a Markdown table, or None when their cells do not form clear columns."""
    rows = [_joined_cells(line.cells) for line in lines]
    columns, spanning_share = _columns(rows)
    if spanning_share > _MOST_SPANNING or not 2 <= len(columns) <= _MOST_COLUMNS:
        return None
    grid: list[list[str]] = []
    spanning: list[bool] = []
    clean = several = 0
    for row in rows:
        texts, collided, spans_columns = _assign(row, columns)
        if len(row) > 1:
            several += 1
            clean += not collided
        grid.append(texts)
        spanning.append(spans_columns)
    if several < _LEAST_ROWS or clean < _LEAST_CLEAN * several:
        return None
    if _reads_as_prose(grid):
        return None
    head = _header_rows(grid, spanning)
    while head < len(grid) - 1 and _wraps(grid, lines, head):
        head += 1
    header = [_stacked([grid[r][c] for r in range(head)]) for c in range(len(columns))]
    return markdown_table([header, *_unwrapped(grid[head:], lines[head:])])


def as_lines(lines: Sequence[Line]) -> str:
    """Each row on its own line, cells two spaces apart."""
    return "\n".join("  ".join(cell.text for cell in _joined_cells(line.cells)) for line in lines)


def _joined_cells(spans: Sequence[Span]) -> list[_Cell]:
    """Currency signs and closing brackets that were set apart belong to their number."""
    cells: list[_Cell] = []
    opening: _Cell | None = None
    for span in spans:
        text = _LEADER.sub("", span.text).strip()
        if not text:
            continue
        cell = _Cell(text, span.x0, span.x1)
        if opening is not None:
            # The place is that of the number: signs stand at the left edge of the column, under the end of long labels.
            cell = _Cell(opening.text + cell.text, cell.x0, cell.x1)
            opening = None
        if _TRAILING_SIGN.search(cell.text):
            cell.text, sign = cell.text[:-1].rstrip(), cell.text[-1]
            opening = _Cell(sign, cell.x1, cell.x1)
            cells.append(cell)
            continue
        if _OPENING.match(cell.text):
            opening = cell
        elif _CLOSING.match(cell.text) and cells:
            cells[-1] = _Cell(cells[-1].text + cell.text, cells[-1].x0, cell.x1)
        else:
            cells.append(cell)
    if opening is not None and opening.x1 > opening.x0:
        cells.append(opening)
    return cells


def _columns(rows: Sequence[Sequence[_Cell]]) -> tuple[list[tuple[float, float]], float]:
    """Intervals of x that cells cover, but for cells that stand over several cells of another row; their share."""
    several = [row for row in rows if len(row) > 1]
    cells = [cell for row in several for cell in row]
    narrow = sorted((cell.x0, cell.x1) for cell in cells if not _is_spanning(cell, several))
    columns: list[tuple[float, float]] = []
    for x0, x1 in narrow:
        if columns and x0 < columns[-1][1] + 0.5:
            columns[-1] = (columns[-1][0], max(columns[-1][1], x1))
        else:
            columns.append((x0, x1))
    return columns, 1 - len(narrow) / max(1, len(cells))


def _is_spanning(cell: _Cell, rows: Sequence[Sequence[_Cell]]) -> bool:
    if _NUMBER.match(cell.text):
        return False
    for row in rows:
        met = 0
        for other in row:
            if other.x0 > cell.x1 - 1:
                break
            if other.x1 > cell.x0 + 1:
                met += 1
        if met > 1:
            return True
    return False


def _assign(row: Sequence[_Cell], columns: Sequence[tuple[float, float]]) -> tuple[list[str], bool, bool]:
    """Texts by column; whether two cells met in one column; whether one cell stands over several columns."""
    texts = [""] * len(columns)
    collided = spans_columns = False
    for cell in row:
        overlaps = [min(cell.x1, right) - max(cell.x0, left) for left, right in columns]
        best = max(range(len(columns)), key=overlaps.__getitem__)
        if overlaps[best] <= 0:
            middle = (cell.x0 + cell.x1) / 2
            best = min(range(len(columns)), key=lambda c: abs(middle - sum(columns[c]) / 2))
        over = [c for c in range(1, len(columns)) if overlaps[c] > 0.4 * (columns[c][1] - columns[c][0])]
        if len(row) > 1 and len(over) > 1 and not _NUMBER.match(cell.text):
            spans_columns = True
            for c in over:
                texts[c] = f"{texts[c]} {cell.text}".strip()
            continue
        if texts[best]:
            collided = True
        texts[best] = f"{texts[best]} {cell.text}".strip()
    return texts, collided, spans_columns


def _reads_as_prose(grid: Sequence[Sequence[str]]) -> bool:
    """Two columns of long lines are text beside text that the column cut has missed, not a table."""
    cells = [cell for row in grid for cell in row if cell]
    return len(grid[0]) == 2 and sum(len(cell) for cell in cells) > 45 * len(cells) and len(grid) > 3


def _header_rows(grid: Sequence[Sequence[str]], spanning: Sequence[bool]) -> int:
    """How many rows at the top name the columns: those before the first number that is not a year."""
    head = 0
    for texts, spans_columns in zip(grid, spanning, strict=True):
        values = [text for text in texts[1:] if text]
        if any(_NUMBER.match(text) and not _YEAR.match(text) for text in values):
            break
        if head and texts[0] and not values:
            break
        if head and texts[0] and not spans_columns and not all(_YEAR.match(text) for text in values):
            break
        head += 1
        if texts[0] and values and not spans_columns:
            break
    return max(1, min(head, 6, len(grid) - 1))


def _wraps(grid: Sequence[Sequence[str]], lines: Sequence[Line], row: int) -> bool:
    """Whether the row holds second lines of names in the header row above it."""
    above, line = lines[row - 1], lines[row]
    values = [text for text in grid[row] if text]
    return (
        not grid[row][0]
        and len(values) < len(grid[row])
        and all(grid[row - 1][c] for c, text in enumerate(grid[row]) if text)
        and all(any(map(str.isalpha, text)) and not _NUMBER.match(text) for text in values)
        and line.top - above.bottom < _WRAPPED * line.size
        and (line.bold, round(line.size)) == (above.bold, round(above.size))
    )


def _stacked(parts: Sequence[str]) -> str:
    return " ".join(part for part in parts if part)


def _unwrapped(grid: Sequence[list[str]], lines: Sequence[Line]) -> list[list[str]]:
    """Joins a label, or a cell of words, that runs over several lines to one row."""
    rows: list[list[str]] = []
    for index, texts in enumerate(grid):
        values = [text for text in texts[1:] if text]
        close = index > 0 and lines[index].top - lines[index - 1].bottom < _WRAPPED * lines[index].size
        words = all(not _NUMBER.match(text) for text in values)
        if rows and close and words and values and not texts[0] and any(rows[-1][1:]):
            rows[-1] = [_stacked([a, b]) for a, b in zip(rows[-1], texts, strict=True)]
        elif rows and close and not any(rows[-1][1:]) and texts[0][:1].islower() and not rows[-1][0].endswith(":"):
            rows[-1] = [_stacked([rows[-1][0], texts[0]]), *texts[1:]]
        else:
            rows.append(texts)
    return rows
