"""Labels are right: an edit changes what a sentence says, a rewording does not."""

from __future__ import annotations

import random
import re

import pytest

from scripts.training_data import edits, rewordings
from scripts.training_data.edited_sentences import changed_spans
from scripts.training_data.edits import Surroundings

AROUND = Surroundings(
    "Ida Mornay designed the bridge in 1934. Paul Tessen built it for 240 guests.",
    ("The ferry was sold to Carl Brandt in 1951, because of high costs.", "It sank during a storm in the winter."),
)


def test_a_name_gives_way_to_one_from_nearby() -> None:
    for seed in range(10):
        changed = edits.name_swap("The bridge was designed by Ida Mornay.", AROUND, random.Random(seed))
        assert changed in {f"The bridge was designed by {name}." for name in ("Paul Tessen", "Carl Brandt")}


def test_a_number_changes_its_value() -> None:
    for seed in range(20):
        changed = edits.number_change("It holds 1,240 guests.", AROUND, random.Random(seed))
        assert changed is None or (changed != "It holds 1,240 guests." and re.search(r"holds [\d,]+ guests", changed))
        changed = edits.number_change("It has four arches.", AROUND, random.Random(seed))
        assert changed is not None
        assert changed != "It has four arches."


def test_a_year_changes() -> None:
    for seed in range(20):
        changed = edits.date_change("It was opened in 1934.", AROUND, random.Random(seed))
        assert changed is None or re.fullmatch(r"It was opened in \d{4}\.", changed)
        assert changed != "It was opened in 1934."


@pytest.mark.parametrize(
    ("sentence", "without"),
    [
        ("Dogs are not allowed on deck.", "Dogs are allowed on deck."),
        ("They didn't go home.", "They did go home."),
        ("She can't swim.", "She can swim."),
        ("He won't come.", "He will come."),
    ],
)
def test_a_denial_is_taken_away(sentence: str, without: str) -> None:
    assert edits.negation(sentence, AROUND, random.Random(0)) == without


def test_a_denial_is_put_in() -> None:
    for seed in range(10):
        changed = edits.negation("Dogs are allowed on deck.", AROUND, random.Random(seed))
        assert changed is not None
        assert re.fullmatch(r"Dogs (?:are(?: not|n't| never| no longer)) allowed on deck\.", changed)


def test_roles_are_exchanged() -> None:
    rng = random.Random(0)
    assert edits.roles("The ship Orle met the ship Veld.", AROUND, rng) == "The ship Veld met the ship Orle."
    assert edits.roles("The bridge was praised by the mayor.", AROUND, rng) == "The mayor was praised by the bridge."
    assert edits.roles("They visited Orle and Veld.", AROUND, rng) is None


def test_an_inserted_detail_stands_nowhere_in_the_evidence() -> None:
    changed = edits.insertion("The bridge was designed by Ida Mornay.", AROUND, random.Random(1))
    assert changed is not None
    ((start, end),) = changed_spans("The bridge was designed by Ida Mornay.", changed)
    assert changed[start:end].strip(" ,") not in AROUND.evidence


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("It opened in 1934.", "It opened in 1951.", ["1951"]),
        ("Dogs are allowed.", "Dogs are not allowed.", ["not"]),
        ("Dogs are not allowed.", "Dogs are allowed.", ["are allowed"]),
        ("It opened.", "It opened.", []),
    ],
)
def test_spans_are_the_changed_words(before: str, after: str, words: list[str]) -> None:
    assert [after[start:end] for start, end in changed_spans(before, after)] == words


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (rewordings.number_form, "It has four arches.", "It has 4 arches."),
        (rewordings.number_form, "It cost 3,000,000 crowns.", "It cost 3 million crowns."),
        (rewordings.active, "The bridge was designed by Mornay.", "Mornay designed the bridge."),
        (rewordings.short_name, "It was built by Ida Mornay in spring.", "It was built by Mornay in spring."),
        (rewordings.without_opening, "However, the ferry ran.", "The ferry ran."),
        (rewordings.without_aside, "The ferry (a steamer) ran.", "The ferry ran."),
        (rewordings.without_adverb, "It was hardly used.", None),
        (rewordings.number_form, "It was built in 1934.", None),
    ],
)
def test_a_rewording_keeps_the_meaning(change: rewordings.Rewording, before: str, after: str | None) -> None:
    assert change(before, random.Random(0)) == after


def test_an_adjunct_goes_to_the_end_and_back() -> None:
    behind = "The Harlan Bridge was opened to traffic in 1934."
    before = "In 1934, the Harlan Bridge was opened to traffic."
    found = {rewordings.clause_order(before, random.Random(seed)) for seed in range(8)}
    assert behind in found
    assert rewordings.clause_order(behind, random.Random(0)) == before
