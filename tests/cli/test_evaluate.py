from __future__ import annotations

import pathlib

from typer.testing import CliRunner

from cli.evaluate import app
from evals.run_record import RunRecord


def write_run(file: pathlib.Path, f1: float, latency_ms: float) -> str:
    records = [{"id": str(n), "f1": f1 + n % 7 / 100, "latency_ms": latency_ms} for n in range(60)]
    RunRecord("c", {}, None, {}, "2026-01-01T00:00:00+00:00", 1.0, {}, {}, records, "hash").write(file)
    return str(file)


def test_the_gate_opens_and_shuts_by_quality(tmp_path: pathlib.Path) -> None:
    good, slow = write_run(tmp_path / "a.json", 0.8, 5), write_run(tmp_path / "b.json", 0.8, 50)
    worse = write_run(tmp_path / "c.json", 0.7, 5)
    passed = CliRunner().invoke(app, ["gate", "--baseline", good, "--candidate", slow])
    assert passed.exit_code == 0, passed.output
    failed = CliRunner().invoke(app, ["gate", "--baseline", good, "--candidate", worse])
    assert failed.exit_code == 1 and "f1" in failed.output and "latency_ms" not in failed.output


def test_runs_are_compared_item_by_item(tmp_path: pathlib.Path) -> None:
    a, b = write_run(tmp_path / "a.json", 0.7, 5), write_run(tmp_path / "b.json", 0.8, 5)
    done = CliRunner().invoke(app, ["compare-runs", a, b])
    assert done.exit_code == 0 and "+0.1" in done.output and "B is better" in done.output
