from __future__ import annotations

import io
import textwrap
from pathlib import Path

import pypdfium2
import pytest
from reportlab.lib import pdfencrypt
from reportlab.pdfgen import canvas

from ingestion.documents import DocumentRejected, ElementKind

LEFT = textwrap.wrap(
    "The left column speaks of rivers and of the boats that carry grain to the mills below the old town, where the "
    "millers grind it through the night and send the flour back upstream before the first bell of the morning rings. "
    "Nobody in the valley remembers a year in which the boats did not come.",
    44,
)
RIGHT = textwrap.wrap(
    "The right column speaks of mountains and of the paths that cross them in summer, when the snow has gone and the "
    "shepherds lead their flocks to the high meadows. They stay there until the first frost and come down with cheese "
    "and wool, which they sell at the autumn market.",
    44,
)

COLUMN = 208


def document(encrypt: str | None = None) -> tuple[canvas.Canvas, io.BytesIO]:
    buffer = io.BytesIO()
    security = pdfencrypt.StandardEncryption(encrypt) if encrypt else None
    return canvas.Canvas(buffer, pagesize=(595, 842), encrypt=security), buffer


def write(
    page: canvas.Canvas, lines: list[str], x: float, y: float, size: float = 10, font: str = "Helvetica"
) -> float:
    page.setFont(font, size)
    for line in lines:
        page.drawString(x, y, line)
        y -= 1.25 * size
    return y


def write_justified(page: canvas.Canvas, lines: list[str], x: float, y: float, ended: bool = True) -> None:
    """Lines of 10 points that end at the same margin, but for the last of an ended paragraph."""
    page.setFont("Helvetica", 10)
    for number, line in enumerate(lines, 1):
        room = COLUMN - page.stringWidth(line, "Helvetica", 10)
        last = ended and number == len(lines)
        page.drawString(x, y, line, wordSpace=0 if last else room / line.count(" "))
        y -= 12.5


def finish(page: canvas.Canvas, buffer: io.BytesIO) -> bytes:
    page.save()
    return buffer.getvalue()


def test_headings_have_levels_by_size_and_paths(read, element_with):
    page, buffer = document()
    y = write(page, ["Pump Manual"], 72, 770, 22, "Helvetica-Bold")
    y = write(page, ["Installation"], 72, y - 20, 16, "Helvetica-Bold")
    y = write(page, ["Electrical connection"], 72, y - 12, 12, "Helvetica-Bold")
    y = write(page, ["The pump needs a supply of 400 volts and a fuse of", "sixteen amperes in each phase."], 72, y - 6)
    write(page, ["Maintenance"], 72, y - 20, 16, "Helvetica-Bold")
    write(page, ["Change the oil every year."], 72, y - 50)
    parsed = read(finish(page, buffer), "manual.pdf")
    assert parsed.title == "Pump Manual"
    paragraph = element_with(parsed, "400 volts")
    assert paragraph.text == "The pump needs a supply of 400 volts and a fuse of sixteen amperes in each phase."
    assert paragraph.heading_path == ("Installation", "Electrical connection")
    assert element_with(parsed, "Change the oil").heading_path == ("Maintenance",)
    assert element_with(parsed, "Electrical").level == 1 + element_with(parsed, "Installation").level
    assert parsed.page_count == 1 and paragraph.page == 1 and parsed.language == "en"


def test_two_columns_are_read_one_after_the_other(read):
    page, buffer = document()
    write(page, ["A Heading Over Both Columns of the Page"], 72, 780, 18, "Helvetica-Bold")
    write(page, LEFT, 60, 740)
    write(page, RIGHT, 320, 740)
    text = read(finish(page, buffer), "columns.pdf").text
    assert " ".join(LEFT) in text and " ".join(RIGHT) in text
    assert text.index("Heading Over") < text.index("left column") < text.index("right column")


def test_large_heading_beside_two_lines_of_the_other_column_leaves_them_in_order(read):
    page, buffer = document()
    write_justified(page, LEFT[:4], 60, 740, ended=False)
    # Taller than a line, and between two lines of the other column: it overlaps both of them by half.
    write(page, ["The Boats"], 60, 683.75, 20, "Helvetica-Bold")
    write_justified(page, LEFT[4:], 60, 658.75)
    write_justified(page, RIGHT, 320, 740)
    text = read(finish(page, buffer), "columns.pdf").text
    assert " ".join(RIGHT) in text
    assert text.index(LEFT[3]) < text.index("The Boats") < text.index(LEFT[4]) < text.index(RIGHT[0])


