"""HTML in which everything is escaped unless it was made here: answers and documents are written by strangers."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable, Sequence

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Html(str):
    """Markup that is safe as it stands."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """Text as markup, without control characters, bidirectional overrides and lone surrogates."""
    return Html(html.escape(_UNSEEN.sub("\ufffd", text), quote=True))


def element(name: str, *children: str | Html, **attributes: str | None) -> Html:
    """An element. Children and attributes are escaped unless they are `Html`; `class_` is the attribute `class`."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{given}>{joined(children)}</{name}>")


def joined(parts: Iterable[str | Html]) -> Html:
    return Html("".join(part if isinstance(part, Html) else escaped(part) for part in parts))


def table(head: Sequence[str | Html], rows: Iterable[Sequence[str | Html]], *, class_: str | None = None) -> Html:
    """A table whose first column names the row; it scrolls where the page is narrow."""
    top = element("thead", element("tr", *(element("th", cell, scope="col") for cell in head))) if head else Html("")
    body = (
        element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])) for row in rows
    )
    whole = element("table", top, element("tbody", *body), class_=class_)
    return element("div", whole, class_="wide")


def marked_text(text: str, marks: Iterable[tuple[int, int, str]]) -> Html:
    """Text in which `[start, end)` of each mark has its class; marks may overlap and reach beyond the text."""
    spans = [(max(0, start), min(len(text), end), name) for start, end, name in marks]
    edges = sorted({0, len(text), *(place for start, end, _ in spans if start < end for place in (start, end))})
    pieces = []
    for start, end in itertools.pairwise(edges):
        names = dict.fromkeys(name for first, last, name in spans if first <= start and end <= last)
        piece = text[start:end]
        pieces.append(element("mark", piece, class_=" ".join(names)) if names else escaped(piece))
    return joined(pieces)
