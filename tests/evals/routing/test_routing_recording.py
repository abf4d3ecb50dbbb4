"""A run recorded through the whole answering side and two models over real HTTP, then replayed by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.evaluate import app
from evals.routing.routing_assembly import record_routing
from runtime.errors import InvalidInput
from runtime.settings import Settings
from tests.model_server import model_server

LEASE = {"id": "lease", "title": "Lease", "text": "The rent in Basel is 1,200 francs. The lease ends on 31 May 2027."}
ROWS = [
    {"id": "rent", "question": "What is the rent in Basel?", "context": [LEASE], "answers": ["1,200 francs"]},
    {"id": "end", "question": "When does the lease end?", "context": [LEASE], "answers": ["31 May 2027"]},
    {"id": "hello", "question": "Who painted the ceiling?", "context": [LEASE], "answers": [], "answerable": False},
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "cases.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
    return file


def test_a_run_is_recorded_and_replayed(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "run.json"
    with model_server() as provider:
        models = [
            {"name": "small", "role": "fast", "model": "invents", "usd_per_million_prompt": 1.0},
            {"name": "large", "role": "powerful", "model": "evidence", "usd_per_million_prompt": 10.0},
        ]
        for model in models:
            model |= {"endpoint": provider.openai_url, "usd_per_million_completion": 30.0}
        monkeypatch.setenv("PLUMB_MODELS", json.dumps(models))
        arguments = ["routing", "--record", "--data", str(data), "--out", str(out), "--json"]
        done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    run = json.loads(out.read_text())
    assert run["metrics"]["small/fell_back"] == 0 and run["metrics"]["large/fell_back"] == 0
    first = run["records"][0]
    assert set(first["arms"]) == {"small", "large", "extractive"}
    assert first["intent"]["kind"] == "look_up" and first["evidence"]["passages"] == 1
    assert (
        first["arms"]["large"]["correct"]
        and first["arms"]["large"]["cost_usd"] > first["arms"]["small"]["cost_usd"] > 0
    )
    assert first["arms"]["small"]["supported"] is False

    replayed = CliRunner().invoke(app, ["routing", "--replay", str(out), "--json"])
    assert replayed.exit_code == 0, replayed.output
    metrics = json.loads(replayed.output)["metrics"]
    assert metrics["always-powerful/accuracy"] >= metrics["policy/accuracy"] >= metrics["always-fast/accuracy"]
    assert metrics["policy/escalated"] > 0

    policy = tmp_path / "policy.json"
    policy.write_text('{"cascade": false}')
    table = CliRunner().invoke(app, ["routing", "--replay", str(out), "--policy", str(policy)], env={"COLUMNS": "200"})
    assert table.exit_code == 0 and "always-powerful" in table.output and "cost_per_1000_usd" in table.output


def test_recording_needs_two_kinds_of_models(data: Path) -> None:
    with pytest.raises(InvalidInput, match="a fast and a powerful"):
        record_routing(Settings(), data, command="c")


@pytest.mark.parametrize(
    "arguments", [[], ["--record"], ["--record", "--replay", "x.json"], ["--record", "--data", "x.jsonl"]]
)
def test_wrong_usage(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["routing", *arguments])
    assert done.exit_code == 2
