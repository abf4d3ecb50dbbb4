from __future__ import annotations

import pytest

from evals.test_sets.facts import facts_of
from evals.test_sets.question_rules import phrasings, question
from evals.test_sets.values import FactKind

ASKED = [
    ("A member may borrow seven books for four weeks.", "How many books may a member borrow for four weeks?", "seven books"),
    ("A member may borrow seven books for four weeks.", "For how long may a member borrow seven books?", "four weeks"),
    ("Passwords have at least 14 characters.", "At least how many characters do passwords have?", "at least 14 characters"),
    ("An RMA number is valid for 30 days.", "For how long is an RMA number valid?", "30 days"),
    ("Entitlements are vested after two years.", "After how many years are entitlements vested?", "two years"),
    ("The company was founded in 2009 by Ada Veil.", "In which year was the company founded by Ada Veil?", "2009"),
    ("The company was founded in 2009 by Ada Veil.", "By whom was the company founded in 2009?", "Ada Veil"),
    ("In 1957, the state of Arkansas refused to honor an order.", "In which year did the state of Arkansas refuse to honor an order?", "1957"),
    ("The brush WB-4 is replaced every six months.", "How often is the brush WB-4 replaced?", "every six months"),
    ("Forests cover 24 percent of Oklahoma.", "What percentage of Oklahoma do forests cover?", "24 percent"),
    ("The depth rating of the Teal 400 is 100 m.", "What is the depth rating of the Teal 400?", "100 m"),
    ("The lake is 31 metres deep.", "How deep is the lake?", "31 metres"),
    ("A loan unit costs €28 per day without a Premium plan.", "How much does a loan unit cost without a Premium plan?", "€28 per day"),
    ("Six ports take any combination of sensor heads.", "How many ports take any combination of sensor heads?", "Six"),
    ("Immanuel Kant published the Critique of Pure Reason in 1781.", "Who published the Critique of Pure Reason in 1781?", "Immanuel Kant"),
    ("Miami is the host city of the 2003 negotiations.", "What is the host city of the 2003 negotiations?", "Miami"),
    ("The museum is located in the Old Town.", "Where is the museum located?", "the Old Town"),
    ("A solar balloon is a black balloon that is filled with ordinary air.", "What is a solar balloon?", "a black balloon that is filled with ordinary air"),
    ("The file stays available until 14:30.", "Until what time does the file stay available?", "14:30"),
    ("The gateway collects readings from up to four Teal sondes.", "From how many Teal sondes does the gateway collect readings?", "up to four Teal sondes"),
]  # fmt: skip

PASSED_OVER = [
    "It was founded in 2009.",  # of whom?
    "This policy applies for two years.",
    "Its depth is 100 m.",
    "However, they moved to Basel in 2009.",
    "Sub-prime loans made by such banks constituted a 3% share in 1998.",  # two verbs
    "The plan does not cover 30 days.",
    "Take the sonde out within 30 days.",
    "If a port stays empty, 2 plugs are needed.",
    "The range is 24 or 36 months.",
    "Was it founded in 2009?",
    "The head that was sold in 2009 has 3 ports.",
    "Closed.",
    "",
    "See section 2 for 3 more examples: A, B and C.",
]


@pytest.mark.parametrize(("sentence", "asked", "answer"), ASKED)
def test_a_statement_becomes_a_question(sentence: str, asked: str, answer: str) -> None:
    found = {question(fact): fact.answer for fact in facts_of(sentence)}
    assert found.get(asked) == answer, found


@pytest.mark.parametrize("sentence", PASSED_OVER)
def test_what_does_not_stand_alone_or_is_in_doubt_is_passed_over(sentence: str) -> None:
    assert [question(fact) for fact in facts_of(sentence)] == []


@pytest.mark.parametrize("sentence", [sentence for sentence, _, _ in ASKED])
def test_the_answer_stands_in_the_statement_and_not_in_the_question(sentence: str) -> None:
    for fact in facts_of(sentence):
        assert fact.answer in sentence
        assert fact.answer not in (question(fact) or "")


def test_a_relative_clause_is_not_asked_for() -> None:
    facts = facts_of("The squadron sent 60 bombers which dropped 80 tons of explosive in Sunderland.")
    assert [(question(fact), fact.answer) for fact in facts] == [
        ("How many bombers did the squadron send?", "60 bombers")
    ]


def test_a_name_keeps_its_capital_where_the_collection_writes_it_so() -> None:
    sentence = "Banks were founded in 1694."
    asked = [question(fact) for fact in facts_of(sentence, lambda word: False)]
    assert asked == ["When was Banks founded?"] or asked == ["When were Banks founded?"]
    assert [question(fact) for fact in facts_of(sentence, lambda word: True)] == ["When were banks founded?"]


def test_one_fact_is_asked_in_many_ways() -> None:
    (fact,) = [fact for fact in facts_of(ASKED[0][0]) if fact.kind is FactKind.COUNT]
    said = {one.template: one.text for one in phrasings(fact)}
    assert said["plain"] == "How many books may a member borrow for four weeks?"
    assert said["know"] == "Do you know how many books a member may borrow for four weeks?"
    assert len(said) >= 10 and len(set(said.values())) == len(said)
    assert all(fact.answer not in text for text in said.values())


def test_long_and_strange_texts_do_no_harm() -> None:
    for text in (
        "a " * 20_000 + ".",
        "(" * 5000 + ".",
        "1,000 " * 3000 + ".",
        "The x is " + "y and " * 4000 + "z.",
        "|" * 99,
    ):
        facts_of(text)
