"""The default checker."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from generation.checking.checker import Checker
from generation.checking.claim_features import MOST_EMBEDDED
from generation.checking.groundedness_checker import GroundednessChecker
from generation.checking.groundedness_model import GroundednessModel
from retrieval.assembly import build_embedder
from retrieval.embedding import Embedder, Embedding
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage
from runtime.settings import Settings
from tests.generation.checking.checker_contract import BADGE, LEAVE, CheckerContract
from tests.generation.passage_making import passage

LEXICAL = LexicalEncoder("english", 80.0)
TABLE = "| Product | 2019 | 2018 |\n| --- | --- | --- |\n| Lamps | 1,200 | 900 |\n| Chairs | 310 | 280 |"


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return build_embedder(Settings())


@pytest.fixture(scope="module")
def checker(embedder: Embedder) -> Checker:
    return GroundednessChecker(embedder, LEXICAL, GroundednessModel.load())


class CountingEmbedder:
    """The real one, which also tells what it was given."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name, self.dimension = embedder.name, embedder.dimension
        self.token_dimension, self.max_tokens = embedder.token_dimension, embedder.max_tokens
        self.embedded: list[str] = []

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._embedder.count_tokens(texts)

    def embed_passages(
        self, texts: Sequence[str], on_progress: Callable[[float], None] | None = None
    ) -> list[Embedding]:
        self.embedded.extend(texts)
        return self._embedder.embed_passages(texts, on_progress)

    def embed_query(self, text: str) -> Embedding:
        self.embedded.append(text)
        return self._embedder.embed_query(text)

    def embed_queries(self, texts: Sequence[str]) -> list[Embedding]:
        self.embedded.extend(texts)
        return self._embedder.embed_queries(texts)


class TestGroundednessChecker(CheckerContract):
    pass


def score(checker: Checker, sentence: str, *passages: Passage) -> float:
    return checker.against(passages).check(sentence, (0, len(sentence))).verdict.score


@pytest.mark.parametrize(
    "claim",
    [
        "You have 28 days of annual leave a year.",
        "Annual leave is twenty-eight days a year.",
        "The canteen closes at 2.",
        "At the gate, visitors sign in.",
    ],
)
def test_reworded_claims_are_supported(checker: Checker, claim: str) -> None:
    assert score(checker, claim, passage(LEAVE)) >= checker.info.threshold


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Annual leave amounts to 28 days a year.", "Annual leave amounts to 30 days a year."),
        ("Lost badges cost 15 euros.", "Lost badges cost 50 euros."),
        ("The security office replaces a lost badge.", "In Lisbon, the Porter Company replaces a lost badge."),
        ("The security office replaces a lost badge.", "The security office never replaces a lost badge."),
    ],
)
def test_another_number_name_or_a_denial_costs(checker: Checker, right: str, wrong: str) -> None:
    evidence = [passage(LEAVE), passage(BADGE, document="badge")]
    assert score(checker, wrong, *evidence) < score(checker, right, *evidence)


def test_a_number_that_stands_nowhere_is_not_supported(checker: Checker) -> None:
    assert score(checker, "Annual leave is 30 days a year.", passage(LEAVE)) < checker.info.threshold


def test_a_table_row_is_read_with_its_columns(checker: Checker) -> None:
    checked = checker.against([passage(TABLE)]).check("In 2019, 1,200 lamps were sold.", (0, 31))
    assert checked.verdict.score > score(checker, "In 2019, 7,450 lamps were sold.", passage(TABLE))
    row = checker.against([passage(TABLE, start=50)]).check("Lamps 2019: 1,200; 2018: 900.", (0, 29)).supports[0]
    assert TABLE[row.start - 50 : row.end - 50] == row.text
    assert "1,200" in row.text


def test_what_claims_nothing_needs_no_evidence(checker: Checker) -> None:
    for sentence in ("Hello!", "The documents do not say when it opens.", "Here is a list:"):
        verdict = checker.against([passage(LEAVE)]).check(sentence, (0, len(sentence))).verdict
        assert not verdict.is_claim
        assert verdict.supported


def test_verbatim_sentences_and_non_claims_are_not_embedded(embedder: Embedder) -> None:
    counting = CountingEmbedder(embedder)
    check = GroundednessChecker(counting, LEXICAL, GroundednessModel.load()).against([passage(LEAVE)])
    check.check("Annual leave is 28 days a year.", (0, 31))
    check.check("Here is a list:", (0, 15))
    assert counting.embedded == []


def test_sentences_of_the_evidence_are_embedded_once_and_few_of_many(embedder: Embedder) -> None:
    counting = CountingEmbedder(embedder)
    checker = GroundednessChecker(counting, LEXICAL, GroundednessModel.load())
    rooms = " ".join(f"Room {number} is cleaned by team {number % 7} on Mondays." for number in range(200))
    check = checker.against([passage(rooms)])
    for claim in ("Team 3 cleans room 24 on Mondays.", "Room 24 is cleaned by team 3 every Monday."):
        check.check(claim, (0, len(claim)))
    assert len(counting.embedded) == len(set(counting.embedded))
    assert len(counting.embedded) <= 2 * (MOST_EMBEDDED + 1)
