from __future__ import annotations

import itertools
import random

from scripts.training_data.dialogues import dialogue_groups
from scripts.training_data.question_claims import Question, answer_kind, other_answer, question_groups, statement

PASSAGE = "Ida Mornay designed the bridge in 1934. Paul Tessen paid for it. The ferry was sold in 1951."
QUESTIONS = [
    Question("Who designed the bridge?", "Ida Mornay", PASSAGE, "bridge", "test"),
    Question("Who paid for the bridge?", "Paul Tessen", PASSAGE, "bridge", "test"),
    Question("When was the ferry sold?", "1951", PASSAGE, "bridge", "test"),
]


def test_a_question_becomes_a_statement_where_a_rule_can() -> None:
    assert statement("Who designed it?", "Mornay", declarative=True) == ("Mornay designed it.", 0)
    assert statement("What was sold?", "the ferry", declarative=True) == ("The ferry was sold.", 0)
    text, start = statement("When did it open?", "in 1934", declarative=True)
    assert (text, text[start : start + 7]) == ("When did it open? in 1934.", "in 1934")
    assert statement("Who did it help?", "Tessen", declarative=True)[0] == "Who did it help? Tessen."


def test_a_wrong_answer_is_of_the_same_kind() -> None:
    assert [answer_kind(one) for one in ("1951", "Ida Mornay", "with a boat")] == ["year", "name", "words"]
    for seed in range(10):
        assert other_answer(QUESTIONS[2], [], random.Random(seed)) == "1934"
        assert other_answer(QUESTIONS[0], ["Paul Tessen", "1951"], random.Random(seed)) == "Paul Tessen"


def test_right_and_wrong_claims_differ_in_the_answer_alone() -> None:
    for group in itertools.islice(question_groups(QUESTIONS, random.Random(0)), 20):
        right, wrong = group.claims
        assert (right.supported, wrong.supported, right.unsupported) == (True, False, ())
        assert wrong.unsupported is not None
        ((start, end),) = wrong.unsupported
        asked = next(
            one
            for one in QUESTIONS
            if right.text in {statement(one.question, one.answer, declarative=d)[0] for d in (True, False)}
        )
        assert wrong.text[:start] + asked.answer + wrong.text[end:] == right.text
        assert asked.answer in group.evidence


def test_what_the_other_speaker_said_is_not_supported() -> None:
    for group in itertools.islice(dialogue_groups(QUESTIONS, random.Random(0)), 20):
        assert ":" in group.evidence
        assert {claim.supported for claim in group.claims} == {True, False}
        for claim in group.claims:
            assert (claim.unsupported == ()) == claim.supported
