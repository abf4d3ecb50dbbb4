"""What of an answer needs evidence."""

from __future__ import annotations

import pytest

from generation.checking.claims import is_claim


@pytest.mark.parametrize(
    "sentence",
    [
        "The staff canteen opens at 8.",
        "Paris.",
        "42",
        "| Revenue | 12 |",
        "There is no evidence that aspirin prevents it.",
        "The information desk does not provide maps.",
        "The documents do not mention a fee, but it is 30 euros.",
        "No one survived.",
        "However, the lease ended in 2019:",
        "- Rent was doubled:",
        "Die Kantine öffnet um acht.",
    ],
)
def test_claims(sentence: str) -> None:
    assert is_claim(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Hello!",
        "Sure,",
        "Thank you for asking.",
        "I'm sorry, I can only help with the documents.",
        "The documents do not say when it opens.",
        "The provided context doesn't explicitly mention a price.",
        "The passages contain no information on this.",
        "Nothing about salaries is stated in the documents.",
        "Its height is not given in the sources.",
        "I could not find an answer to this.",
        "Here is a list:",
        "According to the handbook:",
        "# Opening hours",
        "**Opening hours**",
        "Opening hours:",
        "What would you like to know?",
        "---",
        "Let me know if you need more.",
    ],
)
def test_not_claims(sentence: str) -> None:
    assert not is_claim(sentence)
