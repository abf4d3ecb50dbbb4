"""Uploaded files, kept by the SHA-256 of their bytes."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from runtime.errors import InvalidInput, Unavailable

BLOCK_BYTES = 1024 * 1024
ABANDONED_AFTER_SECONDS = 24 * 3600


class FileTooLarge(InvalidInput):
    code = "too_large"


class StorageFull(Unavailable):
    """The disk under the originals is full; nothing of the upload is left behind."""

    code = "storage_full"


class StorageUnavailable(Unavailable):
    code = "storage_unavailable"


class OriginalMissing(Unavailable):
    """The records name content that the store does not hold."""

    code = "original_missing"
    retryable = False


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

    def remove_abandoned(self) -> None:
        """Remove what uploads left behind whose process was killed."""


def open_original_store(url: str, max_bytes: int) -> OriginalStore:
    """A folder when `url` is a path, else any file system that fsspec knows (`s3://bucket/prefix`)."""
    if "://" in url:
        return RemoteOriginalStore(url, max_bytes)
    return FolderOriginalStore(Path(url), max_bytes)


class FolderOriginalStore:
    """A folder with two levels of subfolders; complete files appear in it by an atomic rename."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._max_bytes = max_bytes

    def put(self, stream: BinaryIO) -> StoredOriginal:
        with _disk_errors():
            self._incoming.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self._incoming)
            try:
                with os.fdopen(descriptor, "wb") as target:
                    original = _copy(stream, target, self._max_bytes)
                    path = self._path(original.content_hash)
                    if path.exists():
                        Path(temporary).unlink()
                        return original
                    target.flush()
                    os.fsync(target.fileno())
                path.parent.mkdir(parents=True, exist_ok=True)
                os.replace(temporary, path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            for folder in (path.parent, path.parent.parent, self._folder):
                _sync_folder(folder)
        return original

    def exists(self, content_hash: str) -> bool:
        return self._path(content_hash).exists()

    def open(self, content_hash: str) -> BinaryIO:
        try:
            return self._path(content_hash).open("rb")
        except FileNotFoundError:
            raise _missing() from None

    @contextlib.contextmanager
    def local_path(self, content_hash: str) -> Iterator[Path]:
        path = self._path(content_hash)
        if not path.exists():
            raise _missing()
        yield path

    def delete(self, content_hash: str) -> None:
        self._path(content_hash).unlink(missing_ok=True)

    def remove_abandoned(self) -> None:
        """Remove what uploads left behind whose process was killed."""
        with contextlib.suppress(FileNotFoundError):
            for path in self._incoming.iterdir():
                if time.time() - path.stat().st_mtime > ABANDONED_AFTER_SECONDS:
                    path.unlink(missing_ok=True)

    def _path(self, content_hash: str) -> Path:
        return self._folder.joinpath(*_parts(content_hash))


class RemoteOriginalStore:
    """Objects of any file system that fsspec knows; an object appears only when it is complete."""

    def __init__(self, url: str, max_bytes: int) -> None:
        from fsspec.core import url_to_fs

        self._files, self._root = url_to_fs(url)
        self._max_bytes = max_bytes

    def put(self, stream: BinaryIO) -> StoredOriginal:
        # The name is the hash of all bytes, so they must have been read before the object can be begun.
        with _disk_errors(), tempfile.NamedTemporaryFile() as local:
            original = _copy(stream, local, self._max_bytes)
            local.flush()
            with _remote_errors():
                path = self._path(original.content_hash)
                self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._files.put_file(local.name, path)
        return original

    def exists(self, content_hash: str) -> bool:
        with _remote_errors():
            self._files.invalidate_cache()
            return bool(self._files.exists(self._path(content_hash)))

    def open(self, content_hash: str) -> BinaryIO:
        with _remote_errors():
            return cast(BinaryIO, self._files.open(self._path(content_hash), "rb"))

    @contextlib.contextmanager
    def local_path(self, content_hash: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / content_hash
            with _remote_errors(), _disk_errors():
                self._files.get_file(self._path(content_hash), str(path))
            yield path

    def delete(self, content_hash: str) -> None:
        with _remote_errors(), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(content_hash))

    def remove_abandoned(self) -> None:
        """Nothing to do: an object store drops uploads that were not completed."""

    def _path(self, content_hash: str) -> str:
        return "/".join([self._root, *_parts(content_hash)])


def _parts(content_hash: str) -> tuple[str, str, str]:
    return content_hash[:2], content_hash[2:4], content_hash


def _copy(stream: BinaryIO, target: Any, max_bytes: int) -> StoredOriginal:
    digest, size = hashlib.sha256(), 0
    while block := stream.read(BLOCK_BYTES):
        size += len(block)
        if size > max_bytes:
            raise FileTooLarge(f"The file is larger than {max_bytes:,} bytes, the most that is accepted.")
        digest.update(block)
        target.write(block)
    return StoredOriginal(digest.hexdigest(), size)


def _sync_folder(folder: Path) -> None:
    """A rename survives a power failure only when its folder is written too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _missing() -> OriginalMissing:
    return OriginalMissing("The original file is no longer in the store. Upload the document again.")


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull(
                "The disk that keeps the uploaded files is full. Free some space and upload the file again."
            ) from error
        raise


@contextlib.contextmanager
def _remote_errors() -> Iterator[None]:
    # Every file system of fsspec raises errors of its own beside OSError.
    try:
        yield
    except FileNotFoundError:
        raise _missing() from None
    except Exception as error:
        raise StorageUnavailable(
            f"The store of uploaded files does not answer ({type(error).__name__}). Try again in a moment."
        ) from error
