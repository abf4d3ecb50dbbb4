"""Uploaded files, kept by the SHA-256 of their bytes."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from runtime.errors import InvalidInput, Unavailable


class FileTooLarge(InvalidInput):
    code = "too_large"


class StorageFull(Unavailable):
    """The disk under the originals is full; nothing of the upload is left behind."""

    code = "storage_full"


class OriginalMissing(Unavailable):
    code = "original_missing"


@dataclasses.dataclass(frozen=True, slots=True)
class StoredOriginal:
    content_hash: str
    size_bytes: int


class OriginalStore(Protocol):
    """Content-addressed files. Thread-safe; several processes may share one store."""

    def put(self, stream: BinaryIO) -> StoredOriginal:
        """Read the stream to its end and keep it durably. Raises FileTooLarge, StorageFull."""

    def exists(self, content_hash: str) -> bool: ...

    def open(self, content_hash: str) -> BinaryIO:
        """Raises OriginalMissing."""

    def local_path(self, content_hash: str) -> contextlib.AbstractContextManager[Path]:
        """A local file with these bytes for as long as the block runs; not to be written to."""

    def delete(self, content_hash: str) -> None:
        """Remove the content; does nothing when it is not there. Only the registry knows when that is right."""


def open_original_store(url: str, max_bytes: int) -> OriginalStore:
    """A folder when `url` is a path, else any file system that fsspec knows (`s3://bucket/prefix`)."""
    raise NotImplementedError
