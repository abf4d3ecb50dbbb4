from __future__ import annotations

import io

import docx
import pptx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from ingestion.documents import ElementKind


def saved(document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


@pytest.fixture
def manual() -> docx.document.Document:
    document = docx.Document()
    document.add_heading("Valve Handbook", 0)
    document.add_heading("Storage", 1)
    document.add_paragraph("Keep valves dry.")
    document.add_heading("Temperature", 2)
    document.add_paragraph("Between 5 and 30 degrees.")
    document.add_paragraph("Gaskets", style="List Bullet")
    document.add_paragraph("Bolts", style="List Bullet")
    document.add_heading("Orders", 1)
    return document


def test_word_structure(read, outline_of, element_with, manual):
    parsed = read(saved(manual), "handbook.docx")
    assert parsed.title == "Valve Handbook"
    assert outline_of(parsed) == [
        ("title", 1, "Valve Handbook"),
        ("heading", 1, "Storage"),
        ("paragraph", None, "Keep valves dry."),
        ("heading", 2, "Temperature"),
        ("paragraph", None, "Between 5 and 30 degrees."),
        ("list_item", None, "- Gaskets"),
        ("list_item", None, "- Bolts"),
        ("heading", 1, "Orders"),
    ]
    assert element_with(parsed, "Between 5").heading_path == ("Storage", "Temperature")


def test_word_tables_keep_their_header_and_repeat_merged_cells(read, tables_of, manual):
    table = manual.add_table(rows=3, cols=3)
    for row, texts in enumerate([["Part", "Stock", "Price"], ["Gasket", "40", "2 | 3"], ["Bolt", "900", ""]]):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(2, 1).merge(table.cell(2, 2))
    assert tables_of(read(saved(manual), "handbook.docx")) == [
        "| Part | Stock | Price |\n|---|---|---|\n| Gasket | 40 | 2 \\| 3 |\n| Bolt | 900 | 900 |"
    ]


def test_word_code_lines_form_one_block(read, manual):
    style = manual.styles.add_style("Source Code", WD_STYLE_TYPE.PARAGRAPH)
    for line in ("if valve.open:", "    close(valve)"):
        manual.add_paragraph(line, style=style)
    (code,) = [e for e in read(saved(manual), "handbook.docx").elements if e.kind is ElementKind.CODE]
    assert code.text == "if valve.open:\n    close(valve)"


def test_word_header_and_footer_are_left_out(read, manual):
    manual.sections[0].header.paragraphs[0].text = "Company confidential"
    manual.sections[0].footer.paragraphs[0].text = "Page of pages"
    text = read(saved(manual), "handbook.docx").text
    assert "confidential" not in text and "Page of" not in text


def test_word_text_boxes_content_controls_and_formulas_are_read(read, manual):
    body = manual.element.body
    words = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body.insert(0, parse_xml(
        f"<w:sdt {words}><w:sdtContent><w:p><w:r><w:t>Inside a control</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    ))  # fmt: skip
    body.insert(1, parse_xml(
        f'<w:p {words} xmlns:v="urn:schemas-microsoft-com:vml"><w:r><w:pict><v:shape><v:textbox><w:txbxContent>'
        "<w:p><w:r><w:t>Inside a box</w:t></w:r></w:p>"
        "</w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>"
    ))  # fmt: skip
    body.insert(2, parse_xml(
        f'<w:p {words} xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><m:oMath>'
        "<m:r><m:t>E=m</m:t></m:r><m:sSup><m:e><m:r><m:t>c</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"
        "</m:oMath></w:p>"
    ))  # fmt: skip
    text = read(saved(manual), "handbook.docx").text
    assert "Inside a control" in text and text.count("Inside a box") == 1 and "E=mc^2" in text


def test_strict_open_xml_is_read(read, manual):
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(manual))) as archive, zipfile.ZipFile(buffer, "w") as strict:
        for name in archive.namelist():
            part = archive.read(name)
            for kind in (b"officeDocument", b"wordprocessingml"):
                old = b"http://schemas.openxmlformats.org/" + kind + b"/2006/"
                part = part.replace(old, b"http://purl.oclc.org/ooxml/" + kind + b"/")
            strict.writestr(name, part)
    assert "Keep valves dry." in read(buffer.getvalue(), "strict.docx").text


@pytest.fixture
def slides() -> pptx.presentation.Presentation:
    presentation = pptx.Presentation()
    first = presentation.slides.add_slide(presentation.slide_layouts[1])
    first.shapes.title.text = "Water losses"
    first.placeholders[1].text = "Losses fell by a third"
    first.notes_slide.notes_text_frame.text = "Mention the new meters."
    second = presentation.slides.add_slide(presentation.slide_layouts[5])
    second.shapes.title.text = "Costs"
    return presentation


def test_slides_have_numbers_titles_and_notes(read, element_with, slides):
    parsed = read(saved(slides), "talk.pptx")
    assert parsed.page_count == 2
    losses = element_with(parsed, "fell by a third")
    assert losses.page == 1 and losses.heading_path == ("Water losses",)
    assert element_with(parsed, "new meters").page == 1
    assert element_with(parsed, "Costs").page == 2


def test_slide_tables_and_charts(read, tables_of, slides):
    slide = slides.slides[1]
    table = slide.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for row, texts in enumerate([["Item", "Euro"], ["Pipes", "900"], ["Sum", ""]]):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(2, 0).merge(table.cell(2, 1))
    data = CategoryChartData()
    data.categories = ["2021", "2022"]
    data.add_series("Litres", (12.5, 8))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, Inches(5), Inches(4), Inches(2), data)
    assert tables_of(read(saved(slides), "talk.pptx")) == [
        "| Item | Euro |\n|---|---|\n| Pipes | 900 |\n| Sum | Sum |",
        "| Category | Litres |\n|---|---|\n| 2021 | 12.5 |\n| 2022 | 8 |",
    ]
