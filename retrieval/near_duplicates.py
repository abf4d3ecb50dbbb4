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
    return frozenset(map(hash, zip(*(words[start:] for start in range(SHINGLE)), strict=False)))


def distinct(texts: Iterable[tuple[str, str]], threshold: float, limit: int) -> list[str]:
    """Keys of the first `limit` of the `(key, text)` pairs, in order, without those whose Jaccard similarity to an
    earlier one is `threshold` or more. Texts after the last that is kept are not looked at.
    """
    kept: list[tuple[str, frozenset[int]]] = []
    for key, text in texts:
        if len(kept) >= limit:
            break
        own = shingles(text)
        if not any(_alike(own, other, threshold) for _, other in kept):
            kept.append((key, own))
    return [key for key, _ in kept]


def _alike(one: frozenset[int], other: frozenset[int], threshold: float) -> bool:
    fewer, more = sorted((len(one), len(other)))
    # What two sets share is at most the smaller of them: most pairs need no intersection.
    if fewer < threshold * more:
        return False
    common = len(one & other)
    return common >= threshold * (fewer + more - common)
