"""Which words are marked."""

from __future__ import annotations

import numpy as np

from generation.checking.claim_features import ClaimFeatures
from generation.checking.contradiction.contradiction_head import HeadVerdict, TokenVerdict
from generation.checking.contradiction.structured_checks import Found, Mismatch
from generation.checking.unsupported_spans import unsupported_spans

CLAIM = "The lease runs for 24 months in Jena."


def features(everywhere: tuple[Found, ...] = (), *in_window: tuple[Found, ...]) -> ClaimFeatures:
    return ClaimFeatures((0, 1), np.zeros((2, 1)), everywhere, in_window or ((), ()), "")


def head(**unsupported: float) -> HeadVerdict:
    places = [(CLAIM.index(word), CLAIM.index(word) + len(word), word) for word in CLAIM.rstrip(".").split()]
    return HeadVerdict(0.1, tuple(TokenVerdict(start, end, unsupported.get(word, 0.1)) for start, end, word in places))


def test_places_of_the_checks_in_the_answer() -> None:
    number = Found(Mismatch.NUMBER_DIFFERS, (19, 21))
    unit = Found(Mismatch.UNIT_DIFFERS, (19, 28))
    assert unsupported_spans(features((number,), (), (unit,)), 1, None, (100, 137)) == ((119, 128),)
    assert unsupported_spans(features((number,), (), (unit,)), 0, None, (100, 137)) == ((119, 121),)


def test_neighbouring_words_that_the_head_marks_are_one_place() -> None:
    found = unsupported_spans(features(), 0, head(months=0.9, Jena=0.9, **{"24": 0.95, "in": 0.7}), (0, 37))
    assert [CLAIM[start:end] for start, end in found] == ["24 months in Jena"]


def test_nothing_is_marked_where_nothing_is_sure() -> None:
    assert unsupported_spans(features(), 0, head(Jena=0.15), (0, 37)) == ()
