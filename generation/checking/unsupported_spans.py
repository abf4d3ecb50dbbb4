"""Which parts of an unsupported claim its evidence does not carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from generation.answers import Span
from generation.checking.claim_features import ClaimFeatures
from generation.checking.contradiction.contradiction_head import HeadVerdict

MARKED_FROM = 0.2
"""The head's probability from which a word of an unsupported claim is marked.

F1 on words is best at 0.1, on edited sentences and on claims about web pages alike; this is a little more precise.
"""


def unsupported_spans(features: ClaimFeatures, best: int, head: HeadVerdict | None, sentence: Span) -> tuple[Span, ...]:
    """Places in answer coordinates: what the structured checks found in the best window, and words that the head marks.

    None where neither is sure: then the whole sentence is meant.
    """
    found = [one.span for one in (*features.everywhere, *features.in_window[best])]
    if head is not None:
        found += _runs(head)
    return tuple((sentence[0] + start, min(sentence[0] + end, sentence[1])) for start, end in _merged(found))


def _runs(head: HeadVerdict) -> Iterator[Span]:
    """Neighbouring words that are marked, as one place."""
    start: int | None = None
    end = 0
    for word in head.tokens:
        if word.unsupported >= MARKED_FROM:
            start, end = word.start if start is None else start, word.end
        elif start is not None:
            yield start, end
            start = None
    if start is not None:
        yield start, end


def _merged(places: Iterable[Span]) -> list[Span]:
    """Places that overlap as one, in order."""
    merged: list[Span] = []
    for start, end in sorted(places):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
