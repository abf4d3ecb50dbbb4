"""The example workflow and the page on evaluation: their commands are those of the command line."""

from __future__ import annotations

import pathlib
import shlex
from typing import Any

import click
import pytest
import typer
import yaml

from cli.main import app
from evals.report.answers_section import SHARES as ANSWERS
from evals.report.groundedness_section import CARDS as CHECKERS

DOCS = pathlib.Path(__file__).parents[2] / "docs"
WORKFLOW, PAGE = DOCS / "examples" / "quality-gate.yml", DOCS / "evaluation.md"


def commands() -> list[list[str]]:
    workflow: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    lines = [line for step in workflow["jobs"]["quality"]["steps"] for line in step.get("run", "").splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("plumb ")]


def documented() -> list[list[str]]:
    return [shlex.split(line)[1:] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("plumb eval ")]


@pytest.mark.parametrize("arguments", [*commands(), *documented()], ids=" ".join)
def test_every_command_is_understood(arguments: list[str]) -> None:
    """Parsed down to the last option by the real commands, which are not run."""
    command: Any = typer.main.get_command(app)
    context = click.Context(command)
    while hasattr(command, "resolve_command"):
        name, command, arguments = command.resolve_command(context, arguments)
    assert command.make_context(name, list(arguments), parent=context).params


def test_the_workflow_measures_before_it_gates() -> None:
    said = [" ".join(arguments[:2]) for arguments in commands()]
    assert {"eval answers", "eval groundedness", "eval compare-runs", "eval gate", "eval report"} == set(said)
    assert said.index("eval gate") > said.index("eval answers")
    written = {arguments[arguments.index("--out") + 1] for arguments in commands() if "--out" in arguments}
    judged = {arguments[arguments.index("--candidate") + 1] for arguments in commands() if "--candidate" in arguments}
    assert judged <= written, "the gate judges what was measured"


def test_every_metric_is_explained() -> None:
    said = PAGE.read_text("utf-8")
    for metric in (*ANSWERS, *CHECKERS, "ndcg@10", "recall@100", "mrr@10", "map@100"):
        assert f"`{metric}`" in said, metric
