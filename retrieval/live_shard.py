"""The Qdrant Edge shard that is being served, and its replacement by a better one while searches and writes go on."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import qdrant_edge

from retrieval.index_folder import sync_path

# Every call into Edge holds the interpreter lock, so a batch is as large as a search may have to wait: 32 points with
# their token vectors take some 4 ms.
WRITE_BATCH = 32

_log = logging.getLogger(__name__)


@dataclasses.dataclass(slots=True)
class _Served:
    shard: qdrant_edge.EdgeShard
    path: Path
    readers: int = 0


@dataclasses.dataclass(slots=True)
class Changes:
    """What was written since a copy was taken. The shard itself holds the content; only names are kept here."""

    upserted: set[str] = dataclasses.field(default_factory=set)
    deleted: list[qdrant_edge.Filter] = dataclasses.field(default_factory=list)
    indexed: list[str] = dataclasses.field(default_factory=list)


class LiveShard:
    """Reads never wait for writes; writes wait for each other, and while a copy is taken or a shard is exchanged."""

    def __init__(self, shard: qdrant_edge.EdgeShard, path: Path) -> None:
        self._served = _Served(shard, path)
        self._readers_changed = threading.Condition()
        self._writing = threading.RLock()
        self._changes: Changes | None = None

    @property
    def path(self) -> Path:
        return self._served.path

    @contextlib.contextmanager
    def reading(self) -> Iterator[qdrant_edge.EdgeShard]:
        """The shard, which stays open until the block ends even if another takes its place."""
        with self._reading() as served:
            yield served.shard

    @contextlib.contextmanager
    def _reading(self) -> Iterator[_Served]:
        with self._readers_changed:
            served = self._served
            served.readers += 1
        try:
            yield served
        finally:
            with self._readers_changed:
                served.readers -= 1
                if served.readers == 0:
                    self._readers_changed.notify_all()

    def upsert(self, points: Sequence[qdrant_edge.Point]) -> None:
        for start in range(0, len(points), WRITE_BATCH):
            batch = points[start : start + WRITE_BATCH]
            with self._writing:
                if self._changes is not None:
                    self._changes.upserted.update(str(point.id) for point in batch)
                self._served.shard.update(qdrant_edge.UpdateOperation.upsert_points(list(batch)))

    def delete(self, condition: qdrant_edge.Filter) -> int:
        """Remove the points that match; how many there were."""
        with self._writing:
            count = self._served.shard.count(qdrant_edge.CountRequest(filter=condition))
            if count:
                if self._changes is not None:
                    self._changes.deleted.append(condition)
                self._served.shard.update(qdrant_edge.UpdateOperation.delete_points_by_filter(condition))
            return count

    def index_number(self, path: str) -> None:
        """Index a numeric payload field, so that ranges on it need not look at every point."""
        with self._writing:
            if self._changes is not None:
                self._changes.indexed.append(path)
            self._served.shard.update(_number_index(path))

    def flush(self) -> None:
        """Bring the write-ahead log to disk, from which `load` restores everything.

        Not by `EdgeShard.flush()`: that brings all files to disk with the interpreter lock held (0.1 to 0.3 s).
        """
        with self._reading() as served:
            sync_log(served.path)

    def close(self) -> None:
        with self._writing:
            self._drain(self._served)
            try:
                self._served.shard.flush()
            except Exception:  # noqa: BLE001  Edge raises bare ones; the write-ahead log still has everything
                _log.warning("The index could not be written out; its next opening does that", exc_info=True)
            self._served.shard.close()

    @contextlib.contextmanager
    def paused_writes(self) -> Iterator[None]:
        """Nobody writes inside the block, so that the folder can be copied."""
        with self._writing:
            yield

    def record_changes(self) -> None:
        """Keep the names of what is written from now on; call it with writes paused."""
        self._changes = Changes()

    def forget_changes(self) -> None:
        with self._writing:
            self._changes = None

    def replay(self, target: qdrant_edge.EdgeShard) -> None:
        """Bring what was written since `record_changes` (or the last replay) into another shard."""
        with self._writing:
            changes, self._changes = self._changes or Changes(), Changes()
        for path in changes.indexed:
            target.update(_number_index(path))
        # What a delete removed and a later upsert brought back is among the upserted, so deletes come first.
        for condition in changes.deleted:
            target.update(qdrant_edge.UpdateOperation.delete_points_by_filter(condition))
        ids: list[qdrant_edge.PointId] = list(changes.upserted)
        for start in range(0, len(ids), WRITE_BATCH):
            with self.reading() as shard:
                records = shard.retrieve(ids[start : start + WRITE_BATCH], with_payload=True, with_vector=True)
            points = [qdrant_edge.Point(record.id, record.vector or {}, record.payload) for record in records]
            if points:
                target.update(qdrant_edge.UpdateOperation.upsert_points(points))

    def exchange(self, shard: qdrant_edge.EdgeShard, path: Path) -> Path:
        """Serve another shard from now on, with writes paused; closes the one served so far and returns its folder."""
        with self._readers_changed:
            former, self._served = self._served, _Served(shard, path)
        self._changes = None
        self._drain(former)
        former.shard.close()
        return former.path

    def _drain(self, served: _Served) -> None:
        with self._readers_changed:
            self._readers_changed.wait_for(lambda: served.readers == 0)


def _number_index(path: str) -> qdrant_edge.UpdateOperation:
    return qdrant_edge.UpdateOperation.create_field_index(path, qdrant_edge.PayloadSchemaType.Float)


def sync_log(shard: Path) -> None:
    """Bring a shard's write-ahead log to disk, without holding the interpreter lock."""
    log = shard / "wal"
    for segment in log.iterdir():
        with contextlib.suppress(FileNotFoundError):  # the log may have moved on to its next segment
            sync_path(segment)
    sync_path(log)
