from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from cli.answer_view import print_answer, print_passages
from cli.console import one_line, print_json, printable, shortened

PASSAGE = {
    "document_name": "handbook/leave.pdf",
    "text": "Employees may carry over five days\nuntil 31 March.",
    "page": 7,
    "section": "Leave > Carry-over",
    "score": 0.713,
}
ANSWER: dict[str, Any] = {
    "answer": "Five days may be carried over. [1] They lapse in April. [2]",
    "refused": False,
    "citations": [
        {"marker": 1, "document_name": "handbook/leave.pdf", "page": 7, "quote": "carry over five days"},
        {"marker": 2, "document_name": "rules.md", "page": None, "quote": "lapse"},
    ],
    "groundedness": {
        "score": 0.61,
        "supported": False,
        "sentences": [
            {"span": [0, 34], "is_claim": True, "score": 0.9, "supported": True},
            {"span": [35, 59], "is_claim": True, "score": 0.2, "supported": False},
        ],
        "unsupported_spans": [[35, 59]],
        "checker": {"name": "verbatim", "version": "1", "threshold": 0.5},
    },
    "passages": [PASSAGE],
}


def _shown(show: Any, value: Any) -> str:
    console = Console(file=io.StringIO(), width=80, markup=False, emoji=False, highlight=False)
    show(console, value)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_answer_shows_markers_sources_and_what_is_not_supported() -> None:
    shown = _shown(print_answer, ANSWER)
    assert "carried over. [1]" in shown
    assert "[1] handbook/leave.pdf, page 7" in shown and "“carry over five days”" in shown
    assert "[2] rules.md\n" in shown
    assert "1 of 2 sentences supported" in shown and "Not supported: They lapse in April. [2]" in shown


def test_refusal_shows_the_nearest_passages() -> None:
    refusal = {**ANSWER, "answer": "The documents do not say.", "refused": True, "citations": [], "groundedness": None}
    shown = _shown(print_answer, refusal)
    assert shown.startswith("The documents do not say.")
    assert "Nearest passages" in shown and "handbook/leave.pdf, page 7" in shown
    assert "Sources" not in shown and "Grounded" not in shown


def test_passages_are_ranked_and_in_one_paragraph() -> None:
    shown = _shown(print_passages, [PASSAGE, {**PASSAGE, "section": "", "page": None}])
    assert "1. handbook/leave.pdf, page 7 · Leave > Carry-over  (0.71)" in shown
    assert "2. handbook/leave.pdf  (0.71)" in shown
    assert "five days until 31 March." in shown


def test_documents_cannot_drive_the_terminal() -> None:
    hostile = {
        **PASSAGE,
        "text": "\x1b[2J\x1b]0;owned\x07 words \u202e :smile: [bold]x[/bold]",
        "document_name": "a\x1b[31m.md",
    }
    shown = _shown(print_passages, [hostile])
    assert "\x1b" not in shown and "\x07" not in shown and "\u202e" not in shown
    assert ":smile: [bold]x[/bold]" in shown


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [("a b", 10, "a b"), ("one two three", 9, "one two…"), ("one,\n  two", 20, "one, two"), ("x" * 20, 5, "xxxx…")],
)
def test_shortened(text: str, width: int, expected: str) -> None:
    assert shortened(text, width) == expected


def test_printable_keeps_words_of_every_script() -> None:
    assert printable("Größe\t中文\nعربي \ud83d") == "Größe\t中文\nعربي \ufffd"
    assert one_line(" a \n\n b ") == "a b"


def test_json_is_one_readable_object_even_for_names_that_are_not_utf8(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"path": "Größe"})
    assert "Größe" in capsys.readouterr().out
    print_json({"path": "caf\udce9"})
    assert json.loads(capsys.readouterr().out) == {"path": "caf\udce9"}
