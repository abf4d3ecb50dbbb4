"""One evaluation run as one JSON object: what was measured, with what, on what, and every item's own result."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.errors import InvalidInput

_SOURCE_FOLDER = pathlib.Path(__file__).resolve().parents[2]
_LIBRARIES = ("onnxruntime", "qdrant-edge-py", "qdrant-client", "torch", "sentence-transformers", "tokenizers", "numpy")

UNCOMMITTED = "-dirty"
"""Behind a commit: tracked files differed from it."""

SEED = 0
"""Of all that is random in an evaluation: resamples, permutations, folds."""


_LATER_FIELDS = frozenset({"kind", "models", "seeds"})
"""Runs written before these existed are read all the same."""


@dataclasses.dataclass(frozen=True, slots=True)
class Evaluation:
    """What an engine found: the part of a run record that does not depend on where it ran."""

    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    records: Sequence[Mapping[str, Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class RunRecord:
    """`metrics` are aggregates by name, `intervals` their 95% intervals, `records` one object an item with its `id`.

    `seconds` is the wall time of the whole run. `data_hash` is the SHA-256 of the data as read (decompressed), so that
    two runs can be told to have measured the same items. `kind` is the evaluation: retrieval, answers, groundedness or
    routing; `models` names what was used, with versions or hashes; `seeds` is what random numbers began from.
    """

    command: str
    settings: Mapping[str, Any]
    commit: str | None
    machine: Mapping[str, Any]
    started: str
    seconds: float
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    records: Sequence[Mapping[str, Any]]
    data_hash: str
    kind: str = ""
    models: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seeds: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def write(self, path: pathlib.Path) -> None:
        """Write the record as JSON; the file appears whole or not at all."""
        partial = path.with_name(path.name + ".partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(self.to_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            os.replace(partial, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise InvalidInput(f"The run could not be written to {path}: {error.strerror}.") from error


def finished_run(
    evaluation: Evaluation,
    *,
    kind: str,
    command: str,
    settings: Mapping[str, Any],
    models: Mapping[str, Any],
    started: str,
    start: float,
    data_hash: str,
) -> RunRecord:
    """The record of an evaluation that ends now; `started` is `utc_now()` and `start` `time.perf_counter()` of then."""
    return RunRecord(
        command=command,
        settings=settings,
        commit=source_commit(),
        machine=machine_facts(),
        started=started,
        seconds=time.perf_counter() - start,
        metrics=evaluation.metrics,
        intervals=evaluation.intervals,
        records=evaluation.records,
        data_hash=data_hash,
        kind=kind,
        models=models,
        seeds={"statistics": SEED},
    )


def read_run_record(path: pathlib.Path) -> RunRecord:
    """A record written by `RunRecord.write`; raises `InvalidInput` when the file is something else."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InvalidInput(f"{path} is not a run record: it is not JSON ({error}).") from error
    fields = dataclasses.fields(RunRecord)
    needed = [field.name for field in fields if field.name not in _LATER_FIELDS]
    missing = [name for name in needed if not isinstance(data, dict) or name not in data]
    if missing:
        raise InvalidInput(
            f"{path} is not a run record (it lacks {', '.join(missing)}); make one with plumb eval --out."
        )
    if not isinstance(data["records"], list) or any(not isinstance(r, dict) or "id" not in r for r in data["records"]):
        raise InvalidInput(f"{path}: `records` must be a list of objects with an `id`.")
    try:
        data["intervals"] = {name: (float(low), float(high)) for name, (low, high) in data["intervals"].items()}
    except (TypeError, ValueError, AttributeError):
        raise InvalidInput(f"{path}: `intervals` must map names to pairs of numbers.") from None
    return RunRecord(**{field.name: data[field.name] for field in fields if field.name in data})


def source_commit() -> str | None:
    """Commit of the source tree, with `UNCOMMITTED` when tracked files differ from it; `None` outside a repository."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + (UNCOMMITTED if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(_SOURCE_FOLDER), *arguments], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()


def machine_facts() -> dict[str, Any]:
    """Processor, usable cores, memory in GiB, Python, the libraries that decide speed; nothing that names the host."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor_name(),
        "cores": cores,
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: version for name in _LIBRARIES if (version := _installed_version(name))},
    }


def _processor_name() -> str:
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux: the general name below has to do
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None


def _installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def utc_now() -> str:
    """The present moment in ISO 8601, in seconds, UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
