"""When the embedded index is optimized, and how that happens beside the running searches.

1. a child copies the shard while writes (not searches) wait: under a second for 20,000 chunks;
2. the child optimizes its copy; searches and writes go on with the old shard, the names of what is written are kept;
3. the new shard is loaded, what was written meanwhile is brought into it;
4. with writes paused once more: the rest is brought over, `current.json` names the new shard, searches move to it;
5. the old shard is closed and removed.

Until step 4 replaces `current.json` the old shard is the valid one and holds everything, afterwards the new one does: a
crash between any two steps loses nothing, and the next open removes the leftover.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import qdrant_edge

from retrieval import qdrant_edge_optimize_copy
from retrieval.index_folder import IndexFolder
from retrieval.live_shard import LiveShard, sync_log

_log = logging.getLogger(__name__)
_RETRY_S = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class OptimizePolicy:
    """Optimize when `growth` of the optimized points, but at least `min_changes`, were written or deleted; and, for
    `burst_changes` and more, once nothing was written for `burst_end_s` seconds: longer than a slow machine takes from
    one part of a document to the next. Up to some 10,000 chunks a search of the unoptimized part is exact and takes
    2 ms."""

    min_changes: int = 10_000
    growth: float = 0.2
    burst_changes: int = 1_000
    burst_end_s: float = 60.0


class OptimizeFailed(Exception):
    """The child did not finish; the index goes on unoptimized. Never leaves this package."""


class EdgeOptimizer:
    """Counts changes, and optimizes in a thread of its own when the policy says so."""

    def __init__(self, folder: IndexFolder, live: LiveShard, policy: OptimizePolicy, optimized_points: int) -> None:
        self._folder = folder
        self._live = live
        self._policy = policy
        self._optimized_points = optimized_points
        self._changes = 0
        self._last_write = self._not_before = 0.0
        self._wake = threading.Condition()
        self._running = threading.Lock()
        self._stopped = False
        self._child: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None

    def changed(self, points: int) -> None:
        """Note that so many points were written or deleted."""
        with self._wake:
            self._changes += points
            self._last_write = time.monotonic()
            if self._changes < min(self._policy.burst_changes, self._policy.min_changes):
                return
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="index-optimizer", daemon=True)
                self._thread.start()
            self._wake.notify_all()

    def stop(self) -> None:
        """Give up what is under way and return once nothing touches the index any more."""
        with self._wake:
            self._stopped = True
            if self._child is not None:
                self._child.kill()
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()
        with self._running:
            pass

    def optimize(self) -> None:
        """Optimize now; returns when searches use the result. Raises `OptimizeFailed`."""
        with self._running:
            with self._wake:
                changes = self._changes
            target = self._folder.new_shard()
            try:
                points = self._optimize_copy(target)
                self._take_over(target, points)
            except Exception as error:  # Edge raises bare ones
                self._give_up(target)
                raise error if isinstance(error, OptimizeFailed) else OptimizeFailed(str(error)) from error
            with self._wake:
                self._changes -= changes
                self._optimized_points = points

    def _optimize_copy(self, target: Path) -> int:
        child = self._start(target)
        assert child.stdin is not None and child.stdout is not None
        try:
            _expect(child.stdout.readline(), "ready")
            with self._live.paused_writes():
                child.stdin.write("copy\n")
                child.stdin.flush()
                _expect(child.stdout.readline(), "copied")
                self._live.record_changes()
            return int(_expect(child.stdout.readline(), "optimized"))
        except BrokenPipeError:
            raise OptimizeFailed("the optimizing process ended at once") from None
        finally:
            child.kill()
            child.communicate()
            with self._wake:
                self._child = None

    def _start(self, target: Path) -> subprocess.Popen[str]:
        needed = 3 * _bytes_used(self._live.path)
        if shutil.disk_usage(self._folder.path).free < needed:
            raise OptimizeFailed(f"it needs {needed >> 20} MB of free space in {self._folder.path}")
        with self._wake:
            if self._stopped:
                raise OptimizeFailed("the index is being closed")
            self._child = subprocess.Popen(
                [sys.executable, "-P", qdrant_edge_optimize_copy.__file__, str(self._live.path), str(target)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            return self._child

    def _take_over(self, target: Path, points: int) -> None:
        shard = qdrant_edge.EdgeShard.load(str(target))
        self._live.replay(shard)
        with self._live.paused_writes():
            self._live.replay(shard)
            sync_log(target)
            self._folder.switch(target, points)
            former = self._live.exchange(shard, target)
        shutil.rmtree(former, ignore_errors=True)

    def _give_up(self, target: Path) -> None:
        current = self._folder.current()
        if current is None or current[0] != target:
            self._live.forget_changes()
            shutil.rmtree(target, ignore_errors=True)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._stopped and (seconds := self._seconds_to_wait()) != 0:
                    self._wake.wait(seconds)
                if self._stopped:
                    return
            try:
                self.optimize()
            except OptimizeFailed as failure:
                self._not_before = time.monotonic() + _RETRY_S
                if not self._stopped:
                    _log.warning("The index was not optimized, searches stay correct but get slower: %s", failure)

    def _seconds_to_wait(self) -> float | None:
        """0 when it is time, `None` when there is nothing to wait for but further writes."""
        now = time.monotonic()
        if self._changes >= max(self._policy.min_changes, self._policy.growth * self._optimized_points):
            due = now
        elif self._changes >= self._policy.burst_changes:
            due = self._last_write + self._policy.burst_end_s
        else:
            return None
        return max(0.0, max(due, self._not_before) - now)


def _bytes_used(folder: Path) -> int:
    used = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # the shard may rotate its log meanwhile
            used += path.stat().st_blocks * 512
    return used


def _expect(line: str, word: str) -> str:
    """The rest of the child's line, which must begin with this word."""
    first, _, rest = line.strip().partition(" ")
    if first != word:
        raise OptimizeFailed(f"the optimizing process ended before it had {word}")
    return rest
