"""Word, PowerPoint and Excel files with the same bytes in every run.

The zip members are stored, not deflated, with one fixed time: compressed bytes differ between builds of zlib.
"""

from __future__ import annotations

import csv
import datetime
import io
import pathlib
import re
import zipfile
from typing import Any

import docx
import openpyxl
import pptx
from docx.enum.style import WD_STYLE_TYPE
from docx.shared import Pt as DocxPt
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from pptx.util import Inches, Pt

from sample_builders.source import Block, Source, bold_runs, plain

BUILT = datetime.datetime(2025, 4, 1, 9, 0, 0)  # noqa: DTZ001 (the office formats know no time zone)
INK = "12343B"
TABLE_STYLE = "Light Grid Accent 1"
AUTHOR = "Brackmere Instruments"
_INTEGER, _DECIMAL = re.compile(r"\d+"), re.compile(r"\d+\.\d+")
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")


def build_docx(source: Source, target: pathlib.Path) -> None:
    """A Word document with styles, header and footer. Numbered lists are not offered: Word would count through."""
    document = docx.Document()
    _describe(document.core_properties, source.title)
    document.styles["Normal"].font.size = DocxPt(10.5)
    section = document.sections[0]
    section.header.paragraphs[0].text = source.fields["header"]
    section.footer.paragraphs[0].text = source.fields["footer"]
    document.add_heading(source.title, level=0)
    for block in source.blocks:
        if block.kind == "heading":
            document.add_heading(block.text, level=block.level)
        elif block.kind == "bullets":
            for item in block.lines:
                _add_runs(document.add_paragraph(style="List Bullet"), item)
        elif block.kind == "table":
            _fill_docx_table(document.add_table(len(block.rows), len(block.rows[0]), style=TABLE_STYLE), block)
            document.add_paragraph()
        elif block.kind in ("paragraph", "remark"):
            style = "Intense Quote" if block.kind == "remark" else None
            _add_runs(document.add_paragraph(style=style), block.text)
        else:
            raise ValueError(f"{block.kind} has no form in a Word sample")
    _drop_unused_table_styles(document)
    document.save(str(target))
    freeze_zip(target)


def build_pptx(source: Source, target: pathlib.Path) -> None:
    """A presentation; each first-level heading starts a slide, remarks become the speaker's notes."""
    deck = pptx.Presentation()
    deck.slide_width, deck.slide_height = Inches(13.333), Inches(7.5)
    _describe(deck.core_properties, source.title)
    slide: Any = None
    for block in source.blocks:
        if block.kind == "heading" and block.level == 1:
            slide = deck.slides.add_slide(deck.slide_layouts[1])
            title, body = slide.shapes.title, slide.placeholders[1]
            title.left, title.top, title.width, title.height = Inches(0.7), Inches(0.4), Inches(11.9), Inches(1.1)
            body.left, body.top, body.width, body.height = Inches(0.7), Inches(1.7), Inches(11.9), Inches(5.2)
            title.text_frame.text = block.text
            title.text_frame.paragraphs[0].font.size = Pt(34)
        elif block.kind == "remark":
            slide.notes_slide.notes_text_frame.text = plain(block.text)
        elif block.kind == "table":
            _fill_pptx_table(slide, block)
        else:
            for line in block.lines:
                _add_slide_line(slide.placeholders[1].text_frame, line)
    for slide in deck.slides:
        if not slide.placeholders[1].text_frame.text:
            slide.placeholders[1]._element.getparent().remove(slide.placeholders[1]._element)
    deck.save(str(target))
    freeze_zip(target)


def build_xlsx(folder: pathlib.Path, target: pathlib.Path) -> None:
    """A workbook of the folder's CSV files in name order; `1 Instruments.csv` becomes the sheet Instruments."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    workbook.properties.creator, workbook.properties.created = AUTHOR, BUILT
    for path in sorted(folder.glob("*.csv")):
        sheet = workbook.create_sheet(path.stem.split(" ", 1)[1])
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8"))))
        for row in rows:
            sheet.append([_cell_value(cell) for cell in row])
        for number, cell in enumerate(sheet[1], start=1):
            cell.font = Font(bold=True, color="FFFFFF")
            cell.fill = PatternFill("solid", start_color=INK)
            width = max(len(row[number - 1]) for row in rows if len(row) >= number)
            sheet.column_dimensions[get_column_letter(number)].width = min(width + 3, 60)
        sheet.freeze_panes = "A2"
    workbook.save(target)
    freeze_zip(target)


def _cell_value(text: str) -> str | int | float | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text or None


def freeze_zip(path: pathlib.Path) -> None:
    """Rewrite a zip with stored members, one fixed time, and no time of saving in its properties."""
    with zipfile.ZipFile(path) as packed:
        members = [(info.filename, packed.read(info)) for info in packed.infolist()]
    stamp = BUILT.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as packed:
        for name, data in members:
            info = zipfile.ZipInfo(name, BUILT.timetuple()[:6])
            info.create_system = 3
            if name == "docProps/core.xml":
                data = _MODIFIED.sub(rb"\g<1>" + stamp + rb"\g<2>", data)
            packed.writestr(info, data)


def _describe(properties: Any, title: str) -> None:
    properties.title, properties.author, properties.last_modified_by = title, AUTHOR, AUTHOR
    properties.created = properties.modified = BUILT
    properties.comments = ""


def _drop_unused_table_styles(document: Any) -> None:
    """The template carries a hundred of them, 700 KB when stored; only the one in use stays."""
    for style in list(document.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style.name not in (TABLE_STYLE, "Normal Table"):
            style.element.getparent().remove(style.element)
    for relation in list(document.part.rels.values()):
        if relation.reltype.endswith("/stylesWithEffects"):
            document.part.drop_rel(relation.rId)


def _add_runs(paragraph: Any, text: str) -> None:
    for piece, bold in bold_runs(text):
        paragraph.add_run(piece).bold = bold or None


def _fill_docx_table(table: Any, block: Block) -> None:
    for cells, row in zip(table.rows, block.rows, strict=True):
        for cell, text in zip(cells.cells, row, strict=True):
            cell.text = plain(text)


def _fill_pptx_table(slide: Any, block: Block) -> None:
    height = Inches(0.5 * len(block.rows))
    frame = slide.shapes.add_table(len(block.rows), len(block.rows[0]), Inches(0.7), Inches(1.8), Inches(11.9), height)
    for row_number, row in enumerate(block.rows):
        for column, text in enumerate(row):
            cell = frame.table.cell(row_number, column)
            cell.text = plain(text)
            cell.text_frame.paragraphs[0].font.size = Pt(16)


def _add_slide_line(frame: Any, text: str) -> None:
    paragraph = frame.paragraphs[0] if not frame.text else frame.add_paragraph()
    for piece, bold in bold_runs(text):
        run = paragraph.add_run()
        run.text, run.font.size = piece, Pt(22)
        run.font.bold = bold or None
