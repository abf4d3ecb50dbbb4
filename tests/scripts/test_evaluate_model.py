from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def evaluate(*arguments: str, folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "evaluate_model.py"
    return subprocess.run(
        [sys.executable, str(script), *arguments], cwd=folder, capture_output=True, text=True, timeout=100
    )


@pytest.fixture
def dataset(tmp_path: pathlib.Path) -> pathlib.Path:
    text = "The lamp room holds two spare bulbs. The keeper changes the bulb every ninety days."
    row = {
        "id": "1",
        "question": "How often does the keeper change the bulb?",
        "context": [{"id": "lamp", "title": "Lamp room", "text": text}],
        "answers": ["every ninety days"],
        "answerable": True,
    }
    file = tmp_path / "questions.jsonl"
    file.write_text(json.dumps(row) + "\n", "utf-8")
    return file


def test_prints_accuracy_p95_latency_and_cost(dataset: pathlib.Path, tmp_path: pathlib.Path) -> None:
    metrics = ("--metrics", "accuracy,latency,cost")
    done = evaluate("--model", "extractive", "--dataset", str(dataset), *metrics, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {line[:32].strip(): line[32:].split()[0] for line in done.stdout.splitlines()[2:]}
    assert rows["accuracy"] == "1"
    assert float(rows["latency p95 (ms)"]) > 0
    assert rows["cost per 1,000 requests (USD)"] == "0"
    assert [path.name for path in tmp_path.iterdir()] == [dataset.name], "reading questions needs no data folder"


def test_problems_are_said_in_a_line(dataset: pathlib.Path, tmp_path: pathlib.Path) -> None:
    dataset.write_text("{\n", "utf-8")
    broken = evaluate("--model", "extractive", "--dataset", str(dataset), folder=tmp_path)
    assert broken.returncode == 1 and "line 1: not JSON" in broken.stderr and "Traceback" not in broken.stderr
    unknown = evaluate("--model", "m", "--dataset", str(dataset), "--metrics", "charm", folder=tmp_path)
    assert unknown.returncode == 2 and "unknown metric charm" in unknown.stderr


def test_questions_without_a_context_are_asked_of_the_documents(dataset: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "documents").mkdir()
    row = json.loads(dataset.read_text("utf-8"))
    (tmp_path / "documents" / "lamp.txt").write_text(row.pop("context")[0]["text"], "utf-8")
    dataset.write_text(json.dumps(row) + "\n", "utf-8")
    ingest = [sys.executable, "-m", "cli.main", "ingest", "documents"]
    paths = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(ingest, cwd=tmp_path, capture_output=True, text=True, timeout=100, env=paths)
    assert done.returncode == 0, done.stderr
    given = ("--model", "extractive", "--dataset", str(dataset), "--metrics", "accuracy,citations,groundedness")
    done = evaluate(*given, "--report", str(tmp_path / "page.html"), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {line[:32].strip(): line[32:].split()[0] for line in done.stdout.splitlines()[2:]}
    assert rows["accuracy"] == "1" and rows["citation recall"] == "1" and rows["hallucination rate"] == "0"
    assert "citation recall" in (tmp_path / "page.html").read_text("utf-8")
