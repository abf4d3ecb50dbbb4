from __future__ import annotations

import time

import pytest

from generation.routing.intents import IntentKind, intent_of

CHAT = """
Hello!
Hi there
hey
Good morning
👋 hi
Thanks!
Thank you very much, that helps.
ok thanks
Who are you?
What can you do?
How are you today?
Bye
Hallo
Guten Tag!
Guten Morgen, wer bist du?
Vielen Dank
Tschüss
Bonjour !
Merci beaucoup
Qui es-tu ?
Au revoir
¡Hola!
Muchas gracias
¿Quién eres?
Hasta luego
"""
LOOK_UP = """
Hello, what is the monthly rent?
Hi, who signed the contract with Acme?
Thanks. When does the warranty end?
What is the notice period?
Who wrote the report?
How long does it last?
How many words does the abstract have?
What does the table show?
Which city is the largest in Poland?
In which year was the bridge built?
What are the opening hours of the harbour office?
Does the policy cover water damage?
Is a deposit of more than 500 euros required?
Rather than paying, may the tenant repair the damage?
help me with the lease
Wie hoch ist die Kaution?
Quelle est la durée du contrat ?
¿Cuánto cuesta el alquiler?
I rent a flat and have a dog. May I sublet it?
opening hours customs office
What was the trading volume other than in March?
Explain the termination clause
Why was the meeting of 3 May cancelled?
What is the difference engine?
When the election produced a majority, what was it the first of?
What is a link between capitalism, imperialism, and what?
What can be sorted in less than quadratic time?
How many years have such practices existed?
What crosses to the child across the placenta?
Who sang step by step?
What does the table summarize?
Who are the parties to the agreement?
"""
COMPARISON = """
Compare the leases of Basel and Bern.
What is the difference between gross and net rent?
Apple vs. Microsoft revenue in Q3
How does the 2022 policy differ from the 2023 policy?
Is the Basel office larger than the one in Bern?
Which contracts contain a non-compete clause?
List all suppliers and their prices
How many of the reports mention inflation?
What do the two agreements have in common?
Did revenue change from 2021 to 2023?
What is the trend of net sales over the last quarters?
What is the average of the salaries across all departments?
Which company had higher margins than Amazon?
Summarize all documents about the merger.
Compare Apple and Amazon in a table
Was ist der Unterschied zwischen Miete und Pacht?
Quelle est la différence entre les deux contrats ?
¿Cuáles son las diferencias entre los dos contratos?
"""
MULTI_PART = """
Who founded the company and when did it open?
What is the rent? When is it due?
What is the rent, when is it due, and who receives it?
Name the author and explain why the study failed.
Answer these: 1) the rent 2) the deposit\n1. What is the rent?\n2. What is the deposit?
Wer hat den Vertrag unterschrieben und wann endet er?
Qui a signé le contrat et quand se termine-t-il ?
Where is the plant; how many people work there?
"""
FORMAT = """
Give the prices as a table.
Summarize the report in 50 words
Write a summary of the minutes in at most three sentences.
Explain the procedure step by step
What are the duties of the tenant? Answer in bullet points.
Return the parties as JSON
Summarise the lease.
Nenne die Pflichten des Mieters in Stichpunkten
Fasse den Bericht in 100 Wörtern zusammen
Résumez le rapport en 50 mots
Put the opening hours into a markdown table
"""

TABLE = [
    (kind, question.replace("\\n", "\n"))
    for kind, questions in (
        (IntentKind.CHAT, CHAT),
        (IntentKind.LOOK_UP, LOOK_UP),
        (IntentKind.COMPARISON, COMPARISON),
        (IntentKind.MULTI_PART, MULTI_PART),
        (IntentKind.FORMAT, FORMAT),
    )
    for question in questions.replace("\n1. ", "\\n1. ").replace("\n2. ", "\\n2. ").strip().splitlines()
]


@pytest.mark.parametrize("kind, question", TABLE)
def test_intents(kind: IntentKind, question: str) -> None:
    assert intent_of(question).kind is kind


@pytest.mark.parametrize(
    "question, form",
    [
        ("Compare Apple and Amazon in a table", "a Markdown table"),
        ("Summarize the report in 50 words", "in 50 words"),
        ("Give the risks as a bullet list in at most 30 words", "a bullet list, in at most 30 words"),
        ("Return the parties as JSON", "a JSON object"),
        ("Summarise the lease.", "a summary"),
        ("What does table 3 show?", ""),
        ("Is the text written in 50 lines?", ""),
    ],
)
def test_the_form_is_told_in_words(question: str, form: str) -> None:
    assert intent_of(question).form == form


@pytest.mark.parametrize(
    "question, parts",
    [
        ("What is the rent?", 1),
        ("What is the rent, when is it due, and who receives it?", 3),
        ("I live in Bern. I own a dog. May I sublet?", 1),
        ("a) What is the rent?\nb) What is the deposit?\nc) Who pays?", 3),
        ("rent and deposit", 1),
        ("", 1),
    ],
)
def test_parts_are_counted(question: str, parts: int) -> None:
    assert intent_of(question).parts == parts


def test_names_are_counted_once_and_the_first_word_is_none() -> None:
    assert intent_of("Did New York and Acme sign the Acme paper of 2021?").names == 3


@pytest.mark.parametrize("unit", ["a", "who and ", "more than ", "is how ", "1) a\n", "? ", "compare ", "x; ", "hi "])
def test_a_long_question_takes_no_long_time(unit: str) -> None:
    started = time.perf_counter()
    intent_of(unit * (20_000 // len(unit)))
    assert time.perf_counter() - started < 0.5
