"""A document to the smallest pieces that a chunk is put together from, with their size in tokens."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator

from ingestion.documents import Element, ElementKind, ParsedDocument
from ingestion.long_sentences import split_long_sentence
from ingestion.sentences import ITEM_START, sentence_spans
from ingestion.token_counting import TokenCounter

HEADINGS = frozenset({ElementKind.TITLE, ElementKind.HEADING})
_CHARACTERS_WORTH_COUNTING = 8


class Seam(enum.Enum):
    """What lies between a piece and the one before it."""

    ELEMENT = "element"
    SENTENCE = "sentence"
    LINE = "line"
    WORD = "word"


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """Headings without text between them, and the text up to the next heading."""

    path: tuple[str, ...]
    first: int  # element
    last: int  # element, inclusive


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """`[start, end)` in the document's text, trimmed; `element` and `section` are those in which it begins."""

    start: int
    end: int
    size: int
    element: int
    section: int
    seam: Seam


def sections_of(elements: tuple[Element, ...]) -> list[Section]:
    sections: list[Section] = []
    first = 0
    while first < len(elements):
        body = first
        while body < len(elements) and elements[body].kind in HEADINGS:
            body += 1
        last = body
        while (
            last + 1 < len(elements)
            and elements[last + 1].kind not in HEADINGS
            and elements[last + 1].heading_path == elements[body].heading_path
        ):
            last += 1
        last = min(last, len(elements) - 1)
        sections.append(Section(_section_path(elements, first, body), first, last))
        first = last + 1
    return sections


def _section_path(elements: tuple[Element, ...], first: int, body: int) -> tuple[str, ...]:
    if body < len(elements) and (elements[body].heading_path or body == first):
        return elements[body].heading_path
    heading = elements[body - 1]
    own = (heading.text.strip(),) if heading.kind is ElementKind.HEADING else ()
    return heading.heading_path + own


def _table_header_end(text: str, start: int, end: int) -> int:
    """Where the header row of the Markdown table `text[start:end]`, and the rule below it, end."""
    header_end = text.find("\n", start, end)
    if header_end < 0:
        return end
    rule_end = text.find("\n", header_end + 1, end)
    rule_end = end if rule_end < 0 else rule_end
    rule = text[header_end + 1 : rule_end].strip()
    return rule_end if rule and not rule.strip("|-: ") else header_end