def test_short_last_line_of_a_subtitle_over_both_columns_belongs_to_it(read, outline_of):
    page, buffer = document()
    write(page, ["The Valley and Its Mills"], 60, 800, 22, "Helvetica-Bold")
    write(
        page,
        ["How the boats of a small town carried grain to the mills for two hundred years in", "a row"],
        60,
        775,
        12,
    )
    write(page, LEFT, 60, 720)
    write(page, RIGHT, 320, 720)
    shape = outline_of(read(finish(page, buffer), "columns.pdf"))
    assert [(kind, text) for kind, _, text in shape][:3] == [
        ("title", "The Valley and Its Mills"),
        ("heading", "How the boats of a small town carried grain to the mills for two hundred years in a row"),
        ("paragraph", " ".join(LEFT)),
    ]


def test_last_line_of_a_paragraph_above_the_columns_belongs_to_it(read, element_with):
    page, buffer = document()
    wide = textwrap.wrap(" ".join(RIGHT + RIGHT), 104)
    assert len(wide[-1]) < 40
    write(page, wide, 60, 760)
    write(page, LEFT, 60, 640)
    write(page, LEFT, 320, 640)
    assert element_with(read(finish(page, buffer), "columns.pdf"), "mountains").text == " ".join(wide)


def test_loosely_justified_lines_are_no_table(read):
    page, buffer = document()
    lines = [
        "The mills of the valley have been described by many",
        "(Orrin, 1891), (Hallam, 1902), (Ford,",
        "1911) and by the boatmen themselves, whose letters",
        "(Quenby, 1920), (Lock, 1933) and diaries",
        "were printed by the town for the first time in the year",
        "of the great flood.",
    ]
    for number, line in enumerate(lines):
        page.setFont("Helvetica", 10)
        room = 260 - page.stringWidth(line, "Helvetica", 10)
        page.drawString(72, 700 - 12.5 * number, line, wordSpace=room / line.count(" ") if number < 5 else 0)
    assert read(finish(page, buffer), "loose.pdf").text == " ".join(lines)


def test_broken_words_are_mended_and_compounds_keep_their_hyphen(read):
    page, buffer = document()
    lines = [
        "Every engineer who works in this plant knows that the instal-",
        "lation of a well-known valve takes an hour. The same well-",
        "known valve is used again in the second building of the plant.",
    ]
    write(page, lines, 72, 700)
    text = read(finish(page, buffer), "hyphens.pdf").text
    assert "the installation of a well-known valve" in text
    assert "The same well-known valve" in text


def test_running_headers_footers_and_page_numbers_are_dropped(read):
    page, buffer = document()
    for number in range(1, 6):
        write(page, ["Annual Report of the Water Board"], 72, 810, 8)
        write(page, [f"This page tells what happened in quarter {number} of the year."], 72, 700)
        write(page, [f"Confidential draft {number}"], 72, 40, 8)
        write(page, [f"- {number} -"], 290, 25, 8)
        page.showPage()
    parsed = read(finish(page, buffer), "report.pdf")
    assert "Water Board" not in parsed.text and "draft" not in parsed.text and "- 3 -" not in parsed.text
    assert [element.page for element in parsed.elements] == [1, 2, 3, 4, 5]
    assert "quarter 4" in parsed.elements[3].text


def test_two_pages_are_enough_for_running_headers(read):
    page, buffer = document()
    for number, text in enumerate([LEFT, RIGHT], 1):
        write(page, ["Valley Mills, note 12"], 72, 810, 8)
        page.drawRightString(520, 810, "May 2021")
        write(page, text * 3, 72, 770)
        write(page, ["First issue"], 72, 40, 8)
        page.drawRightString(520, 40, f"Page {number}")
        page.showPage()
    assert read(finish(page, buffer), "note.pdf").text == "\n\n".join([" ".join(LEFT)] * 3 + [" ".join(RIGHT)] * 3)


