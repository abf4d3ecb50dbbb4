"""HTML tables to Markdown: merged cells repeated, so that every row can be read without the others."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import html

from ingestion.parsing.markdown_tables import markdown_table

# A span that claims more is a mistake or an attack.
_LONGEST_SPAN = 1000
_MOST_CELLS = 2_000_000


def html_table_to_markdown(source: str) -> str:
    """The table as Markdown with its first row as header; its caption, when there is one, stands above it."""
    root = html.fromstring(source)
    table = root if root.tag == "table" else root.find(".//table")
    if table is None:
        return ""
    caption = table.find("./caption")
    title = " ".join(caption.text_content().split()) if caption is not None else ""
    markdown = markdown_table(_grid(table))
    return f"{title}\n{markdown}" if title and markdown else markdown or title


def expand_spans(table: html.HtmlElement) -> None:
    """Replaces merged cells by one cell for each place, in place; `unstructured` forgets the spans of HTML tables."""
    if table.find(".//*[@colspan]") is None and table.find(".//*[@rowspan]") is None:
        return
    caption = table.find("./caption")
    rows = _grid(table)
    header = table.find(".//th") is not None
    for child in list(table):
        table.remove(child)
    if caption is not None:
        table.append(caption)
    for index, texts in enumerate(rows):
        row = html.Element("tr")
        for text in texts:
            cell = html.Element("th" if header and index == 0 else "td")
            cell.text = text
            row.append(cell)
        table.append(row)


def _grid(table: html.HtmlElement) -> list[list[str]]:
    grid: list[list[str]] = []
    # Cells that reach into rows below: column -> (rows left, text).
    reaching: dict[int, tuple[int, str]] = {}
    count = 0
    for row in _rows(table):
        texts: list[str] = []
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        while cells or len(texts) in reaching:
            column = len(texts)
            if column in reaching:
                left, text = reaching.pop(column)
                texts.append(text)
                if left > 1:
                    reaching[column] = (left - 1, text)
                continue
            cell = cells.pop(0)
            text = _text(cell)
            across, down = _span(cell, "colspan"), _span(cell, "rowspan")
            count += across * down
            if count > _MOST_CELLS:
                return grid
            for _ in range(across):
                if down > 1:
                    reaching[len(texts)] = (down - 1, text)
                texts.append(text)
        grid.append(texts)
    return grid


def _rows(table: html.HtmlElement) -> Iterator[html.HtmlElement]:
    """The table's own rows, not those of tables in its cells."""
    return (row for row in table.iter("tr") if next(row.iterancestors("table"), None) is table)


def _span(cell: html.HtmlElement, name: str) -> int:
    try:
        return max(1, min(int(cell.get(name, "1")), _LONGEST_SPAN))
    except ValueError:
        return 1


def _text(cell: html.HtmlElement) -> str:
    for line_break in cell.iter("br"):
        line_break.tail = " " + (line_break.tail or "")
    return " ".join(" ".join(cell.itertext()).split())
