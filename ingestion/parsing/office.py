"""Word and PowerPoint files: `unstructured` for the text, python-docx and python-pptx for what it leaves out."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from ingestion.documents import DocumentRejected, ElementKind, ParsedDocument
from ingestion.parsing.markdown_tables import markdown_table
from ingestion.parsing.office_packages import transitional
from ingestion.parsing.outline import Outline
from ingestion.parsing.source import Source
from ingestion.parsing.unstructured_elements import add_elements, partition_docx, partition_pptx
from ingestion.parsing.word_xml import lift_hidden_text

_CODE_STYLE = re.compile(r"code|preformatted|verbatim|listing", re.IGNORECASE)
_MONO_FONT = re.compile(r"courier|consolas|mono|menlo|fixedsys|lucida console", re.IGNORECASE)


def read_docx(source: Source) -> ParsedDocument:
    """Pages are known only where Word has left its marks of the last layout; then the document has a page count."""
    import docx

    outline = Outline(source.name, source.media_type)
    document = docx.Document(transitional(source.path))
    lift_hidden_text(document)
    lifted = io.BytesIO()
    document.save(lifted)
    lifted.seek(0)
    elements = partition_docx(lifted)
    source.tell(0.8)
    outline.stated_title = document.core_properties.title
    titles, code = _styled_texts(document)

    def kind_of(text: str) -> ElementKind | None:
        stripped = text.strip()
        if stripped in titles:
            return ElementKind.TITLE
        return ElementKind.CODE if stripped in code else None

    add_elements(outline, elements, kind_of=kind_of)
    pages = [element.metadata.page_number for element in elements if element.metadata.page_number]
    outline.page_count = max(pages, default=None)
    if outline.page_count is not None and outline.page_count > source.limits.pages:
        raise DocumentRejected(
            f"The document has {outline.page_count} pages; at most {source.limits.pages} are read.",
            code="too_many_pages",
        )
    return outline.finish()


def _styled_texts(document: Any) -> tuple[set[str], set[str]]:
    """Texts of paragraphs in the style Title, and of paragraphs of code (by style or by fixed-pitch font)."""
    titles: set[str] = set()
    code: set[str] = set()
    for paragraph in document.paragraphs:
        text = paragraph.text.strip()
        if not text:
            continue
        style = paragraph.style.name or "" if paragraph.style is not None else ""
        fonts = [run.font.name for run in paragraph.runs if run.text.strip()]
        if style == "Title" and not titles:
            titles.add(text)
        elif _CODE_STYLE.search(style) or (fonts and all(font and _MONO_FONT.search(font) for font in fonts)):
            code.add(text)
    return titles, code


def read_pptx(source: Source) -> ParsedDocument:
    """Slide numbers as pages, slide titles as headings, speaker notes, and the numbers behind charts as tables."""
    import pptx

    outline = Outline(source.name, source.media_type)
    data = transitional(source.path)
    presentation = pptx.Presentation(data)
    count = len(presentation.slides)
    if count > source.limits.pages:
        raise DocumentRejected(
            f"The presentation has {count} slides; at most {source.limits.pages} are read.", code="too_many_pages"
        )
    outline.page_count = count
    outline.stated_title = presentation.core_properties.title
    elements = partition_pptx(data)
    source.tell(0.7)
    by_slide: dict[int, list[Any]] = {}
    for element in elements:
        by_slide.setdefault(element.metadata.page_number or 1, []).append(element)
    for number, slide in enumerate(presentation.slides, 1):
        shapes = list(_shapes(slide.shapes))
        add_elements(outline, by_slide.get(number, []), tables=_tables(shapes))
        for shape in shapes:
            if getattr(shape, "has_chart", False):
                try:
                    outline.table(_chart_table(shape.chart), page=number)
                except (KeyError, AttributeError, ValueError, NotImplementedError, IndexError):
                    outline.warn(f"A chart on slide {number} is of a kind whose numbers cannot be read.")
    return outline.finish()


def _shapes(shapes: Any) -> Iterator[Any]:
    """All shapes, those in groups included, from top to bottom as `unstructured` orders them."""
    from pptx.shapes.group import GroupShape

    def inside(shapes: Any) -> Iterator[Any]:
        for shape in shapes:
            if isinstance(shape, GroupShape):
                yield from inside(shape.shapes)
            else:
                yield shape

    return iter(sorted(inside(shapes), key=lambda shape: (shape.top or 0, shape.left or 0)))


def _tables(shapes: list[Any]) -> list[str]:
    """The tables of a slide as Markdown; merged cells, which `unstructured` leaves empty, are repeated."""
    tables = []
    for shape in shapes:
        if not getattr(shape, "has_table", False):
            continue
        table = shape.table
        rows, columns = len(table.rows), len(table.columns)
        grid = [[""] * columns for _ in range(rows)]
        for row in range(rows):
            for column in range(columns):
                cell = table.cell(row, column)
                if cell.is_spanned:
                    continue
                height, width = (cell.span_height, cell.span_width) if cell.is_merge_origin else (1, 1)
                for r in range(row, min(row + height, rows)):
                    for c in range(column, min(column + width, columns)):
                        grid[r][c] = cell.text
        if any(any(texts) for texts in grid):
            tables.append(markdown_table(grid))
    return tables


def _chart_table(chart: Any) -> str:
    title = chart.chart_title.text_frame.text.strip() if chart.has_title and chart.chart_title.has_text_frame else ""
    plot = chart.plots[0]
    rows = [[title or "Category", *(series.name or "" for series in plot.series)]]
    values = [list(series.values) for series in plot.series]
    for index, category in enumerate(plot.categories):
        cells = ["" if index >= len(column) or column[index] is None else f"{column[index]:.10g}" for column in values]
        rows.append([str(category), *cells])
    return markdown_table(rows)
