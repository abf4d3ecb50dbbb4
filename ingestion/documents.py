"""What a parser produces and what a chunker produces."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping

from runtime.errors import PlumblineError

ELEMENT_SEPARATOR = "\n\n"


class ElementKind(enum.StrEnum):
    TITLE = "title"
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE = "table"
    CODE = "code"


@dataclasses.dataclass(frozen=True, slots=True)
class Element:
    """One structural piece of a document.

    `text` of a table is Markdown with its header row first. `page` counts from 1 (slide number in a presentation, sheet
    number in a workbook, `None` where a format has no pages). `heading_path` holds the headings above this element,
    outermost first, without the element itself. `level` is the depth of a heading, 1 being the highest.
    """

    kind: ElementKind
    text: str
    page: int | None = None
    heading_path: tuple[str, ...] = ()
    level: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document as text with structure.

    The text of the document is the texts of its elements joined by `ELEMENT_SEPARATOR`; all character offsets in
    chunks, passages and citations refer to it. `language` is an ISO 639-1 code or `None` when the text is too short to
    tell. `warnings` are sentences for the owner of the document (a page that could not be read, text that was cut).
    """

    title: str
    media_type: str
    elements: tuple[Element, ...]
    page_count: int | None = None
    language: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return ELEMENT_SEPARATOR.join(element.text for element in self.elements)

    def element_starts(self) -> list[int]:
        """Offset of each element in `text`."""
        starts, position = [], 0
        for element in self.elements:
            starts.append(position)
            position += len(element.text) + len(ELEMENT_SEPARATOR)
        return starts

    def to_json(self) -> dict[str, object]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> ParsedDocument:
        fields = dict(data)
        elements = fields.pop("elements")
        warnings = fields.pop("warnings", ())
        assert isinstance(elements, Iterable) and isinstance(warnings, Iterable)
        return cls(
            elements=tuple(
                Element(**{**e, "kind": ElementKind(e["kind"]), "heading_path": tuple(e["heading_path"])})
                for e in elements
            ),
            warnings=tuple(warnings),
            **fields,  # type: ignore[arg-type]
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document that is embedded and found as one.

    `text` is the slice `[start, end)` of the document's text, verbatim. `embedding_text` is what the embedding model
    and BM25 see: document title and heading path, then the text (a table piece repeats its header row there).
    `parent` is the inclusive range of ordinals of the chunks that make up the larger passage around this one. `page` is
    that of the first character; `page_turns` holds (offset in the document's text, page) where later pages begin.
    """

    ordinal: int
    text: str
    embedding_text: str
    start: int
    end: int
    page: int | None
    heading_path: tuple[str, ...]
    parent: tuple[int, int]
    page_turns: tuple[tuple[int, int], ...] = ()


class DocumentRejected(PlumblineError):
    """This file cannot become a searchable document; the message tells its owner why, in a sentence.

    Codes: `empty_file`, `no_text`, `encrypted`, `damaged`, `unsupported_format`, `too_large`, `too_many_pages`,
    `unpacks_too_large`, `parse_timeout`, `parse_memory`, `parser_crashed`, `missing_converter`.
    """

    code = "document_rejected"
