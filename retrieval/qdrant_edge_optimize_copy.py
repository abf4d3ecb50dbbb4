"""Optimize a copy of a Qdrant Edge shard, in a process of its own.

    python -P retrieval/qdrant_edge_optimize_copy.py SOURCE TARGET

`EdgeShard.optimize()` holds the interpreter lock from start to end (29 s at 100,000 points), so it cannot run where
questions are answered. Spoken on the standard streams: this process says `ready`, is told `copy` once nobody writes to
SOURCE, says `copied` when TARGET no longer depends on SOURCE, and `optimized POINTS` when TARGET is complete on disk.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

import qdrant_edge

_BLOCK = 1 << 20
_PR_SET_PDEATHSIG = 1


def copy_shard(source: Path, target: Path) -> None:
    """Copy a folder, leaving holes where the source has only zeros (its files are preallocated, mostly empty)."""
    buffer = bytearray(_BLOCK)
    zeros = bytes(_BLOCK)
    for folder, _, names in os.walk(source):
        copied = target / Path(folder).relative_to(source)
        copied.mkdir(parents=True)
        for name in names:
            with (
                open(Path(folder, name), "rb", buffering=0) as reader,
                open(copied / name, "wb", buffering=0) as writer,
            ):
                while count := reader.readinto(buffer):
                    block = memoryview(buffer)[:count]
                    if block == memoryview(zeros)[:count]:
                        writer.seek(count, os.SEEK_CUR)
                    else:
                        writer.write(block)
                writer.truncate(writer.tell())


def sync_tree(path: Path) -> None:
    """Make every file and name below `path` survive a crash of the machine."""
    for folder, _, names in os.walk(path):
        for entry in [folder, *(os.path.join(folder, name) for name in names)]:
            descriptor = os.open(entry, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(source: Path, target: Path) -> None:
    parent = os.getppid()
    if sys.platform == "linux":
        # Nobody waits for the result once the parent is gone, and optimize() would not notice a closed pipe.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            return
    tell("ready")
    if sys.stdin.readline() != "copy\n":
        return
    copy_shard(source, target)
    tell("copied")
    os.nice(5)
    shard = qdrant_edge.EdgeShard.load(str(target))
    shard.optimize()
    shard.flush()
    points = shard.count(qdrant_edge.CountRequest())
    shard.close()
    sync_tree(target)
    tell(f"optimized {points}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
