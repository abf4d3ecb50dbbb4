"""Files to ingest, found under the paths that a user names."""

from __future__ import annotations

import dataclasses
import os
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from runtime.errors import InvalidInput


@dataclasses.dataclass(frozen=True, slots=True)
class SourceFile:
    """`name` is the relative path, with forward slashes, by which the document is known; `path` is where it lies."""

    path: Path
    name: str


class AmbiguousNames(InvalidInput):
    code = "ambiguous_names"


def find_files(paths: Sequence[Path], excluded: Path | None = None) -> list[SourceFile]:
    """The files named by `paths`, folders walked, in a fixed order.

    A file below a folder is known by its path relative to that folder, a single file by its file name. Hidden files
    and folders below a named folder are skipped, and so are links that lead out of it, special files and `excluded`
    (the data folder). A file named twice is taken once. Raises `AmbiguousNames` when two files would be one document
    and `InvalidInput` for a path that does not exist.
    """
    found: dict[str, SourceFile] = {}
    for path in paths:
        for file in _below(path, excluded):
            known = found.setdefault(file.name, file)
            if known is not file and not known.path.samefile(file.path):
                raise AmbiguousNames(
                    f"{known.path} and {file.path} would both be the document {file.name!r}. "
                    "Name the folder above both, or ingest them into two collections."
                )
    return list(found.values())


def _below(path: Path, excluded: Path | None) -> Iterator[SourceFile]:
    if path.is_file():
        yield SourceFile(path, _document_name(path, path.parent))
    elif path.is_dir():
        yield from _walk(path, excluded.resolve() if excluded else None)
    else:
        reason = "is neither a file nor a folder" if os.path.lexists(path) else "does not exist"
        raise InvalidInput(f"{path} {reason}.", code="no_such_path")


def _walk(root: Path, excluded: Path | None) -> Iterator[SourceFile]:
    real_root = root.resolve()
    for folder, subfolders, files in os.walk(root):
        here = Path(folder)
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith(".") and (here / name).resolve() != excluded
        )
        for name in sorted(files):
            path = here / name
            if name.startswith(".") or not path.is_file():
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(real_root):
                continue
            yield SourceFile(path, _document_name(path, root))


def _document_name(path: Path, root: Path) -> str:
    # macOS hands out decomposed names; the same tree must give the same names everywhere.
    return unicodedata.normalize("NFC", path.relative_to(root).as_posix())