def pieces_of(
    document: ParsedDocument,
    text: str,
    sections: list[Section],
    counter: TokenCounter,
    *,
    target: int,
    limit: int,
    row_limit: int,
) -> list[Piece]:
    """Elements of at most half the target stay whole, and list items of at most `limit` tokens; others become
    sentences, rows or lines. What is still above `limit` (a table row: `row_limit`) is cut within. Sizes are counted
    in bulk, elements first and then the parts of those that were too large."""
    whole = _whole_elements(document, text, sections)
    kinds = [document.elements[piece.element].kind for piece in whole]
    kept_whole = [limit if kind in HEADINGS or kind is ElementKind.LIST_ITEM else target // 2 for kind in kinds]
    parts: list[tuple[Piece, int | None]] = []
    sizes = _sizes(text, whole, kept_whole, counter)
    for piece, kind, size, largest in zip(whole, kinds, sizes, kept_whole, strict=True):
        if size <= largest:
            parts.append((piece, size))
        else:
            parts += [(part, None) for part in _parts(text, piece, kind)]

    uncounted = [part for part, size in parts if size is None]
    unknown = iter(_sizes(text, uncounted, [limit] * len(uncounted), counter))
    pieces: list[Piece] = []
    for part, known in parts:
        sized = dataclasses.replace(part, size=next(unknown) if known is None else known)
        largest = row_limit if document.elements[part.element].kind is ElementKind.TABLE else limit
        for piece in [sized] if sized.size <= largest else _cut_within(text, sized, target // 2, counter):
            if pieces and _belong_together(document, pieces[-1], piece, target // 10):
                pieces[-1] = dataclasses.replace(pieces[-1], end=piece.end, size=pieces[-1].size + piece.size)
            else:
                pieces.append(piece)
    return pieces


def _sizes(text: str, pieces: list[Piece], limits: list[int], counter: TokenCounter) -> list[int]:
    """Sizes in tokens; what is above its limit by its characters alone is not counted but passes as just above it."""
    short = [p.end - p.start <= _CHARACTERS_WORTH_COUNTING * limit for p, limit in zip(pieces, limits, strict=True)]
    texts = [text[p.start : p.end] for p, is_short in zip(pieces, short, strict=True) if is_short]
    counted = iter(counter.sizes(texts))
    return [next(counted) if is_short else limit + 1 for is_short, limit in zip(short, limits, strict=True)]


def _whole_elements(document: ParsedDocument, text: str, sections: list[Section]) -> list[Piece]:
    starts = document.element_starts()
    pieces = []
    for number, section in enumerate(sections):
        for index in range(section.first, section.last + 1):
            start, end = _trimmed(text, starts[index], starts[index] + len(document.elements[index].text))
            if start < end:
                pieces.append(Piece(start, end, 0, index, number, Seam.ELEMENT))
    return pieces


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    begin = start + len(piece) - len(piece.lstrip())
    return begin, max(begin, start + len(piece.rstrip()))


def _parts(text: str, piece: Piece, kind: ElementKind) -> Iterator[Piece]:
    if kind is ElementKind.TABLE or kind is ElementKind.CODE:
        for number, (start, end) in enumerate(_lines(text, piece, kind)):
            yield dataclasses.replace(piece, start=start, end=end, seam=Seam.LINE if number else piece.seam)
        return
    seam, before = piece.seam, piece.start
    for start, end in sentence_spans(text[piece.start : piece.end]):
        start, end = piece.start + start, piece.start + end
        if start > piece.start:
            begins_item = "\n" in text[before:start] and ITEM_START.match(text, start)
            seam = Seam.LINE if begins_item else Seam.SENTENCE
        yield dataclasses.replace(piece, start=start, end=end, seam=seam)
        before = end


def _lines(text: str, piece: Piece, kind: ElementKind) -> Iterator[tuple[int, int]]:
    start = piece.start
    while start < piece.end:
        if kind is ElementKind.TABLE and start == piece.start:
            end = _table_header_end(text, start, piece.end)
        else:
            newline = text.find("\n", start, piece.end)
            end = piece.end if newline < 0 else newline
        trimmed_start, trimmed_end = _trimmed(text, start, end)
        if trimmed_start < trimmed_end:
            # Indentation belongs to a line of code.
            yield (start if kind is ElementKind.CODE else trimmed_start), trimmed_end
        start = end + 1


def _cut_within(text: str, piece: Piece, limit: int, counter: TokenCounter) -> Iterator[Piece]:
    """Between lines where there are any, and within those that are above `limit` themselves."""
    lines = [
        dataclasses.replace(piece, start=start, end=end, seam=Seam.LINE if start > piece.start else piece.seam)
        for start, end in _lines(text, piece, ElementKind.PARAGRAPH)
    ]
    for line, size in zip(lines, _sizes(text, lines, [limit] * len(lines), counter), strict=True):
        if size <= limit:
            yield dataclasses.replace(line, size=size)
            continue
        spans = split_long_sentence(text[line.start : line.end], limit, counter)
        sizes = counter.sizes([text[line.start + a : line.start + b] for a, b in spans])
        for number, ((a, b), part_size) in enumerate(zip(spans, sizes, strict=True)):
            seam = Seam.WORD if number else line.seam
            yield dataclasses.replace(line, start=line.start + a, end=line.start + b, size=part_size, seam=seam)


def _belong_together(document: ParsedDocument, before: Piece, piece: Piece, limit: int) -> bool:
    """Crumbs are joined at once: nobody wants a cut between them, and they would only slow the search for cuts."""
    if before.section != piece.section or before.size + piece.size > limit:
        return False
    if before.element == piece.element:
        return piece.seam is not Seam.WORD
    one, other = document.elements[before.element], document.elements[piece.element]
    return one.kind is other.kind and one.kind not in HEADINGS and one.page == other.page