def test_titles_and_table_heads_of_two_pages_stay(read, tables_of):
    page, buffer = document()
    for number in (1, 2):
        write(page, [f"Certificate {number}"], 72, 810, 18, "Helvetica-Bold")
        write(page, RIGHT, 72, 740)
        page.showPage()
    text = read(finish(page, buffer), "certificates.pdf").text
    assert "Certificate 1" in text and "Certificate 2" in text

    page, buffer = document()
    for plant in ("North", "South"):
        rows = [["Plant", "Litres", "Share"], *([plant, f"{n},200", f"{n}%"] for n in range(1, 9))]
        for index, row in enumerate(rows):
            for x, cell in zip((72, 250, 350), row, strict=True):
                write(page, [cell], x, 800 - 12 * index)
        page.showPage()
    tables = tables_of(read(finish(page, buffer), "losses.pdf"))
    assert [table.splitlines()[0] for table in tables] == ["| Plant | Litres | Share |"] * 2


def test_only_page_keeps_its_first_and_last_line(read):
    page, buffer = document()
    write(page, ["Valley Mills, note 12"], 72, 810, 8)
    write(page, RIGHT, 72, 740)
    write(page, ["First issue, May 2021"], 72, 40, 8)
    text = read(finish(page, buffer), "note.pdf").text
    assert text.startswith("Valley Mills, note 12") and text.endswith("First issue, May 2021")


def test_paragraph_across_pages_keeps_the_page_of_its_start(read, element_with):
    page, buffer = document()
    write(
        page,
        ["The meeting decided after a long debate that the", "new reservoir will be built by the company which"],
        72,
        90,
    )
    page.showPage()
    write(page, ["made the lowest offer, and that work begins in May.", "Nobody voted against it."], 72, 780)
    parsed = read(finish(page, buffer), "minutes.pdf")
    paragraph = element_with(parsed, "lowest offer")
    assert "by the company which made the lowest offer" in paragraph.text
    assert paragraph.page == 1


@pytest.mark.parametrize(
    ("top", "goes_on"),
    [
        ("Orrin Bridge and then by cart, since the road beyond it has no place at which a boat could land.", True),
        ("Figure 3 The boats at Orrin Bridge, as they were painted in the year of the great flood of spring.", False),
    ],
)
def test_sentence_goes_on_in_the_next_column_though_it_begins_with_a_capital(read, element_with, top, goes_on):
    page, buffer = document()
    begun = [*LEFT[:4], "while grain of the best sort is carried up to"]
    write_justified(page, begun, 60, 740, ended=False)
    write_justified(page, textwrap.wrap(f"{top} {' '.join(RIGHT)}", 44), 320, 740)
    parsed = read(finish(page, buffer), "columns.pdf")
    assert (f"carried up to {top[:20]}" in element_with(parsed, "best sort").text) is goes_on
    assert "\n" not in element_with(parsed, top[:20]).text


def test_aligned_cells_become_a_table_with_joined_header(read, tables_of):
    page, buffer = document()
    write(page, ["The board approved the following budget for the two years."], 72, 740)
    columns = [72, 300, 380, 460]
    rows = [
        ["", "Three months ended June", "", "Year"],
        ["", "2021", "2022", "2022"],
        ["Water sales", "1,200", "1,350", "5,100"],
        ["Pumping costs", "(410)", "(395)", "(1,620)"],
        ["Net income", "790", "955", "3,480"],
    ]
    for index, row in enumerate(rows):
        for x, text in zip(columns, row, strict=True):
            write(page, [text], x, 700 - 14 * index)
    write(page, ["All figures are in thousands."], 72, 600)
    parsed = read(finish(page, buffer), "budget.pdf")
    (table,) = tables_of(parsed)
    lines = table.splitlines()
    assert lines[0] == "| | Three months ended June 2021 | Three months ended June 2022 | Year 2022 |"
    assert "| Pumping costs | (410) | (395) | (1,620) |" in lines
    assert parsed.text.index("following budget") < parsed.text.index("Water sales") < parsed.text.index("thousands")


