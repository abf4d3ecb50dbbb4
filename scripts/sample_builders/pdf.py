"""Typeset PDFs with ReportLab: a book form with cover and contents, and a sheet form in one or two columns.

Streams stay uncompressed: compressed bytes differ between builds of zlib, and the files are compared byte by byte.
"""

from __future__ import annotations

import functools
import pathlib
import re
from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape

from reportlab import rl_config
from reportlab.lib import colors
from reportlab.lib.enums import TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    ListFlowable,
    ListItem,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)
from reportlab.platypus.tableofcontents import TableOfContents

from sample_builders.source import Block, Source, bold_runs

INK = colors.HexColor("#12343b")
ACCENT = colors.HexColor("#2c7a7b")
TINT = colors.HexColor("#e6f1f1")
MARGIN = 24 * mm
COLUMN_GAP = 8 * mm
SOFT_HYPHEN = "\u00ad"

BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=11, leading=15.5, spaceAfter=7)
COLUMN_BODY = ParagraphStyle("column", BODY, fontSize=9.5, leading=12.5, alignment=TA_JUSTIFY, spaceAfter=5)
CELL = ParagraphStyle("cell", fontName="Helvetica", fontSize=8.5, leading=11)
HEAD_CELL = ParagraphStyle("head-cell", CELL, fontName="Helvetica-Bold", textColor=colors.white)
REMARK = ParagraphStyle(
    "remark",
    BODY,
    backColor=TINT,
    borderPadding=6,
    leftIndent=8,
    rightIndent=8,
    spaceBefore=10,
    spaceAfter=14,
    fontName="Times-Italic",
)
TITLE = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=22, leading=27, textColor=INK, spaceAfter=4)
SUBTITLE = ParagraphStyle("subtitle", fontName="Helvetica", fontSize=11, leading=15, textColor=ACCENT, spaceAfter=14)
HEADINGS = {
    1: ParagraphStyle("h1", fontName="Helvetica-Bold", fontSize=16, leading=20, textColor=INK, spaceBefore=16,
                      spaceAfter=7, keepWithNext=1),
    2: ParagraphStyle("h2", fontName="Helvetica-Bold", fontSize=12.5, leading=16, textColor=ACCENT, spaceBefore=10,
                      spaceAfter=4, keepWithNext=1),
    3: ParagraphStyle("h3", fontName="Helvetica-BoldOblique", fontSize=10.5, leading=14, spaceBefore=6, spaceAfter=3,
                      keepWithNext=1),
}  # fmt: skip
CONTENTS = [
    ParagraphStyle("toc1", fontName="Helvetica", fontSize=10.5, leading=13, spaceBefore=2),
    ParagraphStyle("toc2", fontName="Helvetica", fontSize=9, leading=11, leftIndent=14, textColor=colors.dimgray),
]


class _Typesetter(BaseDocTemplate):  # type: ignore[misc]
    """Reports headings to the contents and to the PDF's outline."""

    def afterFlowable(self, flowable: Flowable) -> None:
        level = next((depth for depth in (1, 2) if getattr(flowable, "style", None) is HEADINGS[depth]), None)
        if level is None:
            return
        text, key = flowable.getPlainText(), f"heading-{self.page}-{_slug(flowable)}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(text, key, level=level - 1, closed=True)
        self.notify("TOCEntry", (level - 1, escape(text), self.page, key))


def _slug(flowable: Flowable) -> str:
    return re.sub(r"\W+", "-", flowable.getPlainText()).lower()


def build_pdf(source: Source, target: pathlib.Path, hyphenation: dict[str, str]) -> None:
    """Write the PDF. `columns: 2` sets justified, hyphenated columns; `cover: yes` adds a cover and contents."""
    rl_config.invariant = 1
    rl_config.useA85 = 0
    two_columns = source.fields.get("columns") == "2"
    document = _Typesetter(
        str(target), pagesize=A4, title=source.title, author=source.fields["author"], subject=source.fields["footer"],
        invariant=1, pageCompression=0,
    )  # fmt: skip
    document.addPageTemplates(list(_page_templates(source, two_columns)))
    body_style = COLUMN_BODY if two_columns else BODY
    width = (A4[0] - 2 * MARGIN - COLUMN_GAP) / 2 if two_columns else A4[0] - 2 * MARGIN
    shy = functools.partial(_with_soft_hyphens, points=hyphenation) if two_columns else _unchanged
    story = list(_opening(source, two_columns))
    for block in source.blocks:
        story.extend(_flowables(block, body_style, width - 12, shy))
    document.multiBuild(story)


def _page_templates(source: Source, two_columns: bool) -> Iterator[PageTemplate]:
    height, width = A4[1] - 2 * MARGIN, A4[0] - 2 * MARGIN
    running = functools.partial(_running_lines, source)
    if source.fields.get("cover") == "yes":
        yield PageTemplate("cover", [Frame(MARGIN, MARGIN, width, height * 0.72)], onPage=_cover_band)
    if not two_columns:
        yield PageTemplate("plain", [Frame(MARGIN, MARGIN, width, height)], onPage=running)
        return
    column, head = (width - COLUMN_GAP) / 2, 38 * mm
    right = MARGIN + column + COLUMN_GAP
    yield PageTemplate("first", [
        Frame(MARGIN, MARGIN + height - head, width, head, id="head"),
        Frame(MARGIN, MARGIN, column, height - head, id="left"),
        Frame(right, MARGIN, column, height - head, id="right"),
    ], onPage=running, autoNextPageTemplate="later")  # fmt: skip
    yield PageTemplate("later", [
        Frame(MARGIN, MARGIN, column, height, id="left"),
        Frame(right, MARGIN, column, height, id="right"),
    ], onPage=running)  # fmt: skip


