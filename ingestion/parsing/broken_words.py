"""Words broken at the end of a line: whether their hyphen goes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ingestion.parsing.page_layout import Block

_BROKEN_WORD = re.compile(r"(\w+)-$")
_FIRST_WORD = re.compile(r"^[\w]+")
_WORDS = re.compile(r"\w+(?:-\w+)*")
# What these begin is written with a hyphen.
_PREFIXES = frozenset({"non", "self", "all"})


def ends_in_hyphen(text: str) -> bool:
    """Whether the text ends in what may be the first part of a broken word."""
    return bool(_BROKEN_WORD.search(text))


class BrokenWords:
    """Mends broken words by what the rest of the document says of them."""

    def __init__(self, pages: Sequence[Sequence[Block]]) -> None:
        self._pages = pages
        self._words: set[str] | None = None

    def joined(self, before: str, after: str) -> str:
        """Both texts as one; `before` ends in a hyphen, which goes unless it belongs to the word."""
        head, tail = _BROKEN_WORD.search(before), _FIRST_WORD.match(after)
        assert head is not None
        keeps = self._keeps_hyphen(head.group(1), tail.group() if tail else "")
        return (before if keeps else before[:-1]) + after

    def _keeps_hyphen(self, first: str, second: str) -> bool:
        if not second[:1].islower() or first[-1:].isdigit():
            return True
        if self._words is None:
            self._words = set(self._whole_words())
        first, second = first.lower(), second.lower()
        if first in _PREFIXES:
            return True
        if first + second in self._words:
            return False
        return f"{first}-{second}" in self._words or (
            min(len(first), len(second)) > 4 and {first, second} <= self._words
        )

    def _whole_words(self) -> Iterator[str]:
        """All words of the document but the halves of broken ones."""
        for block in (block for blocks in self._pages for block in blocks):
            broken = False
            for line in block.lines:
                words = _WORDS.findall(line.text.lower())
                was_broken, broken = broken, line.text.endswith("-")
                yield from words[was_broken : len(words) - broken]
