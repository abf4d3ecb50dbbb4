"""Features of candidate sentences."""

from __future__ import annotations

import numpy as np
import pytest

from generation.extraction.sentence_features import FEATURES, MAX_SENTENCES, bm25_scores, gather, names_in
from retrieval.assembly import build_embedder
from retrieval.embedding import Embedder
from retrieval.lexical import LexicalEncoder
from runtime.settings import Settings
from tests.generation.passage_making import passage

LEXICAL = LexicalEncoder("english", 80.0)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return build_embedder(Settings())


def test_the_answering_sentence_leads_in_every_measure_of_likeness(embedder: Embedder) -> None:
    text = "Visitors sign in at the gate. Annual leave is 28 days a year. The canteen closes at two."
    evidence = gather("How many days of annual leave are there?", [passage(text)], embedder, LEXICAL)
    assert evidence.features.shape == (3, len(FEATURES))
    for name in ("cosine", "max_similarity", "coverage", "bm25", "kind_match"):
        assert int(np.argmax(evidence.features[:, FEATURES.index(name)])) == 1, name


def test_many_sentences_are_cut_to_the_most_promising(embedder: Embedder) -> None:
    filler = " ".join(f"Room {number} is cleaned on Mondays." for number in range(200))
    evidence = gather("Who founded Brackmere?", [passage(filler), passage("Marta founded Brackmere.", document="e")],
                      embedder, LEXICAL)  # fmt: skip
    assert len(evidence.sentences) == MAX_SENTENCES
    assert "Marta founded Brackmere." in [one.text for one in evidence.sentences]


def test_nothing_to_read(embedder: Embedder) -> None:
    assert gather("Who?", [], embedder, LEXICAL).features.shape == (0, len(FEATURES))
    assert gather("Who?", [passage("---\n\n***")], embedder, LEXICAL).sentences == []


def test_bm25_of_a_term_in_every_sentence_is_not_negative() -> None:
    scores = bm25_scores([1, 2], [[1, 2, 3], [1, 4], [1, 5]])
    assert scores.min() > 0
    assert int(np.argmax(scores)) == 0
    assert bm25_scores([1], [[], []]).tolist() == [0, 0]


def test_names_of_a_question() -> None:
    assert names_in("What does the Teal 200 cost at 7.4 pH in Lund?") == {"teal", "200", "7.4", "lund"}
    assert names_in("who wrote it") == frozenset()
