"""Numbers by value, names, denials."""

from __future__ import annotations

import pytest

from generation.checking.contradiction.stated_facts import denies, names, numbers, stands_among, words


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("twelve months", "12 months"),
        ("It cost 1,200 euros.", "twelve hundred euros"),
        ("1.8 billion", "$1,791.8 million"),
        ("two hundred and five", "205"),
        ("twenty-one people", "21 people"),
        ("in the 19th century", "in the nineteenth century"),
        ("in the 1990s", "from 1990 on"),
        ("30%", "thirty percent"),
        ("12k", "12,000"),
    ],
)
def test_equal_numbers(claim: str, evidence: str) -> None:
    assert stands_among(numbers(claim)[0], numbers(evidence))


@pytest.mark.parametrize(("claim", "evidence"), [("1066", "1067"), ("1.8 billion", "1.8 million"), ("7.4", "7.5")])
def test_other_numbers(claim: str, evidence: str) -> None:
    assert not stands_among(numbers(claim)[0], numbers(evidence))


def test_one_of_them_is_no_number() -> None:
    assert numbers("One of them came first.") == []


def test_names_leave_out_the_first_word_and_the_possessive() -> None:
    assert names("The Conqueror's men took London with an iPhone.") == {"conqueror", "london", "iphone"}
    assert names("") == frozenset()


def test_words_hold_initials_and_parts() -> None:
    known = words("The World Health Organization is well-known; Ann's book.")
    assert {"who", "health", "well", "known", "ann"} <= known


def test_denials() -> None:
    assert denies("It was not found.")
    assert denies("They didn't go.")
    assert not denies("It was found.")
    assert not denies("Nobody did nothing.")
