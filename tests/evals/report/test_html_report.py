from __future__ import annotations

import dataclasses
import functools
import pathlib
import re
import subprocess
import sys

import pytest
from lxml import etree
from lxml import html as reader

from evals.report.html_report import render_report, write_report
from runtime.errors import InvalidInput
from tests.evals.report.runs import EVIL, answers_run, groundedness_run, retrieval_run, run

NOISY = dataclasses.replace(groundedness_run(0.3), models={"checker": {"name": "noisy", "version": "2"}})
PAGES = {
    "groundedness": [groundedness_run()],
    "two checkers": [groundedness_run(3.0), NOISY],
    "answers": [answers_run()],
    "two ways to answer": [answers_run(), answers_run(0.2)],
    "retrieval": [retrieval_run()],
    "two indexes": [retrieval_run(), retrieval_run()],
    "routing": [run("routing", [{"id": "1", "policy/correct": True}], metrics={"policy/accuracy": 1.0})],
}


@functools.cache
def page_of(name: str) -> str:
    return render_report(PAGES[name])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_stands_alone_and_runs_nothing(name: str) -> None:
    page = page_of(name)
    tree = reader.document_fromstring(page.encode())
    names = {element.tag for element in tree.iter() if isinstance(element.tag, str)}
    assert {"script", "img", "iframe", "object", "link", "form", "image", "foreignobject"}.isdisjoint(names)
    for element in tree.iter():
        for attribute, value in element.attrib.items():
            assert not attribute.startswith("on"), f"{element.tag} {attribute}"
            if attribute in ("src", "href") or attribute.endswith(":href"):
                assert value.startswith("#"), value
    assert not re.search(r"url\((?!#)|@import", page)
    policies = [one.get("content") for one in tree.iter("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1 and "default-src 'none'" in policies[0]
    assert "\u202e" not in page and "\x07" not in page


def test_texts_of_strangers_are_shown_as_text() -> None:
    for page in map(page_of, ("groundedness", "answers", "retrieval")):
        shown = reader.document_fromstring(page.encode()).text_content()
        assert "<script>alert('x')</script>" in shown, "what they wrote can be read"
        assert "<script" not in page and "<img" not in page


def test_what_a_report_of_a_checker_tells() -> None:
    (one,), page = PAGES["groundedness"], page_of("groundedness")
    assert page.count("<svg") == 4 and page.count("<svg role=") == 4
    shown = reader.document_fromstring(page.encode())
    text = shown.text_content()
    low, high = one.intervals["auroc"]
    for words in (f"{one.metrics['auroc']:.4g}", f"{low:.4g} to {high:.4g}", "0123456789abcdef", "plumb eval", "top_k"):
        assert words in text, words
    missed = max((r for r in one.records if not r["label"] and r["supported"]), key=lambda r: r["score"])
    assert f"score {missed['score']:.3f}" in text
    marks = [mark for mark in shown.iter("mark") if mark.get("class") == "flagged"]
    assert any((mark.text or "").startswith("The answer") for mark in marks)


def test_runs_over_the_same_data_are_compared() -> None:
    page = page_of("two checkers")
    assert "B is worse" in page and "A · " in page and "B · noisy 2" in page
    other = dataclasses.replace(answers_run(), data_hash="other")
    apart = render_report([answers_run(), other])
    assert "over different data" in apart and "B is worse" not in apart


def test_runs_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(InvalidInput, match="answers and groundedness"):
        render_report([groundedness_run(), answers_run()])
    with pytest.raises(InvalidInput, match="at least one"):
        render_report([])


def test_runs_with_little_in_them_are_reported_all_the_same() -> None:
    for odd in (
        groundedness_run(count=1),
        groundedness_run(only=0),
        dataclasses.replace(groundedness_run(), kind="", models={}, seeds={}),
        run("groundedness", []),
        run("something new", [{"id": "1"}]),
    ):
        assert "</html>" in render_report([odd])


def test_plots_are_well_formed_svg() -> None:
    for svg in re.findall(r"<svg.*?</svg>", page_of("groundedness"), re.DOTALL):
        assert etree.fromstring(svg.encode()).tag.endswith("svg")


def test_the_same_runs_make_the_same_page() -> None:
    assert render_report(PAGES["answers"]) == page_of("answers")


def test_a_file_that_cannot_be_written_is_a_clear_error(tmp_path: pathlib.Path) -> None:
    write_report([answers_run()], tmp_path / "new" / "page.html")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["page.html"]
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="could not be written"):
        write_report([answers_run()], tmp_path / "file" / "page.html")


def test_the_command_line_starts_without_the_plotting_library() -> None:
    code = "import cli.main, sys; sys.exit('matplotlib' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_evil_text_is_as_evil_as_it_should_be() -> None:
    assert "<script>" in EVIL and "onerror" in EVIL and "\u202e" in EVIL
