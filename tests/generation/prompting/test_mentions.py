from __future__ import annotations

import pytest

from generation.prompting.mentions import mentions, simple_mentions


@pytest.mark.parametrize(
    "text, found",
    [
        ("What is the notice period of the Basel lease?", ["the notice period of the Basel lease"]),
        ("Who founded Acme Corp?", ["Acme Corp"]),
        ("Compare Apple and Microsoft in 2022.", ["Apple and Microsoft"]),
        ("Which contracts contain a penalty clause?", ["the contracts", "a penalty clause"]),
        ("When does Acme's contract end?", ["Acme's contract"]),
        ("The house rules forbid smoking.", ["the house rules"]),
        ("Does the home plan cover theft?", ["the home plan"]),
        ("How often?", []),
        ("", []),
    ],
)
def test_what_is_spoken_of(text: str, found: list[str]) -> None:
    assert [one.text for one in mentions(text)] == found


def test_places_are_those_in_the_text() -> None:
    text = "Did The Hague sign the lease with Bern?"
    for one in (*mentions(text), *simple_mentions(text)):
        assert text[one.start : one.end].casefold() == one.text.casefold()


def test_number_and_noun() -> None:
    pumps, acme = simple_mentions("Who sells the old pumps of Acme?")
    assert (pumps.head, pumps.plural, pumps.name) == ("pumps", True, False)
    assert (acme.plural, acme.name) == (False, True)
