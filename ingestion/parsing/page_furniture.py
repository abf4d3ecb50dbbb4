"""Running headers, running footers and page numbers: what repeats at the same place near the edge of pages."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from ingestion.parsing.page_layout import Line, group_lines
from ingestion.parsing.pdf_text import PageText, Span

# Shares of the page height in which furniture may stand, and how many lines from the edge it may take.
_EDGE = 0.115
_DEEPEST_LINE = 3
_SAME_PLACE = 6.0
_LEAST_PAGES = 3
_LEAST_SHARE = 0.15
_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"^(?:page|seite|página|p\.|pg\.?)?\s*[-–—|\[(]?\s*(?:\d{1,4}|[ivxlc]{1,6}|[A-Z]-\d{1,3})\s*[-–—|\])]?"
    r"(?:\s*(?:of|/|von|de|sur)\s*\d{1,4})?$",
    re.IGNORECASE,
)
_PAGE_OF = re.compile(r"^page\s+\d+(?:\s+of\s+\d+)?$", re.IGNORECASE)

# The last line of most pages is a footer wherever it stands: some writers put it right below the text.
_LAST_LINE_SHARE = 0.5
# Two pages say little: what repeats there must also be no larger than the text, and stand this far from it (in font
# sizes), so that titles and the repeated head of a table stay.
_TWO = 2
_NO_LARGER = 1.05
_APART = 0.8

_Key = tuple[str, int, bool]


def drop_furniture(pages: Sequence[PageText]) -> None:
    """Removes the spans of running headers, footers and page numbers from the pages, in place.

    Digits count as equal, so that numbered headers match. Only lines at the edge are judged, from the edge inwards,
    and the first line that does not repeat ends it, so that the head of a long table stays.
    """
    outermost = _outermost_texts(pages)
    edges = [_edge_lines(page) for page in pages]
    seen = Counter(key for page_edges in edges for key in {_key(line, at_top) for line, at_top in page_edges})
    two = len(pages) == _TWO
    needed = _TWO if two else max(_LEAST_PAGES, _LEAST_SHARE * len(pages))
    largest = _NO_LARGER * _text_size(pages) if two else math.inf
    numbered = sum(any(_PAGE_NUMBER.match(line.text) for line, _ in page_edges) for page_edges in edges)
    for page, page_edges in zip(pages, edges, strict=True):
        dropped: set[int] = set()
        for wanted_top in (True, False):
            for line, at_top in page_edges:
                if at_top is not wanted_top:
                    continue
                text = line.text
                text_key, place, _ = _key(line, at_top)
                repeats = sum(seen[(text_key, place + shift, at_top)] for shift in (-1, 0, 1)) >= needed
                repeats = repeats and line.size <= largest and not (two and _touches_text(line, at_top, page))
                is_number = bool(_PAGE_NUMBER.match(text)) and (numbered >= max(2, 0.3 * len(pages)))
                if not (repeats or is_number or _PAGE_OF.match(text)):
                    break
                dropped.update(id(cell) for cell in line.cells)
        if page.spans:
            last = _last_line(page)
            if (_DIGITS.sub("#", last.text)) in outermost:
                dropped.update(id(cell) for cell in last.cells)
        # A page of nothing but such lines is a form or a label, whose text is all there is.
        if 0 < len(dropped) < len(page.spans):
            page.spans[:] = [span for span in page.spans if id(span) not in dropped]


def _outermost_texts(pages: Sequence[PageText]) -> set[str]:
    """Texts (digits as #) that end most of the pages that have text."""
    filled = [page for page in pages if page.spans]
    counts = Counter(_DIGITS.sub("#", _last_line(page).text) for page in filled)
    return {text for text, count in counts.items() if count >= max(_LEAST_PAGES, _LAST_LINE_SHARE * len(filled))}


def _text_size(pages: Sequence[PageText]) -> float:
    letters: Counter[float] = Counter()
    for span in (span for page in pages for span in page.spans):
        letters[span.size] += len(span.text)
    return letters.most_common(1)[0][0] if letters else 0.0


def _touches_text(line: Line, at_top: bool, page: PageText) -> bool:
    """Whether a line of the text's font follows (at the top) or precedes (at the bottom) at its usual distance."""
    within = _APART * line.size
    if at_top:
        return any(line.bottom - 1 < span.top < line.bottom + within for span in page.spans)
    return any(line.top - within < span.bottom < line.top + 1 for span in page.spans)


def _last_line(page: PageText) -> Line:
    lowest = max(span.bottom for span in page.spans)
    near = [span for span in page.spans if span.bottom > lowest - 2 * span.size]
    return group_lines(near)[-1]


def _edge_lines(page: PageText) -> list[tuple[Line, bool]]:
    """The lines at both edges from the edge inwards, each with whether it stands at the top."""
    top_limit, bottom_limit = _EDGE * page.height, (1 - _EDGE) * page.height
    top: list[Span] = [span for span in page.spans if span.bottom < top_limit]
    bottom: list[Span] = [span for span in page.spans if span.top > bottom_limit]
    upper = group_lines(top)[:_DEEPEST_LINE]
    lower = group_lines(bottom)[::-1][:_DEEPEST_LINE]
    return [(line, True) for line in upper] + [(line, False) for line in lower]


def _key(line: Line, at_top: bool) -> _Key:
    return _DIGITS.sub("#", line.text), int(line.top / _SAME_PLACE), at_top
