"""Real `plumb` processes in a folder of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cli.owner_lock import Owner, is_owned, read_owner

ROOT = Path(__file__).resolve().parents[2]


def environment(**settings: str) -> dict[str, str]:
    """This environment with only the given `PLUMB_*` variables."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PLUMB_")}
    path = os.pathsep.join(filter(None, [str(ROOT), inherited.get("PYTHONPATH")]))
    return {**inherited, "PYTHONPATH": path, "NO_COLOR": "1", "COLUMNS": "100", **settings}


def plumb(*arguments: str, cwd: Path, timeout: float = 90, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `plumb` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=cwd,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@contextlib.contextmanager
def running(*arguments: str, cwd: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Start `plumb`; it is killed with the block when it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=cwd,
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        with process:
            process.kill()


def wait_for_owner(data_dir: Path, timeout: float = 60) -> Owner:
    """The owner of a data folder once it can be reached."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        owner = read_owner(data_dir) if is_owned(data_dir) else None
        if owner is not None and owner.address is not None:
            return owner
        time.sleep(0.05)
    raise AssertionError(f"nobody serves {data_dir}")


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str, str]:
    """Signal a process; exit code, standard output and standard error."""
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err
