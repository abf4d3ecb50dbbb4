"""The folder of one generation of the embedded index, and the files that say what is valid in it.

    <generation>/
        lock              held (flock) by the process that has the index open
        generation.json   what the index was built with
        current.json      which shard folder is valid, and how many points it had when it was optimized
        shard-0007/       that shard; any other shard folder is a leftover of a crash

A shard becomes valid by one atomic replacement of `current.json`; whatever was under way before a crash is removed by
the next open.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import Any

from retrieval.vector_index import IndexLocked

_SHARD = "shard-"


class IndexFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock_file: int | None = None

    def lock(self) -> None:
        """Take the folder for this process; raises `IndexLocked` when it is taken."""
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise IndexLocked(
                f"The index in {self.path} is in use by another Plumbline process. "
                "Stop that process, send the request to it, or give this one another PLUMB_DATA_DIR."
            ) from None
        self._lock_file = descriptor

    def unlock(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def current(self) -> tuple[Path, int] | None:
        """The valid shard folder and its number of optimized points; `None` before the first."""
        try:
            record = json.loads((self.path / "current.json").read_text())
        except FileNotFoundError:
            return None
        return self.path / record["shard"], int(record["optimized_points"])

    def switch(self, shard: Path, optimized_points: int) -> None:
        """Make this shard the valid one, atomically and durably."""
        write_atomically(self.path / "current.json", {"shard": shard.name, "optimized_points": optimized_points})

    def new_shard(self) -> Path:
        """A name that no shard has had while the valid one lives; the folder does not exist yet."""
        current = self.current()
        number = int(current[0].name.removeprefix(_SHARD)) + 1 if current else 1
        while (path := self.path / f"{_SHARD}{number:04}").exists():
            number += 1
        return path

    def clean(self) -> None:
        """Remove the shards that are not valid."""
        current = self.current()
        for path in self.path.glob(f"{_SHARD}*"):
            if current is None or path != current[0]:
                shutil.rmtree(path, ignore_errors=True)


def write_atomically(path: Path, record: dict[str, Any]) -> None:
    """Replace a JSON file so that after a crash either the old or the new content is there, never a part."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w") as file:
        json.dump(record, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_path(path.parent)


def sync_path(path: Path) -> None:
    """Make a file's content, or the names in a folder, survive a crash of the machine."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
