from __future__ import annotations

import datetime
import io

import openpyxl
import pytest

from ingestion.documents import ElementKind

STOCK = "Part;Stock;Price\nGasket;40;1,50\nBolt;900;0,10\n"
STOCK_TABLE = "| Part | Stock | Price |\n|---|---|---|\n| Gasket | 40 | 1,50 |\n| Bolt | 900 | 0,10 |"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiter_is_found(read, tables_of, delimiter):
    parsed = read(STOCK.replace(";", delimiter).encode(), "stock.csv")
    assert tables_of(parsed) == [STOCK_TABLE]


def test_quotes_line_breaks_and_short_rows(read, tables_of):
    parsed = read(b'Name,Note\n"Smith, Ann","two\nlines"\nLee\n', "people.csv")
    assert tables_of(parsed) == ["| Name | Note |\n|---|---|\n| Smith, Ann | two lines |\n| Lee | |"]


def test_open_quote_does_not_swallow_the_file(read):
    parsed = read(b'a,b\n1,"open\n2,3\n' + b"4,5\n" * 10, "broken.csv")
    assert "4" in parsed.text


def test_cp1252_table(read):
    assert "Düse" in read("Teil;Preis\nDüse;3 €\n".encode("cp1252"), "teile.csv").text


def workbook() -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    stock = book.active
    stock.title = "Stock"
    for row in (
        ["Stock on hand"],
        ["Part", "Count", "Checked"],
        ["Gasket", 40, datetime.date(2024, 3, 1)],
        ["Bolt", 1.5, None],
    ):
        stock.append(row)
    stock.merge_cells("A1:C1")
    stock["A6"] = "Counted by hand."
    people = book.create_sheet("People")
    people.append(["Name", "Keys"])
    people.append(["Ann", 3])
    hidden = book.create_sheet("Secret")
    hidden.append(["hidden", "words"])
    hidden.sheet_state = "hidden"
    return book


def test_sheets_are_headings_and_pages(read, element_with, tables_of):
    buffer = io.BytesIO()
    workbook().save(buffer)
    parsed = read(buffer.getvalue(), "stock.xlsx")
    assert tables_of(parsed) == [
        "| Part | Count | Checked |\n|---|---|---|\n| Gasket | 40 | 2024-03-01 |\n| Bolt | 1.5 | |",
        "| Name | Keys |\n|---|---|\n| Ann | 3 |",
    ]
    assert element_with(parsed, "Stock on hand").kind is ElementKind.PARAGRAPH
    people = element_with(parsed, "Ann")
    assert people.page == 2 and people.heading_path == ("People",)
    assert element_with(parsed, "Counted by hand").heading_path == ("Stock",)
    assert "hidden" not in parsed.text and parsed.page_count == 2


def test_merged_cells_are_repeated(read, tables_of):
    book = openpyxl.Workbook()
    for row in (["Plant", "Year", "Litres"], ["North", 2021, 5], [None, 2022, 6]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    buffer = io.BytesIO()
    book.save(buffer)
    assert "| North | 2022 | 6 |" in tables_of(read(buffer.getvalue(), "litres.xlsx"))[0]
