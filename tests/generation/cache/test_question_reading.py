from __future__ import annotations

import pytest

from generation.cache.question_reading import ground_forms, read


def bases(question: str) -> list[str]:
    return [term.base for term in read(question).terms]


@pytest.mark.parametrize(
    ("question", "kind", "tense", "terms"),
    [
        ("How many days do employees get?", "what", "present", ["number", "day", "employee", "get"]),
        ("How much does the plan cost per month?", "what", "present", ["plan", "cost", "per month"]),
        ("How tall was the tower in 1901?", "what", "past", ["height", "tower", "1901"]),
        ("In which year did it open?", "time year", "past", ["open"]),
        ("What is the release date of version 3.2?", "time date", "present", ["release", "version", "3.2"]),
        ("Why will costs rise by 4.5 million?", "why", "future", ["cost", "rise", "4500000"]),
        ("Is smoking allowed on the balcony?", "yes or no", "present", ["smok", "allow", "balcony"]),
        ("List the noble gases.", "what", "", ["noble", "gas"]),
        ("Could you please tell me who wrote Emma? Thanks!", "who", "past", ["write", "emma"]),
        ("What happened to ticket T4-20817?", "what", "past", ["happen", "ticket", "t4-20817"]),
    ],
)
def test_what_a_question_asks_for(question: str, kind: str, tense: str, terms: list[str]) -> None:
    reading = read(question)
    assert (reading.kind, reading.tense, bases(question)) == (kind, tense, terms)


def test_what_binds_words() -> None:
    reading = read("Which flights from Oslo to Bergen were not cancelled by the airline?")
    assert [(term.base, term.marker) for term in reading.terms] == [
        ("flight", ""), ("oslo", "from"), ("bergen", "to"), ("cancel", ""), ("airline", "by"),
    ]  # fmt: skip
    assert reading.negations == 1
    assert [term.base for term in reading.terms if term.passive] == ["cancel"]
    assert [term.base for term in reading.terms if term.exact] == ["oslo", "bergen"]


@pytest.mark.parametrize(
    ("word", "form"),
    [("policies", "policy"), ("stopped", "stop"), ("wrote", "write"), ("addresses", "address"), ("organised", "organize"),
     ("travelling", "travel"), ("employees", "employee"), ("training", "training"), ("calculated", "calculate"),
     ("gas", "gas"), ("children", "child")],
)  # fmt: skip
def test_ground_forms(word: str, form: str) -> None:
    assert form in ground_forms(word)


@pytest.mark.parametrize(("one", "other"), [("employer", "employee"), ("rat", "rates"), ("train", "training"),
                                            ("new", "news"), ("largest", "large"), ("unpaid", "paid")])  # fmt: skip
def test_different_words_keep_apart(one: str, other: str) -> None:
    assert not set(ground_forms(one)) & set(ground_forms(other))
