"""What a question asks for, and whether a sentence offers it."""

from __future__ import annotations

import pytest

from generation.extraction.question_kinds import QuestionKind, kind_match, question_kind


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many days of leave do I get?", QuestionKind.NUMBER),
        ("What is the price of a titanium end cap?", QuestionKind.NUMBER),
        ("When was the company founded?", QuestionKind.TIME),
        ("In which year did it start?", QuestionKind.TIME),
        ("Who signs the certificate?", QuestionKind.NAME),
        ("Why were the readings wrong?", QuestionKind.REASON),
        ("Is smoking allowed?", QuestionKind.OTHER),
        ("Wie viele Tage Urlaub gibt es?", QuestionKind.OTHER),
    ],
)
def test_kind(question: str, kind: QuestionKind) -> None:
    assert question_kind(question) is kind


def test_what_the_question_says_itself_is_no_offer() -> None:
    assert kind_match("How heavy is the Teal 200?", "The Teal 200 is easy to carry.") == 0
    assert kind_match("How heavy is the Teal 200?", "The Teal 200 weighs 1.3 kg.") == 1
    assert kind_match("Who founded it?", "It was founded by Marta Ellis.") == 1
    assert kind_match("Who founded it?", "It was founded long ago.") == 0
    assert kind_match("Is it safe?", "Yes.") == 0.5
