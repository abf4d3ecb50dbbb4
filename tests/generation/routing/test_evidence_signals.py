from __future__ import annotations

import dataclasses

import pytest

from generation.routing.evidence_signals import evidence_signals
from retrieval.passages import Passage
from tests.generation.passage_making import passage


def found(text: str, document: str, score: float, dense: float, bm25: float) -> Passage:
    return dataclasses.replace(passage(text, document=document), score=score, scores={"dense": dense, "bm25": bm25})


PASSAGES = [
    found("The lease for Basel ends in May.", "a", 0.9, 0.7, 12.0),
    found("Leases are renewed.", "b", 0.6, 0.5, 3.0),
    found("Cheese is made of milk.", "c", 0.1, 0.2, 0.0),
    found("Other things.", "d", 0.05, 0.1, 1.0),
]


def test_strength_and_spread() -> None:
    signals = evidence_signals("When does the Basel lease end?", PASSAGES)
    assert (signals.passages, signals.documents, signals.dense, signals.bm25) == (4, 2, 0.7, 12.0)
    assert signals.gap == pytest.approx(1 / 3) and signals.covered == 1.0 and signals.agreement == 1.0
    assert signals.tokens == sum(len(one.context) for one in PASSAGES) // 4


def test_what_is_not_there_is_not_covered() -> None:
    assert evidence_signals("Who repairs bicycles?", PASSAGES).covered == 0.0
    assert evidence_signals("Who repairs the milk?", PASSAGES).covered == 0.5
    assert evidence_signals("What is it?", PASSAGES).covered == 1.0  # nothing to look for


def test_given_passages_have_no_scores() -> None:
    signals = evidence_signals("When does it end?", [passage("It ends in May.")])
    assert (signals.dense, signals.bm25, signals.agreement, signals.documents) == (None, None, None, 1)


def test_nothing_found() -> None:
    signals = evidence_signals("When does it end?", [])
    assert (signals.passages, signals.documents, signals.gap, signals.tokens) == (0, 0, 1.0, 0)


@pytest.mark.parametrize(
    "question, same",
    [
        ("When does the lease end?", True),
        ("Write a poem about my cat", True),
        ("Wann endet der Mietvertrag?", False),
        ("Was kostet die Miete in Basel?", False),
        ("Quelle est la durée du bail ?", False),
        ("¿Cuándo termina el contrato?", False),
    ],
)
def test_another_language_than_that_of_the_passages(question: str, same: bool) -> None:
    english = [passage("The lease for the flat in Basel ends in May, and the rent is due on the first of the month.")]
    assert evidence_signals(question, english).same_language is same
