"""The README names only what exists."""

from __future__ import annotations

import re

from typer.main import get_command

from cli.main import app
from runtime.settings import Settings
from tests.cli.processes import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_settings_of_the_readme_exist() -> None:
    known = {f"PLUMB_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"PLUMB_[A-Z_]+", README)) <= known


def test_commands_of_the_readme_exist() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    named = re.findall(r"plumb ([a-z]+)(?: ([a-z][a-z-]+))?", README)
    assert {command for command, _ in named} <= set(commands)
    for command, second in named:
        inner = getattr(commands[command], "commands", None)
        assert inner is None or not second or second in inner, f"plumb {command} {second}"


def test_folders_of_the_readme_exist() -> None:
    tree = README.split("## Files")[1].split("```")[1]
    folders = re.findall(r"^([a-z]+)/", tree, flags=re.MULTILINE)
    assert len(folders) >= 12
    assert all((ROOT / folder).is_dir() for folder in folders)
