"""What was handed in with a job, made into the files that the readers of `evals.cases` read.

A caller's archive is never unpacked as it says: only the members that are known are read, each under a name of ours,
and what they unpack to is counted, whatever sizes the archive states.
"""

from __future__ import annotations

import contextlib
import gzip
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from evals.case_files import InvalidCases

_BLOCK = 1024 * 1024
_GZIP = b"\x1f\x8b"
_ZIP = b"PK"
_MOST_MEMBERS = 10_000
_MEMBER = re.compile(r"(?P<folder>(?:.*/)?)(?P<name>(?:corpus|queries)\.jsonl|qrels/[^/]+\.tsv)(?P<packed>\.gz)?")
_UNSAFE = re.compile(r"[^\w.+ -]")


@contextlib.contextmanager
def jsonl_file(path: Path, name: str, max_bytes: int) -> Iterator[Path]:
    """The JSONL file, unpacked when it is gzipped, under the name that it was sent under.

    Raises InvalidCases for one that is damaged or unpacks to more than `max_bytes`; complaints of whoever reads it lose
    the folder's name.
    """
    with _folder() as folder:
        target = folder / _own_name(name)
        with path.open("rb") as source:
            magic = source.read(2)
            if magic == _ZIP:
                raise InvalidCases(f"{target.name} is a zip archive; send one JSON object a line, plain or gzipped.")
            if magic == _GZIP:
                source.seek(0)
                _unzip(source, target, _Budget(max_bytes), target.name)
            else:
                target.symlink_to(path.resolve())
        yield target


@contextlib.contextmanager
def beir_folder(path: Path, name: str, max_bytes: int) -> Iterator[Path]:
    """The folder in BEIR form that a zip archive holds, at its top or in a folder.

    Raises InvalidCases for an archive that is damaged, encrypted, lacks a part or unpacks to more than `max_bytes`.
    """
    with _folder() as outer:
        folder = outer / (_own_name(name).removesuffix(".zip") or "data")
        budget = _Budget(max_bytes)
        try:
            with zipfile.ZipFile(path) as archive:
                for member, target in _known(archive, folder, name):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(member) as source:
                        _unzip(source, target, budget, member.filename, packed=member.filename.endswith(".gz"))
        except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError, ValueError) as error:
            raise InvalidCases(f"{name} is not a zip archive that can be read ({error}).") from error
        yield folder


def _known(archive: zipfile.ZipFile, folder: Path, name: str) -> list[tuple[zipfile.ZipInfo, Path]]:
    """The members that belong to the data, and where each goes."""
    members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise InvalidCases(f"{name} has {len(members):,} files; BEIR form has corpus.jsonl, queries.jsonl and qrels/.")
    found: dict[str, list[tuple[zipfile.ZipInfo, Path]]] = {}
    for member in members:
        match = _MEMBER.fullmatch(member.filename)
        if match is None or member.filename.startswith("__MACOSX/"):
            continue
        if member.flag_bits & 0x1:
            raise InvalidCases(f"{name} is protected by a password; send it without one.")
        own = "qrels/" + _own_name(match["name"]) if match["name"].startswith("qrels/") else match["name"]
        found.setdefault(match["folder"], []).append((member, folder / own))
    complete = [parts for parts in found.values() if _is_complete([target for _, target in parts])]
    if len(complete) != 1:
        what = "more than one data set" if complete else "no data set in BEIR form"
        raise InvalidCases(f"{name} holds {what}; it must hold corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv.")
    targets = [target for _, target in complete[0]]
    if len(set(targets)) < len(targets):
        raise InvalidCases(f"{name} holds two files of the same name.")
    return complete[0]


def _is_complete(targets: list[Path]) -> bool:
    names = {target.name for target in targets}
    return {"corpus.jsonl", "queries.jsonl"} <= names and any(target.parent.name == "qrels" for target in targets)


class _Budget:
    """How many bytes may still be written."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = self._left = max_bytes

    def take(self, size: int, name: str) -> None:
        self._left -= size
        if self._left < 0:
            raise InvalidCases(
                f"{name}: the data unpack to more than {self._max_bytes:,} bytes, the most that is accepted "
                "(PLUMB_MAX_UNPACKED_BYTES)."
            )


def _unzip(source: IO[bytes], target: Path, budget: _Budget, name: str, *, packed: bool = True) -> None:
    """Write what `source` holds, gunzipped when it is `packed`."""
    try:
        with gzip.open(source) if packed else contextlib.nullcontext(source) as stream, target.open("xb") as file:
            while block := stream.read(_BLOCK):
                budget.take(len(block), name)
                file.write(block)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidCases(f"{name}: the data are damaged or cut off ({error}).") from error


def _own_name(name: str) -> str:
    last = _UNSAFE.sub("_", name.replace("\\", "/").rstrip("/").rpartition("/")[2])[-100:].lstrip(".")
    return last.removesuffix(".gz") or "data.jsonl"


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="plumb-data-") as name:
        try:
            yield Path(name)
        except InvalidCases as error:
            # Where we keep it tells its owner nothing.
            raise InvalidCases(error.message.replace(f"{name}/", "")) from error
