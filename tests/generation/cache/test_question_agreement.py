from __future__ import annotations

import pytest

from generation.cache.question_agreement import agree, disagreement

SAME = [
    ("What is the price of the plan?", "How much does the plan cost?"),
    ("What is the price of the plan?", "could you please tell me what the price of the plan is?"),
    ("How do I reset my password?", "How can I reset the password"),
    ("How do I reset my password?", "What are the steps to reset my password?"),
    ("Who wrote The Master and Margarita?", "Who is the author of The Master and Margarita?"),
    ("Did Apple sue Samsung over patents?", "Was Samsung sued by Apple over patents?"),
    ("Who acquired Instagram?", "By whom was Instagram acquired?"),
    ("Who acquired Instagram?", "Which company bought Instagram?"),
    ("When was the bridge opened?", "In which year did the bridge open?"),
    ("What was the rate in Spain in 2012?", "In 2012, what was Spain's rate?"),
    ("What was the sum of 1,500 euros for?", "what was the sum of 1500 euros for"),
    ("What is three times 4.5 million?", "What is 3 times 4500000?"),
    ("How many people live in Norway?", "What is the population of Norway?"),
    ("Is there a treaty between France and Britain?", "Is there a treaty between Britain and France?"),
    ("What's the notice period of staff with more than five years?", "What is the notice period of employees with over "
     "5 years?"),
    ("How does a virus differ from a bacterium?", "What is the difference between a bacterium and a virus?"),
    ("How does caffeine affect sleep?", "What effect does caffeine have on sleep?"),
    ("Are employees allowed to work remotely on Fridays?", "May employees work remotely on Fridays?"),
    ("What is the colour of the organisation's logo?", "What is the color of the organization's logo?"),
    ("Who is the current head of Acme?", "Who is the head of Acme?"),
    ("What is the recommended dose for adults?", "What dose is recommended for adults?"),
    ("Which planet is closest to the sun?", "What is the closest planet to the sun?"),
    ("Was kostet der Tarif?", "was kostet der tarif"),
]  # fmt: skip

DIFFERENT = [
    ("Which vitamins are soluble?", "Which vitamins are not soluble?", "negation"),
    ("Is the password case-sensitive?", "Isn't the password case-sensitive?", "negation"),
    ("Are contractors eligible?", "Are contractors ineligible?", "words"),
    ("What is the price of plan 3?", "What is the price of plan 4?", "names_or_numbers"),
    ("What happened to ticket T4-20817?", "What happened to ticket T4-20871?", "names_or_numbers"),
    ("What is the capital of Austria?", "What is the capital of Australia?", "names_or_numbers"),
    ("What was revenue in 2019?", "What was revenue in 2020?", "names_or_numbers"),
    ("Is it above 5 km?", "Is it above 5 miles?", "words"),
    ("Is it above 5 km?", "Is it below 5 km?", "words"),
    ("How many goals did Marta score?", "How many goals did Prinz score?", "names_or_numbers"),
    ("Did Apple sue Samsung?", "Did Samsung sue Apple?", "order"),
    ("Did Apple sue Samsung?", "Was Apple sued by Samsung?", "order"),
    ("Who did Acme sue?", "Who sued Acme?", "order"),
    ("Who was Acme sued by?", "Who did Acme sue?", "order"),
    ("What causes inflation?", "What does inflation cause?", "kind"),
    ("What is the cause of smoking?", "What does smoking cause?", "kind"),
    ("Who is the founder of Lumen?", "Who did Lumen found?", "order"),
    ("Which flights go from Rome to Bari?", "Which flights go from Bari to Rome?", "prepositions"),
    ("What happens to the deposit?", "What happened to the deposit?", "tense"),
    ("What caused errors?", "What causes errors?", "tense"),
    ("Is the file saved?", "Was the file saved?", "tense"),
    ("Who is the current head?", "Who was the head?", "tense"),
    ("What can I bring?", "What must I bring?", "modal"),
    ("When was it built?", "Where was it built?", "kind"),
    ("What was built?", "Was it built?", "kind"),
    ("What is the largest city?", "What is the second largest city?", "words"),
    ("Who is her manager?", "Who is his manager?", "words"),
    ("What is my limit?", "What is your limit?", "owner"),
    ("What is the average of the maximum?", "What is the maximum of the average?", "order"),
    ("What is the father of John's friend called?", "What is the friend of John's father called?", "order"),
    ("What is the employer contribution?", "What is the employee contribution?", "words"),
    ("What is he for?", "What is he against?", "prepositions"),
    ("What are total current assets?", "What are total assets?", "words"),
    ("How should it be reported?", "How may it be reported?", "modal"),
    ("Which is the governing law of this contract?", "Which contract governs this law?", "order"),
    ("What is greater than the limit?", "What is the limit greater than?", "order"),
    ("Who trains staff?", "What is the train schedule?", "kind"),
    ("Was kostet der Tarif?", "Was kostet der Tarif nicht?", "words"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), SAME)
def test_the_same_question_in_other_words(first: str, second: str) -> None:
    assert disagreement(first, second) is None
    assert agree(second, first)


@pytest.mark.parametrize(("first", "second", "reason"), DIFFERENT)
def test_another_question_in_nearly_the_same_words(first: str, second: str, reason: str) -> None:
    assert disagreement(first, second) == reason
    assert not agree(second, first)


@pytest.mark.parametrize("text", ["", "?", "the", "…", "who", "what's", "per", "how many", "not", "from", "by whom", "'s",
                                  "\ud800", "A " * 500, "three hundred million", "$ € %", "what is the name of"])  # fmt: skip
def test_any_text_agrees_with_itself(text: str) -> None:
    assert agree(text, text)


def test_very_long_questions_agree_only_when_they_are_the_same() -> None:
    long = " ".join(f"word{number}" for number in range(100))
    assert agree(long, long)
    assert disagreement(long, long + " x") == "long"
