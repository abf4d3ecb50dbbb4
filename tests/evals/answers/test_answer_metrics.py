from __future__ import annotations

import pytest

from evals.answers.answer_metrics import (
    contains_gold,
    count_refusals,
    exact_match,
    normalise,
    token_f1,
    without_citation_marks,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Harbour-Master's  Office!", "harbourmasters office"),
        ("a cat, an owl and the dog", "cat owl and dog"),
        ("Theatre another", "theatre another"),
        ("$1,200.50", "120050"),
        ("the", ""),
    ],
)
def test_normalisation_is_that_of_squad(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_exact_match_takes_any_gold_answer() -> None:
    assert exact_match("the North Pier.", ["South Pier", "north pier"])
    assert not exact_match("at the North Pier", ["North Pier"])


def test_containment_is_by_whole_words_in_order() -> None:
    assert contains_gold("Boats leave from the North Pier at nine.", ["north pier"])
    assert not contains_gold("The party left.", ["art"])
    assert not contains_gold("The pier to the north", ["north pier"])
    assert contains_gold("The symbol is %.", ["%"])
    assert not contains_gold("It has none.", ["%"])
    assert not contains_gold("Anything", [])


def test_f1_counts_repeated_words_once_each() -> None:
    assert token_f1("pier pier pier", ["north pier"]) == pytest.approx(2 * 1 / (3 + 2))
    assert token_f1("north pier", ["south quay", "the north pier"]) == 1.0
    assert token_f1("quay", ["north pier"]) == 0.0
    assert token_f1("the", ["a"]) == 1.0  # both are empty after normalisation
    assert token_f1("", ["pier"]) == 0.0


def test_citation_marks_are_not_words() -> None:
    assert without_citation_marks("Nine boats. [1] Two piers [2][13].") == "Nine boats. Two piers."


def test_refusal_counts() -> None:
    counts = count_refusals([(True, False)] * 6 + [(True, True)] * 2 + [(False, False)] * 3 + [(False, True)] * 8)
    assert counts.precision == pytest.approx(6 / 8)
    assert counts.recall == pytest.approx(6 / 9)
    assert counts.false_refusal_rate == pytest.approx(2 / 10)
    assert counts.false_answer_rate == pytest.approx(3 / 9)


def test_rates_without_a_denominator_are_unknown() -> None:
    counts = count_refusals([(False, True)])
    assert counts.precision is None and counts.recall is None and counts.false_answer_rate is None
    assert counts.false_refusal_rate == 0.0
