from __future__ import annotations

import pytest

from generation.writing.answer_language import OtherLanguage, other_language

ENGLISH = "The scale in the warehouse is calibrated every two years by the manufacturer. [1]"
GERMAN = "Die Waage im Lager wird alle zwei Jahre vom Hersteller kalibriert. [1]"


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Wie viele Bücher darf ein Mitglied gleichzeitig ausleihen?", ENGLISH, OtherLanguage("de", "en")),
        ("How often is the large scale in the warehouse calibrated?", GERMAN, OtherLanguage("en", "de")),
        ("¿Con qué frecuencia se calibra la báscula del almacén?", ENGLISH, OtherLanguage("es", "en")),
    ],
)
def test_an_answer_in_another_language_is_noticed(question: str, answer: str, expected: OtherLanguage) -> None:
    found = other_language(question, answer)
    assert found == expected
    assert f"({expected.question})" in str(found)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How often is the large scale in the warehouse calibrated?", ENGLISH),
        ("Wie oft wird die große Waage im Lager kalibriert?", GERMAN),
        ("Wie oft?", ENGLISH),
        ("Wie oft wird die große Waage im Lager kalibriert?", "Seven."),
        ("How often is the large scale calibrated? Please answer in German.", GERMAN),
        ("Translate the rule on how often the scale is calibrated for our colleagues", GERMAN),
        ("What is 7 + 3?", "10 [1][2]"),
    ],
)
def test_where_nothing_is_sure_or_another_was_wanted_nothing_is_said(question: str, answer: str) -> None:
    assert other_language(question, answer) is None


def test_a_wish_for_another_language_beside_the_question_counts() -> None:
    question = "How often is the large scale in the warehouse calibrated?"
    assert other_language(question, GERMAN) is not None
    assert other_language(question, GERMAN, "Always answer in German.") is None


def test_another_script_is_another_language() -> None:
    question = "Сколько книг может взять читатель на дом в нашей библиотеке?"
    assert other_language(question, ENGLISH) == OtherLanguage("ru", "en")
