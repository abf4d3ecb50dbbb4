from __future__ import annotations

import time

import pytest

from generation.answers import Turn
from generation.prompting.follow_up_rules import by_rule

RESOLVED = [
    # ellipsis: a year, a name, a thing in the place of its like
    (["What was the revenue in 2022?"], "And in 2023?", "What was the revenue in 2023?"),
    (["What was Apple's revenue in Q3 2022?"], "What about Q3 2023?", "What was Apple's revenue in Q3 2023?"),
    (["What was the revenue?"], "and in 2023?", "What was the revenue in 2023?"),
    (["What is the rent in Bern?"], "What about Basel?", "What is the rent in Basel?"),
    (["What is the rent in Bern?"], "And in Basel?", "What is the rent in Basel?"),
    (["Who signed for Acme?"], "and for Globex?", "Who signed for Globex?"),
    (["How high is the rent?"], "And the deposit?", "How high is the deposit?"),
    (["What is the notice period of the Basel lease?"], "and the Bern lease?", "What is the notice period of the Bern lease?"),
    (["What is the notice period of the Basel lease?"], "What about the deposit?", "What is the deposit of the Basel lease?"),
    (["When was Microsoft founded?"], "How about Apple?", "When was Apple founded?"),
    (["What is the fee for parcels under 20 kg?"], "and for letters?", "What is the fee for parcels under 20 kg for letters?"),
    (["How many people work in the plant?"], "In 2021?", "How many people work in the plant in 2021?"),
    (["Compare Apple and Microsoft."], "What about Amazon?", "Compare Apple and Microsoft, and Amazon."),
    (["What does rule 12 say?"], "and 13?", "What does rule 13 say?"),
    (["What was the margin in 2022?", "And in 2023?"], "And for Apple?", "What was the margin in 2023 for Apple?"),
    # question words alone
    (["Did the board reject the merger?"], "Why?", "Why did the board reject the merger?"),
    (["Who rejected the merger?"], "And why?", "Who rejected the merger, and why?"),
    (["Is the deposit refunded?"], "When?", "When is the deposit refunded?"),
    (["Where is the harbour office?"], "How far?", "Where is the harbour office, and how far?"),
    # pronouns
    (["Who founded Acme?"], "When was it founded?", "When was Acme founded?"),
    (["What does the warranty cover?"], "How long does it last?", "How long does the warranty last?"),
    (["What does the warranty cover?"], "And how long does it last?", "How long does the warranty last?"),
    (["What is the notice period of the Basel lease?"], "Can it be shortened?", "Can the notice period of the Basel lease be shortened?"),
    (["When did Acme Corp open the plant?"], "Who are its customers?", "Who are Acme Corp's customers?"),
    (["Which contracts contain a penalty clause?"], "When do they expire?", "When do the contracts expire?"),
    (["Who supplies the pumps?"], "How much do they cost?", "How much do the pumps cost?"),
    (["Tell me about Acme."], "What benefits does it offer?", "What benefits does Acme offer?"),
    (["Tell me about Acme."], "How many people work in its plants?", "How many people work in Acme's plants?"),
    (["Compare Apple and Microsoft."], "Which of the two is larger?", "Which of Apple and Microsoft is larger?"),
    (["Does the policy cover theft?"], "Does that apply abroad?", "Does the policy apply abroad?"),
    (["Tell me about the merger with Globex."], "When does this end?", "When does the merger with Globex end?"),
    (["What is in the lease for Basel?"], "When does that lease end?", "When does the lease for Basel end?"),
    (["Where was Marie Curie born?"], "When did she die?", "When did Marie Curie die?"),
    (["Where was Marie Curie born?"], "What was her field?", "What was Marie Curie's field?"),
    (["What does the plant in Bern make?"], "How many people work there?", "How many people work in Bern?"),
    (["Who founded Acme?", "When was it founded?"], "Where is it based?", "Where is Acme based?"),
    (["Does the annual report mention strikes?"], "Who wrote it?", "Who wrote the annual report?"),
    (["What does the home plan cover?"], "What does it cost?", "What does the home plan cost?"),
    (["What was the increase of the fee in May?"], "Who decided it?", "Who decided the increase of the fee?"),
    # a plain noun for the thing just named
    (["Who signed the contract with Acme?"], "When does the contract end?", "When does the contract with Acme end?"),
    # nothing to put in its place: the question before is put beside it
    (["Is smoking allowed?"], "Does it say anything else?", "Does it say anything else? (Is smoking allowed?)"),
    (["Wie hoch ist die Miete in Bern?"], "Und in Basel?", "Und in Basel? (Wie hoch ist die Miete in Bern?)"),
    (["Quel est le loyer à Berne ?"], "Et à Bâle ?", "Et à Bâle ? (Quel est le loyer à Berne ?)"),
    (["¿Cuál es el alquiler en Berna?"], "¿Y en Basilea?", "¿Y en Basilea? (¿Cuál es el alquiler en Berna?)"),
    (["Wann beginnt der Vertrag?"], "Warum?", "Warum? (Wann beginnt der Vertrag?)"),
]  # fmt: skip

