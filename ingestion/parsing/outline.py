"""Collects what a reader finds into a document: clean text, heading paths, title, language."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from ingestion.documents import DocumentRejected, Element, ElementKind, ParsedDocument

# C0 and C1 controls, surrogates, non-characters and the byte order mark; tab and line feed stay.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\ufeff\u00ad]")
_SPACES = re.compile("[ \u00a0\u2000-\u200a\u202f\u205f\u3000\t]+")
_TRAILING = re.compile(r"[ \t]+\n")
_BLANK_LINES = re.compile(r"\n{2,}")
_LONGEST_TITLE = 200
_ENOUGH_LETTERS_FOR_LANGUAGE = 30
_SURE_OF_LANGUAGE = 0.8
_LANGUAGE_SAMPLE = 4000
# Programs write these into the title field by themselves.
_NO_TITLE = re.compile(
    r"^(?:untitled|title|document\d*|presentation\d*|powerpoint presentation|slide 1|book\d*|doc\d*|none|null|anonymous"
    r"|microsoft (?:word|powerpoint|excel) - .*|.*\.(?:docx?|pptx?|xlsx?|pdf|indd|qxd|tex|dvi|html?|rtf|txt|p65|fm))$",
    re.IGNORECASE,
)


def clean(text: str, *, keep_spaces: bool = False) -> str:
    """`text` without characters that no reader sees; runs of spaces become one unless `keep_spaces` (code)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", "\n").replace("\x0c", "\n")
    text = text.replace("\u2028", "\n").replace("\u2029", "\n")
    text = _UNWANTED.sub("", text)
    if keep_spaces:
        return text.strip("\n").rstrip()
    text = _TRAILING.sub("\n", _SPACES.sub(" ", text)).strip()
    # An element is one block: blank lines inside it would look like the separator between elements.
    return _BLANK_LINES.sub("\n", text)


@dataclasses.dataclass(slots=True)
class _Piece:
    kind: ElementKind
    text: str
    page: int | None
    level: int | None


class Outline:
    """Takes elements in reading order and makes the document.

    Headings may skip levels; a heading's path holds the nearest heading of each smaller level before it.
    """

    def __init__(self, name: str, media_type: str) -> None:
        self._name = name
        self.media_type = media_type
        self._pieces: list[_Piece] = []
        self._warnings: list[str] = []
        # From the file's metadata, and from what looks like the title on its first page.
        self.stated_title: str | None = None
        self.suggested_title: str | None = None
        self.page_count: int | None = None

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, kind: ElementKind, text: str, *, page: int | None = None, level: int | None = None) -> None:
        text = clean(text, keep_spaces=kind is ElementKind.CODE)
        if kind in (ElementKind.HEADING, ElementKind.TITLE):
            text = text.replace("\n", " ")
            level = level or 1
        if text:
            self._pieces.append(_Piece(kind, text, page, level))

    def heading(self, text: str, level: int, *, page: int | None = None) -> None:
        self.add(ElementKind.HEADING, text, page=page, level=level)

    def paragraph(self, text: str, *, page: int | None = None) -> None:
        self.add(ElementKind.PARAGRAPH, text, page=page)

    def table(self, markdown: str, *, page: int | None = None) -> None:
        self.add(ElementKind.TABLE, markdown, page=page)

    def warn(self, sentence: str) -> None:
        if sentence not in self._warnings:
            self._warnings.append(sentence)

    def finish(self) -> ParsedDocument:
        """The document. Raises DocumentRejected `no_text` when nothing readable was found."""
        if not any(any(c.isalnum() for c in piece.text) for piece in self._pieces):
            raise DocumentRejected("No readable text was found in the file.", code="no_text")
        title = self._title()
        self._mark_title(title)
        return ParsedDocument(
            title=title,
            media_type=self.media_type,
            elements=self._elements(),
            page_count=self.page_count,
            language=detect_language(piece.text for piece in self._pieces if piece.kind is not ElementKind.CODE),
            warnings=tuple(self._warnings),
        )

    def _title(self) -> str:
        stated = clean(self.stated_title or "").replace("\n", " ")
        if stated and not _NO_TITLE.match(stated) and any(c.isalpha() for c in stated):
            return stated[:_LONGEST_TITLE]
        if self.suggested_title is not None:
            return clean(self.suggested_title)[:_LONGEST_TITLE]
        for kind in (ElementKind.TITLE, ElementKind.HEADING):
            for piece in self._pieces:
                if piece.kind is kind and any(c.isalpha() for c in piece.text):
                    return piece.text[:_LONGEST_TITLE]
        return self._stem()

    def _stem(self) -> str:
        return clean(PurePosixPath(self._name.replace("\\", "/")).stem)[:_LONGEST_TITLE] or "document"

    def use_name_as_title(self) -> None:
        """For formats whose headings name parts and never the whole (sheets of a workbook)."""
        self.suggested_title = self._stem()

    def _mark_title(self, title: str) -> None:
        """A lone highest heading at the start that says the title is the title, not the root of every heading path."""
        if any(piece.kind is ElementKind.TITLE for piece in self._pieces):
            return
        headings = [piece for piece in self._pieces if piece.kind is ElementKind.HEADING]
        if not headings or headings[0].text.casefold() != title.casefold():
            return
        highest = min(piece.level or 1 for piece in headings)
        if headings[0].level == highest and sum(piece.level == highest for piece in headings) == 1:
            headings[0].kind = ElementKind.TITLE

    def _elements(self) -> tuple[Element, ...]:
        above: list[tuple[int, str]] = []
        elements = []
        for piece in self._pieces:
            level = None
            if piece.kind is ElementKind.TITLE:
                above, level = [], 1
            elif piece.kind is ElementKind.HEADING:
                level = piece.level or 1
                while above and above[-1][0] >= level:
                    above.pop()
            path = tuple(text for _, text in above)
            elements.append(Element(piece.kind, piece.text, piece.page, path, level))
            if piece.kind is ElementKind.HEADING and level is not None:
                above.append((level, piece.text))
        return tuple(elements)


def detect_language(texts: Iterable[str], *, sure: float = _SURE_OF_LANGUAGE) -> str | None:
    """ISO 639-1 code of the language of most of the texts, or None when they are too short to tell.

    `sure` is the probability from which the detector is believed.
    """
    sample, length = [], 0
    for text in texts:
        sample.append(text[:_LANGUAGE_SAMPLE])
        length += len(text)
        if length > _LANGUAGE_SAMPLE:
            break
    joined = " ".join(sample)[: 2 * _LANGUAGE_SAMPLE]
    if sum(map(str.isalpha, joined)) < _ENOUGH_LETTERS_FOR_LANGUAGE:
        return None
    from langdetect import DetectorFactory, LangDetectException, detect_langs

    DetectorFactory.seed = 0
    try:
        best = detect_langs(joined)[0]
    except LangDetectException:
        return None
    return str(best.lang).split("-")[0] if best.prob >= sure else None