def _running_lines(source: Source, canvas: Canvas, document: BaseDocTemplate) -> None:
    canvas.saveState()
    canvas.setFont("Helvetica", 8)
    canvas.setFillColor(colors.dimgray)
    top, bottom = A4[1] - 15 * mm, 13 * mm
    canvas.drawString(MARGIN, top, source.fields["header"])
    canvas.drawRightString(A4[0] - MARGIN, top, source.fields["edition"])
    canvas.line(MARGIN, top - 4, A4[0] - MARGIN, top - 4)
    canvas.drawString(MARGIN, bottom, source.fields["footer"])
    canvas.drawRightString(A4[0] - MARGIN, bottom, f"Page {document.page}")
    canvas.restoreState()


def _cover_band(canvas: Canvas, _document: BaseDocTemplate) -> None:
    canvas.saveState()
    canvas.setFillColor(INK)
    canvas.rect(0, A4[1] - 60 * mm, A4[0], 60 * mm, stroke=0, fill=1)
    canvas.setStrokeColor(colors.white)
    canvas.setLineWidth(1.2)
    for row in range(4):
        wave = canvas.beginPath()
        base = A4[1] - (26 + 7 * row) * mm
        wave.moveTo(0, base)
        for step in range(6):
            left = step * A4[0] / 6
            wave.curveTo(left + 12 * mm, base + 8 * mm, left + 24 * mm, base - 8 * mm, left + A4[0] / 6, base)
        canvas.drawPath(wave)
    canvas.restoreState()


def _opening(source: Source, two_columns: bool) -> Iterator[Flowable]:
    yield Paragraph(_markup(source.title), TITLE)
    yield Paragraph(_markup(source.fields["subtitle"]), SUBTITLE)
    if two_columns:
        yield _FrameEnd()
    if source.fields.get("cover") == "yes":
        contents = TableOfContents()
        contents.levelStyles = CONTENTS
        contents.tableStyle = TableStyle([("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)])
        yield from (NextPageTemplate("plain"), Spacer(1, 8 * mm))
        yield Paragraph(_markup(source.fields["imprint"]), BODY)
        yield from (PageBreak(), Paragraph("Contents", TITLE), contents, PageBreak())


class _FrameEnd(Spacer):  # type: ignore[misc]
    """Fills the rest of the title frame, so that the text starts in the first column."""

    def __init__(self) -> None:
        super().__init__(1, 1)

    def wrap(self, _width: float, height: float) -> tuple[float, float]:
        return 1, height


def _flowables(block: Block, body: ParagraphStyle, width: float, shy: Callable[[str], str]) -> Iterator[Flowable]:
    if block.kind == "heading":
        yield Paragraph(_markup(block.text), HEADINGS[block.level])
    elif block.kind == "paragraph":
        yield Paragraph(_markup(shy(block.text)), body)
    elif block.kind == "remark":
        yield Paragraph(_markup(block.text), REMARK)
    elif block.kind == "table":
        yield _table(block, width)
    else:
        tight = ParagraphStyle("item", body, spaceAfter=2)
        items = [ListItem(Paragraph(_markup(shy(item)), tight), leftIndent=14) for item in block.lines]
        numbered = {"bulletType": "1", "bulletFormat": "%s."} if block.kind == "steps" else {"bulletType": "bullet"}
        yield ListFlowable(items, leftIndent=14, bulletFontSize=body.fontSize, bulletFontName=body.fontName, **numbered)
        yield Spacer(1, 4)


def _table(block: Block, width: float) -> Flowable:
    widths = _column_widths(block, width)
    cells = [
        [Paragraph(_markup(cell), HEAD_CELL if number == 0 else CELL) for cell in row]
        for number, row in enumerate(block.rows)
    ]
    table = Table(cells, colWidths=widths, repeatRows=1, spaceBefore=4, spaceAfter=10)
    table.setStyle(TableStyle([
        ("BACKGROUND", (0, 0), (-1, 0), INK),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, TINT]),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.lightgrey),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]))  # fmt: skip
    return table


def _column_widths(block: Block, width: float) -> list[float]:
    """Every column holds its longest word; what is left is shared out by the length of the texts, up to a limit."""
    columns = list(zip(*block.rows, strict=True))
    needed = [max(_text_width(word) for cell in column for word in cell.split()) + 13 for column in columns]
    wanted = [
        max(min(max(map(_text_width, column)), 130) + 13 - least, 0)
        for column, least in zip(columns, needed, strict=True)
    ]
    spare = width - sum(needed)
    return [least + spare * more / max(sum(wanted), 1) for least, more in zip(needed, wanted, strict=True)]


def _text_width(text: str) -> float:
    return float(stringWidth(text, HEAD_CELL.fontName, HEAD_CELL.fontSize))


def _markup(text: str) -> str:
    return "".join(f"<b>{escape(piece)}</b>" if bold else escape(piece) for piece, bold in bold_runs(text))


def _unchanged(text: str) -> str:
    return text


def _with_soft_hyphens(text: str, points: dict[str, str]) -> str:
    return re.sub(r"[A-Za-z]{6,}", lambda found: _broken(found.group(), points), text)


def _broken(word: str, points: dict[str, str]) -> str:
    pattern = points.get(word.lower())
    if pattern is None:
        return word
    letters = iter(word)
    return "".join(SOFT_HYPHEN if mark == "-" else next(letters) for mark in pattern)


def read_hyphenation(path: pathlib.Path) -> dict[str, str]:
    """Word -> word with its break points, from lines such as `mea-sure-ment`."""
    return {line.replace("-", ""): line for line in path.read_text("utf-8").split()}
