"""Files are written by the tests themselves and read by the real readers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingestion.documents import Element, ElementKind, ParsedDocument
from ingestion.parsing.limits import ParseLimits
from ingestion.parsing.reading import read_document

Read = Callable[..., ParsedDocument]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Parses bytes, or a file that was written already, under a name, in this process."""

    def parse(content: bytes | Path, name: str, **limits: int) -> ParsedDocument:
        path = content if isinstance(content, Path) else tmp_path / "upload"
        if isinstance(content, bytes):
            path.write_bytes(content)
        return read_document(path, name, ParseLimits(**limits), lambda share: None)  # type: ignore[arg-type]

    return parse


@pytest.fixture
def outline_of() -> Callable[[ParsedDocument], list[tuple[str, int | None, str]]]:
    """Kind, level and text of each element."""

    def shape(document: ParsedDocument) -> list[tuple[str, int | None, str]]:
        return [(element.kind.value, element.level, element.text) for element in document.elements]

    return shape


@pytest.fixture
def tables_of() -> Callable[[ParsedDocument], list[str]]:
    def tables(document: ParsedDocument) -> list[str]:
        return [element.text for element in document.elements if element.kind is ElementKind.TABLE]

    return tables


@pytest.fixture
def element_with() -> Callable[[ParsedDocument, str], Element]:
    """The one element that contains a text."""

    def find(document: ParsedDocument, text: str) -> Element:
        found = [element for element in document.elements if text in element.text]
        assert len(found) == 1, f"{len(found)} elements contain {text!r}:\n{document.text}"
        return found[0]

    return find
