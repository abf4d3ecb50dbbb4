"""Questions drafted, judged and asked with real `plumb` processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.processes import ROOT, environment, plumb

TEXT = """# Reading room

A member of the Halden Library may borrow seven books for four weeks. The Halden Library was opened in 1931.

| Fee | Amount |
|---|---|
| Lost card | €12 |
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / "library.md").write_text(TEXT)
    done = plumb("ingest", "library.md", "--collection", "library", cwd=home)
    assert done.returncode == 0, done.stderr
    return home


def review(home: Path, file: Path, keys: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "eval", "test-set", "review", str(file), *options],
        cwd=home,
        env=environment(),
        input=keys,
        capture_output=True,
        text=True,
        timeout=60,
    )


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_drafted_judged_and_asked(home: Path) -> None:
    file = home / "set.jsonl"
    done = plumb(
        *("eval", "test-set", "draft", "--collection", "library", "--questions", "3"),
        *("--unanswerable", "0", "--out", str(file)),
        cwd=home,
    )
    assert done.returncode == 0, done.stderr
    assert "3 questions, 0 of them unanswerable." in done.stderr
    drafted = rows(file)
    assert {row["status"] for row in drafted} == {"drafted"}
    assert all(row["answers"][0] in row["evidence"][0]["quote"] for row in drafted)

    judged = review(home, file, "a\nr\nx\ne\nIn which year did it open?\n1931 | the year 1931\n")
    assert judged.returncode == 0, judged.stderr
    assert "1 accepted, 1 edited, 1 rejected." in judged.stdout
    after = rows(file)
    assert [row["status"] for row in after] == ["accepted", "rejected", "edited"]
    assert (after[2]["question"], after[2]["answers"]) == ("In which year did it open?", ["1931", "the year 1931"])
    assert after[0] == {**drafted[0], "status": "accepted"}
    counts = json.loads(review(home, file, "", "--json").stdout)
    assert counts["status"] == {"accepted": 1, "rejected": 1, "edited": 1}

    asked = plumb("eval", "answers", "--data", str(file), "--collection", "library", "--json", cwd=home)
    assert asked.returncode == 0, asked.stderr
    assert [record["id"] for record in json.loads(asked.stdout)["records"]] == [after[0]["id"], after[2]["id"]]


def test_stopping_keeps_what_was_judged(home: Path, tmp_path: Path) -> None:
    done = plumb("eval", "test-set", "draft", "--collection", "library", "--questions", "2", cwd=home)
    file = tmp_path / "set.jsonl"
    file.write_text(done.stdout)  # without --out the questions are printed
    for keys in ("a\nq\n", "a\n"):  # asked for more than was typed, it stops as with Ctrl-D
        file.write_text(done.stdout)
        review(home, file, keys)
        assert [row["status"] for row in rows(file)].count("accepted") == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [("{broken\n", "line 1: not JSON"), ('{"id": "1", "question": "q?", "answers": ["a"]}\n', "`kind` is missing")],
)
def test_a_file_that_is_no_test_set(home: Path, tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text(content)
    done = review(home, file, "a\n")
    assert done.returncode == 1 and said in " ".join(done.stderr.split()), done.stderr
    assert file.read_text() == content


def test_errors_are_sentences(home: Path) -> None:
    done = plumb("eval", "test-set", "draft", "--collection", "nowhere", cwd=home)
    assert done.returncode == 1 and "There is no collection 'nowhere'" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_help_is_instant() -> None:
    done = plumb("eval", "test-set", "draft", "--help", cwd=ROOT)
    assert done.returncode == 0 and "--unanswerable" in done.stdout
