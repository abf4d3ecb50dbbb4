"""The example workflow: its commands are those of the command line, and the gate in it opens and shuts."""

from __future__ import annotations

import pathlib
import shlex
from typing import Any

import click
import pytest
import typer
import yaml

from cli.main import app

WORKFLOW = pathlib.Path(__file__).parents[2] / "docs" / "examples" / "quality-gate.yml"


def commands() -> list[list[str]]:
    workflow: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    lines = [line for step in workflow["jobs"]["quality"]["steps"] for line in step.get("run", "").splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("plumb ")]


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
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
