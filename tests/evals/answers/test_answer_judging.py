"""Real answers of the platform, judged by its own embedding model and checker."""

from __future__ import annotations

import copy
import functools
from typing import Any

import pytest

from evals.answers.answer_judging import AnswerJudge
from evals.assembly import passages_of, reading_by
from evals.cases import AnswerCase, ContextText
from generation.checking.checker import VerbatimChecker
from retrieval.assembly import build_embedder
from retrieval.embedding import Embedder
from runtime.settings import Settings

TEXTS = (
    ContextText(
        "ferry", "Ferry", "The night ferry leaves the north pier at eleven and reaches the island before dawn."
    ),
    ContextText("crane", "Crane", "The harbour crane lifts containers of forty tonnes. Its operator needs a licence."),
)
CASE = AnswerCase("1", "When does the night ferry leave the north pier?", TEXTS, ("at eleven",), True)


@functools.cache
def embedder() -> Embedder:
    return build_embedder(Settings())


@functools.cache
def answer() -> dict[str, Any]:
    with reading_by(Settings(), embedder()) as read:
        return dict(read(CASE, "extractive"))


@pytest.fixture
def judge() -> AnswerJudge:
    return AnswerJudge(embedder(), VerbatimChecker())


def test_quotations_are_cited_fully_and_precisely(judge: AnswerJudge) -> None:
    assert answer()["citations"] and judge.citations(answer()) == (1.0, 1.0)


def test_a_citation_of_the_wrong_passage_is_neither(judge: AnswerJudge) -> None:
    wrong = copy.deepcopy(answer())
    other = next(one["chunk_id"] for one in wrong["passages"] if one["document_name"] == "Crane")
    for citation in wrong["citations"]:
        citation["chunk_id"], citation["quote"] = other, "Its operator needs a licence."
    assert judge.citations(wrong) == (0.0, 0.0)


def test_a_needless_second_citation_costs_precision(judge: AnswerJudge) -> None:
    padded = copy.deepcopy(answer())
    first = padded["citations"][0]
    other = next(one["chunk_id"] for one in padded["passages"] if one["chunk_id"] != first["chunk_id"])
    padded["citations"] = [first, first | {"marker": 2, "chunk_id": other, "quote": "Its operator needs a licence."}]
    recall, precision = judge.citations(padded) or (None, None)
    assert precision == 0.5 and recall == 1.0


def test_what_claims_nothing_has_no_citations_to_judge(judge: AnswerJudge) -> None:
    assert judge.citations(answer() | {"refused": True, "groundedness": None}) is None
    silent = copy.deepcopy(answer())
    for sentence in silent["groundedness"]["sentences"]:
        sentence["is_claim"] = False
    assert judge.citations(silent) is None


def test_similarity_takes_the_nearest_gold_answer(judge: AnswerJudge) -> None:
    near = judge.similarity("It sails at eleven o'clock.", ["the Bank of Zurich", "departure is at eleven"])
    far = judge.similarity("It sails at eleven o'clock.", ["the Bank of Zurich"])
    assert far < 0.4 < near < 1.0
    assert judge.similarity("at eleven", ["at eleven"]) == pytest.approx(1.0, abs=1e-3)


def test_contexts_become_passages_of_their_own() -> None:
    assert [one.chunk.document_id for one in passages_of(TEXTS)] == ["ferry", "crane"]