def test_list_items_are_kept_apart(read):
    page, buffer = document()
    write(
        page,
        ["Before you start the pump:", "• open the valve of the suction line and check that it", "  stays open,"],
        72,
        700,
    )
    write(page, ["• fill the housing with water,", "• close the drain."], 72, 662.5)
    items = [e.text for e in read(finish(page, buffer), "list.pdf").elements if e.kind is ElementKind.LIST_ITEM]
    assert items == [
        "• open the valve of the suction line and check that it stays open,",
        "• fill the housing with water,",
        "• close the drain.",
    ]


def test_rotated_page_reads_as_upright(read):
    page, buffer = document()
    page.translate(595, 0)
    page.rotate(90)
    write(page, ["This line was written along the long side of the sheet.", "The second line follows below."], 72, 500)
    assert read(finish(page, buffer), "landscape.pdf").text == (
        "This line was written along the long side of the sheet. The second line follows below."
    )


def test_password_is_needed(read):
    page, buffer = document(encrypt="secret")
    write(page, ["Hidden text."], 72, 700)
    with pytest.raises(DocumentRejected) as rejected:
        read(finish(page, buffer), "locked.pdf")
    assert rejected.value.code == "encrypted"


def test_cut_off_file_is_damaged(read):
    with pytest.raises(DocumentRejected) as rejected:
        read(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog", "cut.pdf")
    assert rejected.value.code == "damaged"


def test_no_pages_and_no_text(read, tmp_path: Path):
    empty = pypdfium2.PdfDocument.new()
    empty.save(tmp_path / "empty.pdf")
    blank = pypdfium2.PdfDocument.new()
    blank.new_page(200, 200)
    blank.save(tmp_path / "blank.pdf")
    for name in ("empty.pdf", "blank.pdf"):
        with pytest.raises(DocumentRejected) as rejected:
            read(tmp_path / name, name)
        assert rejected.value.code in ("no_text", "damaged")


def test_page_limit(read):
    page, buffer = document()
    for number in range(4):
        write(page, [f"Page {number} has a few words."], 72, 700)
        page.showPage()
    data = finish(page, buffer)
    assert read(data, "four.pdf", pages=4).page_count == 4
    with pytest.raises(DocumentRejected) as rejected:
        read(data, "four.pdf", pages=3)
    assert rejected.value.code == "too_many_pages"


def test_three_thousand_pages(read):
    page, buffer = document()
    for number in range(3000):
        page.drawString(72, 700, f"Record {number} was checked and found complete.")
        page.showPage()
    parsed = read(finish(page, buffer), "long.pdf")
    assert parsed.page_count == 3000
    assert parsed.elements[-1].page == 3000 and "Record 2999" in parsed.elements[-1].text


def test_bold_heading_right_above_a_table_does_not_swallow_its_header(read, tables_of):
    page, buffer = document()
    write(page, ["The following figures were reported to the board in spring."] * 6, 72, 780)
    write(page, ["Losses of Water"], 72, 660, 10, "Helvetica-Bold")
    for index, row in enumerate([["Plant", "Litres", "Share"], ["North", "1,200", "4%"], ["South", "900", "3%"]]):
        for x, text in zip((72, 250, 350), row, strict=True):
            write(page, [text], x, 648 - 12 * index, 10, "Helvetica-Bold" if index == 0 else "Helvetica")
    (table,) = tables_of(read(finish(page, buffer), "losses.pdf"))
    assert table == "| Plant | Litres | Share |\n|---|---|---|\n| North | 1,200 | 4% |\n| South | 900 | 3% |"


def test_names_of_columns_over_two_lines_are_one_header(read, tables_of):
    page, buffer = document()
    write(page, ["Three stations were installed along the river in autumn."], 72, 740)
    for x, name in zip((72, 200, 300, 400), ("Station", "Distance to", "Depth of", "Readings"), strict=True):
        write(page, [name], x, 700, 9, "Helvetica-Bold")
    write(page, ["intake"], 200, 689, 9, "Helvetica-Bold")
    write(page, ["heads"], 300, 689, 9, "Helvetica-Bold")
    for index in range(3):
        for x, text in zip((72, 200, 300, 400), (f"Orrin {index}", "9 km", "0.8 m", "5 min"), strict=True):
            write(page, [text], x, 670 - 17 * index, 9)
    (table,) = tables_of(read(finish(page, buffer), "stations.pdf"))
    assert table.splitlines()[0] == "| Station | Distance to intake | Depth of heads | Readings |"
    assert len(table.splitlines()) == 5
