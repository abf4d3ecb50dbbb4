from __future__ import annotations

import argparse
import pathlib

import pytest

from bench import report


def test_a_section_replaces_its_predecessor_and_nothing_else() -> None:
    text = report.replace_section("# Title\n", "embedding", "## Embedding\n\nold \\1")
    text = report.replace_section(text, "latency", "## Latency")
    again = report.replace_section(text, "embedding", "## Embedding\n\nnew \\2")
    assert "old" not in again and "new \\2" in again
    assert again.index("embedding") < again.index("latency") and again.startswith("# Title\n\n")
    assert report.replace_section(again, "latency", "## Latency") == again


def test_only_full_runs_write(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "BENCHMARKS", tmp_path / "docs" / "benchmarks.md")
    private = tmp_path / "private"
    report.publish("embedding", "Embedding", "table", argparse.Namespace(data=private, small=True))
    assert not report.BENCHMARKS.exists()
    report.publish("embedding", "Embedding", "table", argparse.Namespace(data=private, small=False, runs=None))
    written = report.BENCHMARKS.read_text("utf-8")
    assert "`python -m bench.embedding DATA` on " in written and "commit `" in written
    assert str(private) not in written


def test_tables_and_figures() -> None:
    assert report.table(["a", "b"], [[1, "x"]]) == "| a | b |\n| --- | --- |\n| 1 | x |"
    assert report.percentiles([1.0] * 99 + [100.0]) == "1.0 / 1.0"
    assert report.spread([3.0, 1.0, 2.0]) == "2.0 (1.0 to 3.0)"
