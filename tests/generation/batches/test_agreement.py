from __future__ import annotations

import dataclasses

import pytest

from generation.answers import Answer, CacheUse, Citation, ModelUse, Usage
from generation.batches.agreement import AGREES_FROM, CONFLICTING_AT_MOST, compare


def answer(text: str, *, refused: bool = False, cites: tuple[str, ...] = ("c-1",)) -> Answer:
    citations = tuple(Citation(n, "d", "d.md", chunk, None, "", (0, 0), (0, 0)) for n, chunk in enumerate(cites, 1))
    return Answer("a", "q", text, refused, citations, None, (), ModelUse("m", "fast", ""), Usage(), CacheUse(), {})


REFUSAL = answer("The documents do not say.", refused=True, cites=())


def test_the_same_words_agree_fully() -> None:
    one = answer("Leave is 28 days. [1]")
    assert compare(one, one, 1.0) == compare(one, answer("Leave is 28 days. [2]"), 1.0)
    assert compare(one, one, 1.0).score == 1.0
    assert compare(one, one, 1.0).differences == ()


def test_two_refusals_agree_and_a_refusal_never_with_an_answer() -> None:
    assert compare(REFUSAL, REFUSAL, 0.2).score == 1.0
    mixed = compare(REFUSAL, answer("Leave is 28 days."), 0.99)
    assert (mixed.score, mixed.agree) == (0.0, False)
    assert mixed.differences == ("refusal: one answers, one refuses",)


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("Leave is 28 days.", "Leave is 30 days.", "number: 28 / 30"),
        ("It costs 1.2 million dollars.", "It costs 1,300,000 dollars.", "number: 1.2e+06 / 1.3e+06"),
        ("It was signed in Paris.", "It was signed in London.", "name: paris / london"),
        ("It opened in March 2019.", "It opened in April 2019.", "name: march / april"),
        ("Pets are allowed inside.", "Pets are not allowed inside.", "negation: one denies what the other says"),
    ],
)
def test_other_facts_are_a_conflict_however_alike_the_words(one: str, other: str, told: str) -> None:
    compared = compare(answer(one), answer(other), 0.97)
    assert compared.differences == (told,)
    assert compared.score <= CONFLICTING_AT_MOST < AGREES_FROM


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Leave is 28 days. [1]", "You get twenty-eight days. [2]"),
        ("It costs 1,200 euros.", "It costs 1.2 thousand euros."),
        ("It opened in 2019.", "It opened in March 2019."),
        ("Paris is where it was signed.", "It was signed in Paris."),
    ],
)
def test_the_same_facts_told_otherwise_are_none(one: str, other: str) -> None:
    compared = compare(answer(one), answer(other), 0.8)
    assert compared.agree and compared.differences == ()


def test_unrelated_answers_do_not_agree() -> None:
    compared = compare(answer("Leave is long."), answer("The canteen is closed.", cites=("c-2",)), 0.3)
    assert compared.score == 0.0
    assert compared.differences == ("meaning: similarity 0.30", "citations: no passage in common")


def test_other_sources_weigh_a_little() -> None:
    same, other = answer("Leave is 28 days."), answer("Leave is 28 days.", cites=("c-2",))
    assert compare(same, other, 1.0).score == pytest.approx(0.8)
    assert compare(same, other, 1.0).agree
    assert compare(same, dataclasses.replace(same, citations=()), 1.0).differences == (
        "citations: no passage in common",
    )
