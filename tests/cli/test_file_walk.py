from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.file_walk import AmbiguousNames, find_files
from runtime.errors import InvalidInput


def _write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def _names(*paths: Path, excluded: Path | None = None) -> list[str]:
    return [file.name for file in find_files(paths, excluded)]


def test_folder_gives_relative_names_in_order(tmp_path: Path) -> None:
    _write(tmp_path, "b/README.md", "a/README.md", "a/deep/x.txt", "z.pdf", "B.md")
    assert _names(tmp_path) == ["B.md", "z.pdf", "a/README.md", "a/deep/x.txt", "b/README.md"]


def test_hidden_things_and_the_data_folder_are_skipped(tmp_path: Path) -> None:
    _write(tmp_path, ".git/config", ".hidden.md", "a/.DS_Store", "a/x.md", "data/records.db")
    assert _names(tmp_path, excluded=tmp_path / "data") == ["a/x.md"]
    assert _names(tmp_path / ".hidden.md") == [".hidden.md"]


def test_single_file_is_known_by_its_name(tmp_path: Path) -> None:
    _write(tmp_path, "a/b/x.md")
    assert _names(tmp_path / "a" / "b" / "x.md") == ["x.md"]


def test_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    _write(tmp_path, "secret.txt", "outside/y.txt", "root/x.txt")
    (tmp_path / "root" / "out.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "root" / "folder").symlink_to(tmp_path / "outside")
    (tmp_path / "root" / "inside.txt").symlink_to(tmp_path / "root" / "x.txt")
    (tmp_path / "root" / "loop").symlink_to(tmp_path / "root")
    (tmp_path / "root" / "dangling.txt").symlink_to(tmp_path / "nothing")
    assert _names(tmp_path / "root") == ["inside.txt", "x.txt"]


def test_special_files_are_skipped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert _names(tmp_path) == []
    with pytest.raises(InvalidInput, match="neither a file nor a folder"):
        find_files([tmp_path / "pipe"])


def test_two_files_of_one_name_are_refused_and_one_file_twice_is_not(tmp_path: Path) -> None:
    _write(tmp_path, "a/README.md", "b/README.md")
    with pytest.raises(AmbiguousNames, match="would both be the document"):
        find_files([tmp_path / "a", tmp_path / "b"])
    assert _names(tmp_path / "a", tmp_path / "a" / "README.md") == ["README.md"]


def test_missing_path(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist"):
        find_files([tmp_path / "nothing"])


def test_names_are_composed(tmp_path: Path) -> None:
    _write(tmp_path, "Gro\u0308\u00dfe.md")
    assert _names(tmp_path) == ["Gr\u00f6\u00dfe.md"]
