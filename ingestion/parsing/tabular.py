"""Spreadsheets and delimited text: every table as Markdown, its header row kept.

Readers of our own: `unstructured` turns single cells of a sheet into titles and list items, and tables of a million
cells into one HTML string.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ingestion.documents import DocumentRejected, ElementKind, ParsedDocument
from ingestion.parsing.formats import Format
from ingestion.parsing.limits import ParseLimits
from ingestion.parsing.markdown_tables import markdown_table
from ingestion.parsing.office_packages import transitional
from ingestion.parsing.outline import Outline
from ingestion.parsing.source import Source
from ingestion.parsing.text_decoding import decode_file

_DELIMITERS = ",;\t|"
_SNIFFED = 64 * 1024
# Sheets may state a million formatted rows of which a few are filled.
_EMPTY_ROWS_TO_END = 10_000
_LONGEST_FIELD = 10_000_000
_NUMERIC = re.compile(r"^[-+(]?[$€£]?[\d.,]+\s*%?\)?$")


def read_delimited(source: Source) -> ParsedDocument:
    """CSV and TSV, whatever their delimiter; short rows are filled up."""
    outline = Outline(source.name, source.media_type)
    text = decode_file(source.path, outline.warn)
    csv.field_size_limit(_LONGEST_FIELD)
    text = text.replace("\0", "")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, source.format)))
    except csv.Error:
        # A quote that is never closed: read as lines, without quoting.
        outline.warn("The quotes in this file do not match; it was read line by line.")
        delimiter = _delimiter(text, source.format)
        rows = list(csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, quoting=csv.QUOTE_NONE))
    source.tell(0.5)
    _add_tables(outline, rows, None)
    return outline.finish()


def _delimiter(text: str, detected: Format) -> str:
    if detected is Format.TSV:
        return "\t"
    lines = [line for line in text[:_SNIFFED].splitlines() if line.strip()][:50]
    if not lines:
        return ","
    # The delimiter that parts most lines into the same number of fields, and into most fields.
    scores = {}
    for delimiter in _DELIMITERS:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        usual = max(set(counts), key=counts.count)
        scores[delimiter] = (usual > 1, counts.count(usual) / len(counts) * min(usual, 20) if usual > 1 else 0.0)
    best = max(_DELIMITERS, key=lambda delimiter: scores[delimiter])
    return best if scores[best][0] else ","


def read_workbook(source: Source) -> ParsedDocument:
    """XLSX: a heading for each visible sheet, values as last calculated, merged cells repeated, notes below."""
    import openpyxl

    outline = Outline(source.name, source.media_type)
    # From bytes: openpyxl judges a path by its suffix, and stored originals have none.
    book = openpyxl.load_workbook(transitional(source.path), data_only=True)
    outline.stated_title = book.properties.title
    outline.use_name_as_title()
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    outline.page_count = len(sheets)
    _check_sheets(len(sheets), source.limits)
    for number, sheet in enumerate(sheets, 1):
        outline.heading(sheet.title, 1, page=number)
        _add_tables(outline, _sheet_rows(sheet), number)
        for author_text in _notes(sheet):
            outline.paragraph(author_text, page=number)
        source.tell(number / len(sheets))
    return outline.finish()


def read_old_workbook(source: Source) -> ParsedDocument:
    """XLS, the format before 2007."""
    import xlrd  # type: ignore[import-untyped]

    outline = Outline(source.name, source.media_type)
    try:
        book = xlrd.open_workbook(source.path, logfile=io.StringIO())
    except xlrd.XLRDError as error:
        code = "encrypted" if "encrypted" in str(error) else "damaged"
        raise DocumentRejected(
            "The workbook is protected by a password or damaged; save it as .xlsx and upload that.", code=code
        ) from error
    outline.page_count = book.nsheets
    outline.use_name_as_title()
    _check_sheets(book.nsheets, source.limits)
    for number, sheet in enumerate(book.sheets(), 1):
        outline.heading(sheet.name, 1, page=number)
        rows = [[_old_value(cell, book.datemode) for cell in row] for row in sheet.get_rows()]
        for row_start, row_end, column_start, column_end in sheet.merged_cells:
            for row in range(row_start, min(row_end, len(rows))):
                for column in range(column_start, min(column_end, len(rows[row]))):
                    rows[row][column] = rows[row_start][column_start]
        _add_tables(outline, rows, number)
        source.tell(number / book.nsheets)
    return outline.finish()


def _check_sheets(count: int, limits: ParseLimits) -> None:
    if count > limits.pages:
        raise DocumentRejected(
            f"The workbook has {count} sheets; at most {limits.pages} are read. Split it.", code="too_many_pages"
        )


def _sheet_rows(sheet: Any) -> list[list[str]]:
    rows: list[list[str]] = []
    empty = 0
    for values in sheet.iter_rows(values_only=True):
        row = [_value(value) for value in values]
        empty = 0 if any(row) else empty + 1
        if empty > _EMPTY_ROWS_TO_END:
            break
        rows.append(row)
    first_row, first_column = sheet.min_row, sheet.min_column
    for merged in sheet.merged_cells.ranges:
        top, left = merged.min_row - first_row, merged.min_col - first_column
        if not (0 <= top < len(rows) and 0 <= left < len(rows[top])):
            continue
        for row_index in range(top, min(merged.max_row - first_row + 1, len(rows))):
            for column in range(left, min(merged.max_col - first_column + 1, len(rows[row_index]))):
                rows[row_index][column] = rows[top][left]
    return rows


def _notes(sheet: Any) -> Iterator[str]:
    # The private table of filled cells is the only way to find comments without creating every cell of the sheet.
    for cell in sheet._cells.values():
        if cell.comment is not None:
            yield f"Note on {cell.coordinate}: {cell.comment.text}"


def _value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.10g}" if abs(value) < 1e15 else str(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "minutes")
    return str(value)


def _old_value(cell: Any, date_mode: int) -> str:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return _value(xlrd.xldate_as_datetime(cell.value, date_mode))
        except (xlrd.XLDateError, OverflowError, ValueError):
            return _value(cell.value)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return _value(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, ""))
    return _value(cell.value)


def _add_tables(outline: Outline, rows: Sequence[Sequence[str]], page: int | None) -> None:
    """Each block of filled rows as a table; a block that is one cell wide in every row is text."""
    for block in _blocks(rows):
        title, table = _without_title(block)
        for line in title:
            outline.paragraph(line, page=page)
        filled = max((sum(1 for cell in row if cell.strip()) for row in table), default=0)
        if filled > 1 or len(table) > 1:
            outline.add(ElementKind.TABLE, markdown_table(table), page=page)
        elif table:
            outline.paragraph(" ".join(cell for cell in table[0] if cell.strip()), page=page)


def _blocks(rows: Sequence[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    block: list[Sequence[str]] = []
    for row in rows:
        if any(cell.strip() for cell in row):
            block.append(row)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _without_title(block: list[Sequence[str]]) -> tuple[list[str], list[Sequence[str]]]:
    """Rows at the top of a wider table that hold one text (or the same one, merged) are its title, not its header."""
    widths = [len({cell for cell in row if cell.strip()}) for row in block]
    if max(widths) < 2:
        return [], block
    title: list[str] = []
    for row, width in zip(block, widths, strict=True):
        text = next(cell for cell in row if cell.strip())
        if width > 1 or _NUMERIC.match(text) or len(title) > 3:
            break
        title.append(text)
    return title, block[len(title) :]
