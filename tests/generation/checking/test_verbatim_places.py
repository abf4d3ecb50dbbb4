"""Sentences that stand in a text word for word."""

from __future__ import annotations

import pytest

from generation.checking.verbatim_places import verbatim_pattern, verbatim_place

TEXT = 'The clerk said: "Leave is\n28 days — a year." It’s granted in full. The teamwork paid off.'


@pytest.mark.parametrize(
    ("sentence", "place"),
    [
        ("Leave is 28 days - a year.", "Leave is\n28 days — a year."),
        ("“Leave is  28 days — a year.”", "Leave is\n28 days — a year."),
        ("- It's granted in full.", "It’s granted in full."),
        ("**It's granted in full.**", "It’s granted in full."),
        ("It’s granted in full.", "It’s granted in full."),
    ],
)
def test_found_whatever_its_typography(sentence: str, place: str) -> None:
    span = verbatim_place(sentence, verbatim_pattern(sentence), TEXT)
    assert span is not None
    assert TEXT[span[0] : span[1]] == place


@pytest.mark.parametrize(
    "sentence", ["Leave is 28 days a year.", "leave is 28 days - a year.", '"work paid"', "--", ""]
)
def test_other_words_are_not(sentence: str) -> None:
    assert verbatim_place(sentence, verbatim_pattern(sentence), TEXT.replace("— a", "– a")) in (None, (0, 0))
