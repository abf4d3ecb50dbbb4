"""A document to chunks: pieces of a size that the embedding model reads whole, cut along the structure."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

from ingestion.chunk_pieces import HEADINGS, Piece, Seam, Section, pieces_of, sections_of
from ingestion.documents import Chunk, Element, ElementKind, ParsedDocument
from ingestion.embedding_prefix import Prefixes
from ingestion.segmentation import NEVER, Boundary, cheapest_segmentation
from ingestion.token_counting import TokenCounter

# Raise it with every change to what chunks come out: indexes built before are then rebuilt, not mixed.
_ALGORITHM = "structure-1"

# Costs of cutting, in units of one chunk of no size at all (see `cheapest_segmentation`).
_CUT_AFTER_HEADING = 50.0
_CUT_WITHIN_SENTENCE = 1.0
_CUT_BETWEEN_PAGES_MID_SENTENCE = 0.6
_CUT_LIST_FROM_ITS_LEAD = 0.5
_CUT_BETWEEN_SENTENCES = 0.3
_CUT_BETWEEN_LINES = 0.15
_CUT_BEFORE_ITEM = 0.1
# Costs of not cutting. A citation names the page on which its chunk begins, so few chunks should cross pages.
_KEEP_ACROSS_PAGES = 0.5
_KEEP_WITH_SUBSECTION = 0.1
_KEEP_WITH_SIBLING = 0.8
_KEEP_WITH_SIBLING_IN_PARENT = 0.35


class Chunker:
    """Cuts documents for one embedding model.

    `count_tokens` counts in that model's tokenizer, special tokens left out; `max_tokens` is what the model reads
    without its special tokens. `target_tokens` is the size that chunks should have, `prefix_tokens` the most that
    title and headings may take of it, `parent_tokens` the size of the larger passages; target and prefix shrink for a
    model that reads less. Chunks cover the document but for whitespace, in order and without overlap.
    """

    def __init__(
        self,
        count_tokens: Callable[[Sequence[str]], list[int]],
        max_tokens: int,
        *,
        target_tokens: int = 180,
        prefix_tokens: int = 40,
        parent_tokens: int = 700,
    ) -> None:
        max_tokens = min(max_tokens, parent_tokens)
        prefix_tokens = min(prefix_tokens, max_tokens // 4)
        target_tokens = min(target_tokens, max_tokens - prefix_tokens)
        if target_tokens < 16:
            raise ValueError(f"a target of {target_tokens} tokens is too small: 16 is the least")
        self._counter = TokenCounter(count_tokens)
        self._max = max_tokens
        self._target = target_tokens
        self._prefix = prefix_tokens
        self._parent = parent_tokens
        self._header_limit = max_tokens // 4
        self.version = f"{_ALGORITHM}-{target_tokens}-{max_tokens}-{prefix_tokens}-{parent_tokens}"

    def chunks(self, document: ParsedDocument) -> list[Chunk]:
        """Chunks in the order of the text; none for a document without text."""
        text = document.text
        sections = sections_of(document.elements)
        pieces = pieces_of(
            document,
            text,
            sections,
            self._counter,
            target=self._target,
            limit=self._max - self._prefix,
            row_limit=self._max - self._prefix - self._header_limit,
        )
        if not pieces:
            return []
        prefixes = Prefixes(document.title, [s.path for s in sections], self._prefix, self._counter)
        headers = self._table_headers(document, pieces)
        limits = [
            self._max - prefixes.largest_size(sections[p.section].path) - headers[p.element][1] * (p.seam is Seam.LINE)
            for p in pieces
        ]
        boundaries = [Boundary()] + [
            _boundary(document.elements, sections, text, before, piece) for before, piece in itertools.pairwise(pieces)
        ]
        groups = cheapest_segmentation([p.size for p in pieces], limits, boundaries, self._target)

        def draft(group: tuple[int, int]) -> _Draft:
            return _draft(document, text, sections, pieces, headers, prefixes, group)

        drafts = self._within_limit([draft(group) for group in groups], draft, text)
        parents = self._parents(drafts, document.title)
        return [
            Chunk(
                ordinal=ordinal,
                text=text[d.start : d.end],
                embedding_text=d.embedding_text,
                start=d.start,
                end=d.end,
                page=document.elements[pieces[d.group[0]].element].page,
                heading_path=d.path,
                parent=parents[ordinal],
                page_turns=_page_turns(document.elements, pieces[d.group[0] : d.group[1]]),
            )
            for ordinal, d in enumerate(drafts)
        ]

    def _table_headers(self, document: ParsedDocument, pieces: list[Piece]) -> dict[int, tuple[str, int]]:
        """Header rows of the tables that were cut, by element, with their sizes; empty for every other element, and
        where the header says nothing or is too large to be repeated."""
        headers = {piece.element: ("", 0) for piece in pieces}
        cut = {piece.element for piece in pieces if piece.seam is Seam.LINE}
        tables = sorted(i for i in cut if document.elements[i].kind is ElementKind.TABLE)
        first_rows = [document.elements[index].text.strip().split("\n", 1)[0].strip() for index in tables]
        for index, row, size in zip(tables, first_rows, self._counter.sizes(first_rows), strict=True):
            if size <= self._header_limit and row.strip("| "):
                headers[index] = (row, size)
        return headers

    def _within_limit(
        self, drafts: list[_Draft], draft: Callable[[tuple[int, int]], _Draft], text: str
    ) -> list[_Draft]:
        """Count again where the sum of the pieces may not be the size of the whole, and halve what is too large."""
        kept: dict[int, _Draft] = {d.start: d for d in drafts}
        doubtful = [d for d in drafts if d.has_inner_seam or d.size + 2 * (d.group[1] - d.group[0]) > self._max]
        while doubtful:
            halves = []
            for d, size in zip(doubtful, self._counter.sizes([d.embedding_text for d in doubtful]), strict=True):
                first, last = d.group
                if size <= self._max:
                    continue
                if last - first > 1:
                    middle = (first + last) // 2
                    halves += [draft((first, middle)), draft((middle, last))]
                else:
                    kept[d.start] = dataclasses.replace(d, embedding_text=text[d.start : d.end])
            kept |= {d.start: d for d in halves}
            doubtful = halves
        return [kept[start] for start in sorted(kept)]

    def _parents(self, drafts: list[_Draft], title: str) -> list[tuple[int, int]]:
        boundaries = [Boundary()] + [
            _parent_boundary(before.path, draft.path, title) for before, draft in itertools.pairwise(drafts)
        ]
        sizes = [draft.size for draft in drafts]
        groups = cheapest_segmentation(sizes, [self._parent] * len(drafts), boundaries, self._parent)
        return [(first, last - 1) for first, last in groups for _ in range(first, last)]


@dataclasses.dataclass(frozen=True, slots=True)
class _Draft:
    group: tuple[int, int]
    start: int
    end: int
    path: tuple[str, ...]
    embedding_text: str
    size: int
    has_inner_seam: bool


def _draft(
    document: ParsedDocument,
    text: str,
    sections: list[Section],
    pieces: list[Piece],
    headers: dict[int, tuple[str, int]],
    prefixes: Prefixes,
    group: tuple[int, int],
) -> _Draft:
    inside = pieces[group[0] : group[1]]
    first = inside[0]
    path = _common([sections[number].path for number in sorted({piece.section for piece in inside})])
    own = set(_leading_headings(document.elements, first))
    above = path
    while above and above[-1] in own:
        above = above[:-1]
    prefix, prefix_size = prefixes.of(above, with_title=document.title not in own)
    header, header_size = headers[first.element] if first.seam is Seam.LINE else ("", 0)
    end = inside[-1].end
    embedding_text = "\n".join(part for part in (prefix, header, text[first.start : end]) if part)
    return _Draft(
        group=group,
        start=first.start,
        end=end,
        path=path,
        embedding_text=embedding_text,
        size=sum(piece.size for piece in inside) + prefix_size + header_size,
        has_inner_seam=any(piece.seam is Seam.WORD for piece in inside[1:]),
    )


def _page_turns(elements: tuple[Element, ...], pieces: list[Piece]) -> tuple[tuple[int, int], ...]:
    pages = [(piece.start, elements[piece.element].page) for piece in pieces]
    return tuple(
        (start, page) for (_, before), (start, page) in itertools.pairwise(pages) if page not in (None, before)
    )


def _leading_headings(elements: tuple[Element, ...], first: Piece) -> Iterator[str]:
    if first.seam is not Seam.ELEMENT:
        return
    for index in range(first.element, len(elements)):
        if elements[index].kind not in HEADINGS:
            return
        yield elements[index].text.strip()


def _boundary(
    elements: tuple[Element, ...], sections: list[Section], text: str, before: Piece, piece: Piece
) -> Boundary:
    if before.section != piece.section:
        across = _KEEP_ACROSS_PAGES if elements[before.element].page != elements[piece.element].page else 0.0
        one, other = sections[before.section].path, sections[piece.section].path
        return Boundary(keep=across + _keep_with_next_section(one, other, _KEEP_WITH_SIBLING))
    if piece.seam is Seam.WORD:
        return Boundary(cut=_CUT_WITHIN_SENTENCE)
    if piece.seam is Seam.SENTENCE:
        return Boundary(cut=_CUT_BETWEEN_SENTENCES)
    if piece.seam is Seam.LINE:
        return Boundary(cut=_CUT_BETWEEN_LINES)
    one_element, other_element = elements[before.element], elements[piece.element]
    if one_element.kind in HEADINGS:
        return Boundary(cut=_CUT_AFTER_HEADING)
    keep = _KEEP_ACROSS_PAGES if one_element.page != other_element.page else 0.0
    if other_element.kind is ElementKind.LIST_ITEM:
        has_lead = one_element.kind is ElementKind.PARAGRAPH and text[before.end - 1] == ":"
        return Boundary(cut=_CUT_LIST_FROM_ITS_LEAD if has_lead else _CUT_BEFORE_ITEM, keep=keep)
    if keep and text[before.end - 1].isalpha() and text[piece.start].islower():
        return Boundary(cut=_CUT_BETWEEN_PAGES_MID_SENTENCE, keep=keep)
    return Boundary(keep=keep)


def _keep_with_next_section(path: tuple[str, ...], following: tuple[str, ...], with_sibling: float) -> float:
    if len(following) > len(path) and following[: len(path)] == path:
        return _KEEP_WITH_SUBSECTION
    if len(following) == len(path) and following[:-1] == path[:-1]:
        return with_sibling
    return NEVER


def _parent_boundary(path: tuple[str, ...], following: tuple[str, ...], title: str) -> Boundary:
    if path == following:
        return Boundary(cut=_CUT_BETWEEN_SENTENCES)
    is_top = path[:-1] in ((), (title,))
    return Boundary(keep=_keep_with_next_section(path, following, NEVER if is_top else _KEEP_WITH_SIBLING_IN_PARENT))


def _common(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    shortest, longest = min(paths), max(paths)
    length = 0
    while length < min(len(shortest), len(longest)) and shortest[length] == longest[length]:
        length += 1
    return shortest[:length]
