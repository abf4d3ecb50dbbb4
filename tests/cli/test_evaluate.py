from __future__ import annotations

import json
import pathlib

from typer.testing import CliRunner

from cli.evaluate import app
from evals.runs.run_record import RunRecord


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


def test_the_gate_tells_worse_from_incomparable(tmp_path: pathlib.Path) -> None:
    good, worse = write_run(tmp_path / "a.json", 0.8, 5), write_run(tmp_path / "b.json", 0.7, 5)
    failed = CliRunner().invoke(app, ["gate", "--baseline", good, "--candidate", worse, "--json"])
    told = json.loads(failed.stdout)
    assert failed.exit_code == 1 and not told["passed"]
    assert [loss["metric"] for loss in told["regressions"]] == ["f1"]
    for bad in ("missing.json", str(tmp_path)):
        broken = CliRunner().invoke(app, ["gate", "--baseline", good, "--candidate", bad])
        assert broken.exit_code == 2 and "error: " in broken.stderr
    passed = CliRunner().invoke(app, ["gate", "--baseline", good, "--candidate", worse, "--tolerance", "0.2"])
    assert passed.exit_code == 0


def test_several_runs_can_be_compared(tmp_path: pathlib.Path) -> None:
    runs = [write_run(tmp_path / f"{number}.json", 0.7 + number / 10, 5) for number in range(3)]
    done = CliRunner().invoke(app, ["compare-runs", *runs, "--json"])
    told = json.loads(done.stdout)
    assert [one["run"] for one in told["runs"]] == runs[1:]
    verdicts = {row["metric"]: row["verdict"] for row in told["runs"][1]["differences"]}
    assert verdicts == {"f1": "B is better", "latency_ms": "no clear difference"}
    assert CliRunner().invoke(app, ["compare-runs", runs[0], str(tmp_path / "none.json")]).exit_code == 2


def test_a_report_is_written_from_runs(tmp_path: pathlib.Path) -> None:
    runs = [write_run(tmp_path / f"{number}.json", 0.7 + number / 10, 5) for number in range(2)]
    page = tmp_path / "page.html"
    done = CliRunner().invoke(app, ["report", *runs, "--out", str(page)])
    assert done.exit_code == 0, done.output
    assert "B is better" in page.read_text("utf-8")


def test_a_run_tells_how_to_repeat_it(tmp_path: pathlib.Path) -> None:
    run = write_run(tmp_path / "a.json", 0.8, 5)
    same = CliRunner().invoke(app, ["repeat", run])
    assert same.exit_code == 0 and same.output.splitlines()[0] == "c"
    data = json.loads(pathlib.Path(run).read_text("utf-8"))
    data |= {"settings": {"top_k": "77"}, "machine": {"libraries": {"numpy": "1.0"}}, "commit": "abc"}
    pathlib.Path(run).write_text(json.dumps(data), "utf-8")
    other = CliRunner().invoke(app, ["repeat", run, "--json"])
    differing = {row["what"]: row["then"] for row in json.loads(other.stdout)["differing"]}
    assert other.exit_code == 1
    assert differing == {"setting top_k": "77", "library numpy": "1.0", "commit": "abc"}
