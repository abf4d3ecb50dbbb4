"""What differs between a claim and its evidence."""

from __future__ import annotations

import pytest

from generation.checking.contradiction.structured_checks import Mismatch, mismatches
from generation.checking.coverage.read_words import WordReader
from retrieval.lexical import LexicalEncoder

READER = WordReader(LexicalEncoder("english", 80.0))


def found(claim: str, *evidence: str) -> set[tuple[str, str]]:
    """(kind, the words of the claim) of everything that is found."""
    each = mismatches(READER.read(claim), [READER.read(one) for one in evidence], list(Mismatch), READER.stem)
    return {(one.kind.value, claim[one.span[0] : one.span[1]]) for one in each}


@pytest.mark.parametrize(
    ("evidence", "claim", "kind", "words"),
    [
        ("The lease runs for 36 months.", "The lease runs for 24 months.", "number_differs", "24"),
        ("The lease runs for three years.", "The lease runs for five years.", "number_differs", "five"),
        ("The bridge was opened in 1931.", "The bridge was opened in 1913.", "number_differs", "1913"),
        ("Sales rose by 4.2%.", "Sales rose by 4.7 percent.", "number_differs", "4.7"),
        ("The pump is quiet.", "The pump has run for 9,000 hours.", "number_absent", "9,000"),
        ("The pass is 12 km long.", "The pass is 12 miles long.", "unit_differs", "12"),
        ("The contract is worth $40 million.", "The contract is worth €40 million.", "unit_differs", "40 million"),
        ("The plant in Ulm employs 300 people.", "The plant in Jena employs 300 people.", "name_differs", "Jena"),
        ("The board met on Tuesday.", "The board met on Friday.", "name_differs", "Friday"),
        ("The mill was sold.", "The mill was sold to Hartmann.", "name_absent", "Hartmann"),
        ("The valve is safe to open.", "The valve is not safe to open.", "negation", "not safe"),
        ("Guests may not smoke in the hall.", "Guests may smoke in the hall.", "negation", "smoke"),
        ("The new tariff increased costs.", "The new tariff reduced costs.", "opposite", "reduced"),
        ("Use the upper inlet of the tank.", "Use the lower inlet of the tank.", "opposite", "lower"),
        ("The form is complete.", "The form is incomplete.", "opposite", "incomplete"),
        ("The drug may cause headaches.", "The drug will cause headaches.", "certainty", "will"),
        ("Some members voted for it.", "All members voted for it.", "quantifier", "All"),
        ("Voss sued Lindgren.", "Lindgren sued Voss.", "roles", "Lindgren sued Voss"),
        (
            "The clinic opens at eight.",
            "The clinic opens at eight and offers free parking spaces nearby.",
            "inserted",
            "offers free parking spaces nearby",
        ),
    ],
)
def test_what_differs_is_found_in_its_place(evidence: str, claim: str, kind: str, words: str) -> None:
    assert (kind, words) in found(claim, evidence)


@pytest.mark.parametrize(
    ("evidence", "claim"),
    [
        ("The lease runs for 36 months.", "The lease runs for thirty-six months."),
        ("It cost $1,791.8 million.", "It cost 1.8 billion dollars."),
        ("There were 53 guests.", "There were about 50 guests."),
        ("Half of the staff left.", "50% of the staff left."),
        ("A mine in China closed.", "A Chinese mine closed."),
        ("CNNs are used.", "A CNN is used."),
        ("They found no evidence of theft.", "They have not found any evidence of theft."),
        ("The valve is not safe.", "The valve isn't safe."),
        ("Guests may not smoke.", "Guests cannot smoke."),
        ("Voss was sued by Lindgren.", "Lindgren sued Voss."),
        ("All members of the board voted.", "All members of the board voted for it."),
        ("Ines and Tom plan a trip.", "Two friends, Ines and Tom, plan a trip."),
    ],
)
def test_what_is_the_same_in_other_words_is_not(evidence: str, claim: str) -> None:
    assert found(claim, evidence) <= {("certainty", "is")}


def test_only_the_kinds_asked_for() -> None:
    claim, evidence = READER.read("In 1913, Jena was not rebuilt."), READER.read("In 1931, Ulm was rebuilt.")
    kinds = {one.kind for one in mismatches(claim, [evidence], [Mismatch.NEGATION], READER.stem)}
    assert kinds == {Mismatch.NEGATION}
