from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from ingestion.original_store import OriginalMissing, OriginalStore, open_original_store
from runtime.errors import InvalidInput, Unavailable
from tests.ingestion.small_parts import Workshop

LIMIT = 1000


@pytest.fixture(params=["folder", "fsspec"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> OriginalStore:
    url = str(tmp_path / "originals") if request.param == "folder" else f"memory://plumbline/{uuid.uuid4()}"
    return open_original_store(url, LIMIT)


def test_files_are_kept_by_the_hash_of_their_bytes(store: OriginalStore) -> None:
    data = os.urandom(LIMIT)
    kept = store.put(io.BytesIO(data))
    assert (kept.content_hash, kept.size_bytes) == (hashlib.sha256(data).hexdigest(), LIMIT)
    assert store.put(io.BytesIO(data)) == kept
    assert store.exists(kept.content_hash)
    with store.open(kept.content_hash) as stream:
        assert stream.read() == data
    with store.local_path(kept.content_hash) as path:
        assert path.read_bytes() == data
    store.delete(kept.content_hash)
    store.delete(kept.content_hash)
    assert not store.exists(kept.content_hash)
    with pytest.raises(OriginalMissing):
        store.open(kept.content_hash)
    with pytest.raises(OriginalMissing), store.local_path(kept.content_hash):
        pass


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(store: OriginalStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refusal:
        store.put(io.BytesIO(b"x" * (LIMIT + 1)))
    assert refusal.value.code == "too_large"
    assert not store.exists(hashlib.sha256(b"x" * (LIMIT + 1)).hexdigest())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_upload_that_breaks_off_leaves_nothing(store: OriginalStore, tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(10)
            if not data:
                raise ConnectionResetError
            return data

    with pytest.raises(ConnectionResetError):
        store.put(Broken(b"x" * 100))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_killed_uploads_left_is_removed_after_a_day(tmp_path: Path) -> None:
    store = open_original_store(str(tmp_path), LIMIT)
    store.put(io.BytesIO(b"kept"))
    old, recent = tmp_path / "incoming" / "old", tmp_path / "incoming" / "recent"
    for path in (old, recent):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    store.remove_abandoned()
    assert (old.exists(), recent.exists()) == (False, True)


FULL_DISK = """
import io, os, pathlib, sys
from ingestion.original_store import StorageFull, open_original_store
folder = pathlib.Path(sys.argv[1])
store = open_original_store(str(folder / "originals"), 10**9)
store.put(io.BytesIO(b"kept"))
try:
    store.put(io.BytesIO(os.urandom(8 * 2**20)))
except StorageFull as error:
    print(error.code, error.retryable, sorted(p.name[:6] for p in folder.rglob("*") if p.is_file()))
"""


def test_a_full_disk_is_told_and_nothing_is_left_behind(tmp_path: Path) -> None:
    """On a real file system of four megabytes, where this user may mount one in a namespace of its own."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare")
    in_namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
    mount = f"mount -t tmpfs -o size=4m none {tmp_path}"
    if subprocess.run([*in_namespace, mount], capture_output=True).returncode:
        pytest.skip("this user may not mount a file system in a namespace")
    run = f'{mount}; exec "$0" -c "$1" {tmp_path}'
    ended = subprocess.run([*in_namespace, run, sys.executable, FULL_DISK], capture_output=True, text=True)
    kept = hashlib.sha256(b"kept").hexdigest()[:6]
    assert ended.stdout.strip() == f"storage_full True ['{kept}']", ended.stderr


def test_a_store_that_fails_to_write_is_told_as_full_only_when_it_is(tmp_path: Path) -> None:
    class Failing(io.BytesIO):
        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

        def read(self, size: int | None = -1) -> bytes:
            raise OSError(self.number, os.strerror(self.number))

    store = open_original_store(str(tmp_path), LIMIT)
    with pytest.raises(Unavailable) as refusal:
        store.put(Failing(errno.ENOSPC))
    assert refusal.value.code == "storage_full"
    with pytest.raises(OSError, match="Input/output error"):
        store.put(Failing(errno.EIO))


def test_intake_leaves_nothing_of_refused_uploads(workshop: Workshop) -> None:
    for name, collection, data, code in [
        ("../x.txt", "default", b"x", "invalid_document_name"),
        ("x.txt", "a b", b"x", "invalid_collection_name"),
        ("x.txt", "default", b"x" * 10_001, "too_large"),
    ]:
        with pytest.raises(InvalidInput) as refusal:
            workshop.upload(name, data, collection=collection)
        assert refusal.value.code == code
    with pytest.raises(InvalidInput):
        workshop.upload("x.txt", b"x", metadata={"a.b": 1})
    assert workshop.originals() == 0
    assert workshop.registry.collections("default") == []
    assert workshop.queue.submitted == []


def test_intake_takes_back_what_could_not_be_registered(workshop: Workshop) -> None:
    kept = workshop.ingest("kept.txt", "kept")

    def refuse(*args: object, **options: object) -> None:
        raise Unavailable("The records do not answer.")

    for text in ("kept", "new"):
        workshop.registry.register_upload = refuse  # type: ignore[method-assign]
        with pytest.raises(Unavailable):
            workshop.upload("other.txt", text)
    assert workshop.originals() == 1
    assert workshop.store.exists(kept.content_hash)
