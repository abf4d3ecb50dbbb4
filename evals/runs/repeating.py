"""What is different now from when a run was made: of what could change its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evals.assembly import describe_models, describe_settings
from evals.runs.run_record import UNCOMMITTED, RunRecord, machine_facts, source_commit
from runtime.settings import Settings

Change = tuple[str, str, str]
"""What differs, what it was, and what it is."""


def differences_to_now(run: RunRecord, settings: Settings) -> list[Change]:
    """Commit, Python, libraries, models and settings that are not those of the run, where it recorded them.

    A checker is not built for this: its version follows from the commit and the settings. The processor changes no
    figure but latencies, and is left out.
    """
    machine = machine_facts()
    then = {
        "commit": run.commit,
        "python": run.machine.get("python"),
        **_named("library", run.machine.get("libraries")),
        **_named("model", run.models),
        **_named("setting", run.settings),
    }
    now = {
        "commit": source_commit(),
        "python": machine["python"],
        **_named("library", machine["libraries"]),
        **_named("model", describe_models(settings)),
        **_named("setting", describe_settings(settings)),
    }
    changes = [
        (what, str(was), str(now[what]))
        for what, was in then.items()
        if was is not None and what in now and was != now[what]
    ]
    if run.commit is not None and run.commit.endswith(UNCOMMITTED) and run.commit == now["commit"]:
        changes.insert(0, ("source", "changed since its commit", "changed since the same commit, perhaps otherwise"))
    return changes


def _named(prefix: str, values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {f"{prefix} {name}": value for name, value in (values or {}).items()}
