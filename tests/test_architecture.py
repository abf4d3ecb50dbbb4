"""The rules of the structure: layers, homes of libraries, and what must not be loaded at start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "sentence_transformers", "transformers", "spacy", "llama_index", "unstructured", "onnxruntime")


def test_import_contracts_hold() -> None:
    checked = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("module", ["api.app", "cli.main"])
def test_start_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_packages_re_export_nothing() -> None:
    for package in ("runtime", "safety", "ingestion", "retrieval", "generation", "evals", "workers", "api", "cli"):
        for path in (ROOT / package).rglob("__init__.py"):
            assert len(path.read_text().splitlines()) <= 1, f"{path} holds more than its docstring"
