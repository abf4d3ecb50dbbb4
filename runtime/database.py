"""The one door to the relational database: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa


class Database:
    """Connections to the records. Thread-safe; opens nothing until first used.

    Errors of the database reach callers as `Unavailable` (code `storage_full` when the disk is full, else
    `database_unavailable`).
    """

    def __init__(self, url: str) -> None:
        raise NotImplementedError

    def upgrade(self) -> None:
        """Bring the schema to the newest revision; costs one small query when it already is."""

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading: one consistent snapshot, never waits for a writer."""
        raise NotImplementedError

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction, committed when the block ends and rolled back when it raises."""
        raise NotImplementedError

    def ping(self) -> None:
        """Raise Unavailable unless the database answers."""

    def close(self) -> None: ...
