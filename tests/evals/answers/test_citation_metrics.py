from __future__ import annotations

from collections.abc import Sequence

import pytest

from evals.answers.citation_metrics import Statement, citation_scores

NEEDS = {"both": {"a", "b"}, "a alone": {"a"}, "nothing there": {"absent"}}


def entails(cited: Sequence[str], statement: str) -> bool:
    return NEEDS[statement] <= set(cited)


@pytest.mark.parametrize(
    ("statement", "cited", "recall", "precise"),
    [
        ("a alone", ("a",), 1, 1),
        ("a alone", ("b",), 0, 0),
        ("a alone", (), 0, 0),
        ("both", ("a", "b"), 1, 2),  # neither alone, and neither can be left out
        ("a alone", ("a", "b"), 1, 1),  # b alone says nothing, and a does without it
        ("both", ("a", "b", "c"), 1, 2),
        ("nothing there", ("a", "b"), 0, 0),
    ],
)
def test_a_citation_is_precise_when_it_is_needed(
    statement: str, cited: tuple[str, ...], recall: int, precise: int
) -> None:
    scores = citation_scores([Statement(statement, cited)], entails)
    assert scores == (recall, precise / len(cited) if cited else 0.0)


def test_an_answer_is_scored_over_its_statements_and_citations() -> None:
    statements = [Statement("both", ("a", "b")), Statement("a alone", ("a", "c")), Statement("a alone", ())]
    assert citation_scores(statements, entails) == (pytest.approx(2 / 3), pytest.approx(3 / 4))
    assert citation_scores([], entails) is None
