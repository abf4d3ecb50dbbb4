"""Passages that say the same thing twice: boilerplate, copies of a page, versions of a document."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"\w+")
SHINGLE = 4


def shingles(text: str) -> frozenset[int]:
    """Hashes of all runs of `SHINGLE` words (of the whole text when it is shorter), case folded."""
    words = _WORD.findall(text.casefold())
    if len(words) <= SHINGLE:
        return frozenset({hash(tuple(words))})
    return frozenset(hash(tuple(words[start : start + SHINGLE])) for start in range(len(words) - SHINGLE + 1))


def distinct(texts: Iterable[tuple[str, str]], threshold: float) -> list[str]:
    """Keys of `(key, text)` pairs, in order, without those whose Jaccard similarity to an earlier one is `threshold`
    or more.
    """
    kept: list[tuple[str, frozenset[int]]] = []
    for key, text in texts:
        own = shingles(text)
        if all(len(own & other) < threshold * len(own | other) for _, other in kept):
            kept.append((key, own))
    return [key for key, _ in kept]