STANDALONE = [
    "What is the notice period of the Bern lease?",
    "Who founded Globex and when was it sold?",
    "When the tenant leaves, does he pay for cleaning?",
    "Is it true that smoking is forbidden?",
    "How long does it take to process a claim?",
    "Is there a parking lot?",
    "How many exits are there in the hall?",
    "opening hours customs office",
    "Does the policy cover the loss of its holder's keys?",
    "Compare Apple and Amazon.",
    "What does clause 7 say about subletting?",
    "Summarize the report in 50 words.",
    "Wie hoch ist die Kaution?",
    "Quelle est la durée du contrat ?",
    "¿Cuánto cuesta el alquiler?",
    "Which employees that work in Bern have a car?",
    "Who was it essential for the movement to follow?",
    "What author is best known for his book on clubs?",
    "What does it mean when currencies float?",
    "Who were the two abbots at the abbey?",
    "Which newspaper could not evade tax by shifting its residence?",
    "where does water go after it enters a drain",
    "ted tells robin he is moving",
    "Is it possible to end the lease early?",
    "What are the opening hours in Bern?",
    "Hello!",
    "Thanks",
]


def turns(questions: list[str]) -> list[Turn]:
    return [turn for one in questions for turn in (Turn("user", one), Turn("assistant", "So it is [1]."))]


@pytest.mark.parametrize("history, question, alone", RESOLVED)
def test_follow_ups(history: list[str], question: str, alone: str) -> None:
    assert by_rule(question, turns(history)) == alone


@pytest.mark.parametrize("question", STANDALONE)
def test_what_stands_alone_is_left_alone(question: str) -> None:
    assert by_rule(question, turns(["Who signed the contract with Acme in 2021?"])) == question


def test_a_person_named_in_the_answer() -> None:
    history = [Turn("user", "Who leads Acme?"), Turn("assistant", "Acme is led by Jane Smith [1].")]
    assert by_rule("When was she born?", history) == "When was Jane Smith born?"


def test_a_thing_named_in_the_answer_only() -> None:
    history = [Turn("user", "Is smoking allowed?"), Turn("assistant", "The house rules forbid it [1].")]
    assert by_rule("Who wrote them?", history) == "Who wrote the house rules?"


def test_without_a_question_before_nothing_is_changed() -> None:
    assert by_rule("And in 2023?", []) == "And in 2023?"
    assert by_rule("And in 2023?", [Turn("assistant", "Hello!")]) == "And in 2023?"


@pytest.mark.parametrize("unit", ["it ", "and ", "the the ", "Acme and ", "in ", "this ", "what about "])
def test_long_texts_take_no_long_time(unit: str) -> None:
    long = unit * (20_000 // len(unit))
    started = time.perf_counter()
    by_rule(long, [Turn("user", long), Turn("assistant", long)])
    assert time.perf_counter() - started < 3
