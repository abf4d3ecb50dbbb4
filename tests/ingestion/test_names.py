from __future__ import annotations

import pytest

from ingestion.names import checked_metadata, collection_name, document_name
from runtime.errors import InvalidInput


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a/README.md", "a/README.md"),
        ("a\\b\\c.pdf", "a/b/c.pdf"),
        ("./x//y/./z.txt", "x/y/z.txt"),
        ("cafe\u0301.md", "caf\u00e9.md"),
        ("..hidden/file...txt", "..hidden/file...txt"),
        ("x" * 1024, "x" * 1024),
        ("报告 2026 (final).docx", "报告 2026 (final).docx"),
    ],
)
def test_names_are_kept_as_relative_posix_paths(given: str, kept: str) -> None:
    assert document_name(given) == kept


@pytest.mark.parametrize(
    "name",
    [
        "", " ", ".", "/", "../x", "a/../../x", "a\\..\\x", "/etc/passwd", "\\\\server\\share", "C:\\x.txt", "a\0.txt",
        "a\n.txt", "a\x1b[31m.txt", "\ud800.txt", "x" * 1025, "é" * 513,
    ],
)  # fmt: skip
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        document_name(name)
    assert refusal.value.code == "invalid_document_name"


def test_collection_names() -> None:
    assert collection_name("HR-2026_v1.0") == "HR-2026_v1.0"
    for name in ["", "-x", "a b", "a/b", "ä", "x" * 65, "a\n"]:
        with pytest.raises(InvalidInput) as refusal:
            collection_name(name)
        assert refusal.value.code == "invalid_collection_name"


def test_metadata_is_what_can_be_filtered_by() -> None:
    metadata = {"year": 2026, "team": "ops", "draft": False, "weight": 0.5}
    assert checked_metadata(metadata) == metadata
    for wrong in [{"a.b": 1}, {"": 1}, {"a": [1]}, {"a": None}, {"a": float("nan")}, {"a": 2**63}, {"a": "x" * 4097}]:
        with pytest.raises(InvalidInput) as refusal:
            checked_metadata(wrong)  # type: ignore[arg-type]
        assert refusal.value.code == "invalid_metadata"
    with pytest.raises(InvalidInput):
        checked_metadata({f"f{n}": n for n in range(65)})
