"""The command line as its users meet it: quick help, one sentence an error, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.processes import ROOT, plumb

HEAVY = (
    "fastapi",
    "uvicorn",
    "httpx",
    "onnxruntime",
    "torch",
    "sentence_transformers",
    "spacy",
    "llama_index",
    "sqlalchemy",
)


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = f"import sys, cli.main; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_help_names_every_command(tmp_path: Path) -> None:
    done = plumb("--help", cwd=tmp_path)
    assert done.returncode == 0
    for command in ("demo", "ingest", "search", "ask", "documents", "serve", "eval", "doctor"):
        assert command in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ingest",), "Missing argument"),
        (("ingest", "nowhere.pdf"), "does not exist"),
        (("serve", "--host", "0.0.0.0"), "keys"),
        (("serve", "--host", "example.org"), "keys"),
        (("ask", "Why?", "--json", "--stream"), "--stream"),
        (("search", "x", "--top-k", "0"), "--top-k"),
        (("nonsense",), "nonsense"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    done = plumb(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert not (tmp_path / ".plumb").exists()


def test_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    done = plumb("documents", "list", cwd=tmp_path, PLUMB_TOP_K="many")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ") and "PLUMB_TOP_K" in done.stderr
    assert "Traceback" not in done.stderr


def test_unexpected_error_is_a_sentence_and_a_log(tmp_path: Path) -> None:
    code = (
        "import sys, cli.main, cli.file_walk\n"
        "def broken(*a, **k): raise ZeroDivisionError('by \\x1b[31mnothing')\n"
        "cli.file_walk.find_files = broken\n"
        "sys.argv = ['plumb', 'ingest', '.']\n"
        "cli.main.main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PLUMB_DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 70
    assert "ZeroDivisionError" in done.stderr and "Traceback" not in done.stderr and "\x1b" not in done.stderr
    log = tmp_path / "data" / "plumb.log"
    assert str(log) in done.stderr
    assert "Traceback" in log.read_text()


def test_doctor_before_anything_exists(tmp_path: Path) -> None:
    done = plumb("doctor", "--json", cwd=tmp_path, PLUMB_QDRANT_API_KEY="very-secret")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] is True
    assert "very-secret" not in done.stdout
    assert {check["name"] for check in report["checks"]} >= {"data folder", "owner", "embedding model", "platform"}
    assert not (tmp_path / ".plumb").exists()


def test_doctor_tells_of_a_service_that_does_not_answer(tmp_path: Path) -> None:
    done = plumb("doctor", cwd=tmp_path, PLUMB_BROKER_URL="redis://127.0.0.1:9/0")
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stdout and "PLUMB_BROKER_URL" in done.stdout


def test_doctor_tells_of_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = plumb("doctor", cwd=tmp_path, PLUMB_DATA_DIR=str(tmp_path / "file" / "data"))
    assert done.returncode == 1
    assert "PLUMB_DATA_DIR" in done.stdout
