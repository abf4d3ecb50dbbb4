"""The sample documents are what their sources say, and their questions can be relied upon as a test.

The texts are read here with the plainest library for each format, apart from the platform's own parsers.
"""

from __future__ import annotations

import email
import email.policy
import functools
import html
import json
import pathlib
import re
import subprocess
import sys
from typing import Any

import docx
import openpyxl
import pptx
import pypdfium2
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = ROOT / "samples" / "documents"
SOURCES = ROOT / "samples" / "sources"
BUILT_SUFFIXES = {".pdf", ".docx", ".pptx", ".xlsx"}
SCANS = {
    str(path.relative_to(SOURCES)).replace(".scan.md", ".pdf"): path for path in sorted(SOURCES.rglob("*.scan.md"))
}
QUESTIONS = [json.loads(line) for line in (ROOT / "samples" / "questions.jsonl").read_text("utf-8").splitlines()]
ANSWERABLE = [question for question in QUESTIONS if question["answerable"]]


@functools.cache
def pages_of(document: str) -> dict[int | None, str]:
    """Text by page (PDF), slide or sheet, each counted from 1; under `None` where a format has no pages.

    The text of a scan is that of its source. White space is collapsed, and hyphenated words are whole again.
    """
    path = DOCUMENTS / document
    pages: dict[int | None, str]
    if document in SCANS:
        pages = {1: SCANS[document].read_text("utf-8")}
    elif path.suffix == ".pdf":
        with pypdfium2.PdfDocument(path) as pdf:
            texts = [page.get_textpage().get_text_range() for page in pdf]
        pages = {number: re.sub("\ufffe\\s*", "", text) for number, text in enumerate(texts, start=1)}
    elif path.suffix == ".docx":
        word = docx.Document(str(path))
        cells = [cell.text for table in word.tables for row in table.rows for cell in row.cells]
        pages = {None: " ".join([paragraph.text for paragraph in word.paragraphs] + cells)}
    elif path.suffix == ".pptx":
        slides = pptx.Presentation(str(path)).slides
        pages = {number: _slide_text(slide) for number, slide in enumerate(slides, start=1)}
    elif path.suffix == ".xlsx":
        sheets = openpyxl.load_workbook(path).worksheets
        pages = {number: _sheet_text(sheet) for number, sheet in enumerate(sheets, start=1)}
    elif path.suffix == ".eml":
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        pages = {None: f"{message['subject']} {body.get_content()}"}
    elif path.suffix == ".html":
        pages = {None: html.unescape(re.sub("<[^>]+>", " ", path.read_text("utf-8")))}
    else:
        pages = {None: path.read_text("utf-8")}
    return {number: " ".join(text.split()) for number, text in pages.items()}


def _slide_text(slide: Any) -> str:
    texts = [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]
    texts += [cell.text for shape in slide.shapes if shape.has_table for cell in shape.table.iter_cells()]
    return " ".join(texts)


def _sheet_text(sheet: Any) -> str:
    return " ".join(str(cell) for row in sheet.values for cell in row if cell is not None)


def test_a_rebuild_gives_the_committed_bytes(tmp_path: pathlib.Path) -> None:
    subprocess.run([sys.executable, str(ROOT / "scripts" / "build_samples.py"), "--out", str(tmp_path)], check=True)
    built = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    committed = {
        path.relative_to(DOCUMENTS): path.read_bytes() for path in DOCUMENTS.rglob("*") if path.suffix in BUILT_SUFFIXES
    }
    assert built.keys() == committed.keys()
    assert [path for path in built if built[path] != committed[path]] == []


def test_the_corpus_has_the_promised_shape() -> None:
    files = [path for path in DOCUMENTS.rglob("*") if path.is_file()]
    assert len({path.suffix for path in files}) >= 10
    assert sum(path.stat().st_size for path in files) < 3_000_000
    readmes = [path for path in files if path.name == "README.md"]
    assert len(readmes) == 2
    assert readmes[0].read_bytes() != readmes[1].read_bytes()


@pytest.mark.parametrize("document", SCANS)
def test_a_scan_has_no_text_layer(document: str) -> None:
    with pypdfium2.PdfDocument(DOCUMENTS / document) as pdf:
        assert [page.get_textpage().get_text_range() for page in pdf] == [""]


def test_there_are_enough_questions_of_both_sorts() -> None:
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS) >= 60
    assert len(QUESTIONS) - len(ANSWERABLE) >= 15
    assert {"lookup", "table", "crossing", "version", "scanned", "same_name", "columns"} <= {
        question["kind"] for question in ANSWERABLE
    }


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: str(question["id"]))
def test_answers_stand_on_the_named_page(question: dict[str, Any]) -> None:
    pages = pages_of(question["document"])
    assert question["page"] in pages
    assert question["answers"]
    assert [answer for answer in question["answers"] if answer not in pages[question["page"]]] == []
    assert [path for path in question.get("also", []) if not (DOCUMENTS / path).is_file()] == []


def test_unanswerable_questions_name_no_source() -> None:
    unanswerable = [question for question in QUESTIONS if not question["answerable"]]
    assert all(not question["answers"] for question in unanswerable)
    assert all(question["document"] is None and question["page"] is None for question in unanswerable)
