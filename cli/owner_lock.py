"""The lock file of a data folder: who owns it, and where the owner can be reached.

Exactly one process owns a data folder (the embedded index admits no second one). It holds an exclusive `flock` on
`owner.lock` for as long as it lives, so the kernel frees the folder when the process is killed. Once the owner serves,
it writes `{"pid", "address", "token"}` into the file, readable by the same user only, and other commands talk to it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
from pathlib import Path

from runtime.errors import ConfigurationError, Unavailable

LOCK_NAME = "owner.lock"


@dataclasses.dataclass(frozen=True, slots=True)
class Owner:
    """`address` is a base URL such as `http://127.0.0.1:41234`; it and `token` are `None` while it is not serving."""

    pid: int
    address: str | None = None
    token: str | None = None


class OwnerLock:
    """Ownership of one data folder. Not thread-safe."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / LOCK_NAME
        self._fd: int | None = None

    def acquire(self) -> bool:
        """Take the lock without waiting; false when another process (or another lock object) holds it.

        Creates the folder (mode 0700) when it is missing. Raises `ConfigurationError` when it cannot be written,
        `Unavailable` when its disk is full.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # The file is never removed: a waiting process would lock the removed one, and two owners would result.
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._refuse_full_disk(error)
            raise ConfigurationError(
                f"The data folder {self._path.parent} cannot be used ({error.strerror}). "
                "Set PLUMB_DATA_DIR to a folder that you may write to."
            ) from error
        if not _lock(fd, fcntl.LOCK_EX):
            os.close(fd)
            return False
        self._fd = fd
        try:
            os.fchmod(fd, 0o600)
            self._write(Owner(os.getpid()))
        except BaseException:
            self.release()
            raise
        return True

    def publish(self, address: str, token: str) -> None:
        """Tell other commands where to reach this process."""
        self._write(Owner(os.getpid(), address, token))

    def withdraw(self) -> None:
        """Still the owner, but other commands should wait instead of calling."""
        self._write(Owner(os.getpid()))

    def release(self) -> None:
        """Give the folder up; harmless when it is not held."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None

    def _write(self, owner: Owner) -> None:
        if self._fd is None:
            raise RuntimeError("the lock is not held")
        data = json.dumps(dataclasses.asdict(owner)).encode()
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, data, 0)
        except OSError as error:
            self._refuse_full_disk(error)
            raise

    def _refuse_full_disk(self, error: OSError) -> None:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Unavailable(
                f"The disk of the data folder {self._path.parent} is full. Free some space and try again.",
                code="storage_full",
            ) from error


def read_owner(data_dir: Path) -> Owner | None:
    """The owner as the lock file names it; `None` when it is being written or nobody has been there.

    What a killed owner left behind is returned too: `is_owned` tells whether it still lives.
    """
    try:
        fields = json.loads((data_dir / LOCK_NAME).read_bytes())
        return Owner(fields["pid"], fields["address"], fields["token"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_owned(data_dir: Path) -> bool:
    """Whether a living process owns the folder. Never creates anything."""
    try:
        fd = os.open(data_dir / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    with contextlib.closing(os.fdopen(fd)):
        return not _lock(fd, fcntl.LOCK_SH)


def _lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
