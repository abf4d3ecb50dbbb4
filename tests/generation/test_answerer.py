"""The way of a question, over real passages and the real extractive model."""

from __future__ import annotations

import asyncio

import pytest

from generation.answerer import MAX_QUESTION_CHARACTERS, Answerer
from generation.answers import (
    AnswerDone,
    AnswerEvent,
    Delta,
    InvalidQuestion,
    PassagesFound,
    Question,
    SentenceChecked,
)
from generation.assembly import build_answerer
from generation.checking.checker import VerbatimChecker
from generation.language_models.model import UnknownModel
from retrieval.assembly import build_embedder
from retrieval.passages import Passage, Scope, StoredChunk
from retrieval.retriever import SearchResult
from runtime.settings import Settings
from tests.generation.passage_making import passage

LEAVE = passage(
    "Annual leave is 28 days a year for full-time employees. The canteen closes at two.", document="handbook", page=7
)


class Finds:
    def __init__(self, *passages: Passage) -> None:
        self.passages = passages

    def search(self, text: str, scope: Scope, top_k: int) -> SearchResult:
        return SearchResult(self.passages[:top_k], {"retrieve": 1.0, "rerank": 0.5})


@pytest.fixture(scope="module")
def answerer() -> Answerer:
    return build_answerer(Settings(), Finds(LEAVE), build_embedder(Settings()))


def events(answerer: Answerer, question: Question) -> list[AnswerEvent]:
    async def collect() -> list[AnswerEvent]:
        return [event async for event in answerer.stream(question)]

    return asyncio.run(collect())


def test_an_answer_is_verbatim_cited_and_grounded(answerer: Answerer) -> None:
    answer = asyncio.run(answerer.answer(Question("How many days of annual leave are there?", Scope("t"))))
    assert not answer.refused
    assert answer.answer.startswith("Annual leave is 28 days a year for full-time employees. [1]")
    citation = answer.citations[0]
    assert (citation.document_name, citation.page, citation.marker) == ("handbook.md", 7, 1)
    assert answer.answer[slice(*citation.answer_span)] == citation.quote
    assert LEAVE.chunk.text[slice(*citation.quote_span)] == citation.quote
    assert answer.groundedness is not None
    assert answer.groundedness.supported
    assert answer.groundedness.sentences[0].evidence == (LEAVE.chunk.chunk_id,)
    assert answer.usage.cost_usd == 0
    assert set(answer.timings_ms) == {"retrieve", "rerank", "generate", "check", "total"}


def test_a_question_that_the_passages_do_not_answer_is_refused(answerer: Answerer) -> None:
    answer = asyncio.run(answerer.answer(Question("Which bank finances the new harbour bridge?", Scope("t"))))
    assert answer.refused
    assert answer.citations == ()
    assert answer.groundedness is None
    assert [one.chunk.document_id for one in answer.passages] == ["handbook"]
    assert "do not answer" in answer.answer


def test_the_stream_adds_up_to_the_answer(answerer: Answerer) -> None:
    seen = events(answerer, Question("How many days of annual leave are there?", Scope("t")))
    assert isinstance(seen[0], PassagesFound)
    assert isinstance(seen[-1], AnswerDone)
    final = seen[-1].answer
    assert "".join(event.text for event in seen if isinstance(event, Delta)) == final.answer
    verdicts = tuple(event.verdict for event in seen if isinstance(event, SentenceChecked))
    assert final.groundedness is not None
    assert verdicts == final.groundedness.sentences


def test_given_passages_are_the_only_ones_read(answerer: Answerer) -> None:
    other = passage("Annual leave at Orrin is 31 days a year.", document="orrin")
    question = Question("How many days of annual leave are there?", Scope("t"), passages=(other,))
    answer = asyncio.run(answerer.answer(question))
    assert [one.document_id for one in answer.citations] == ["orrin"]


def test_no_passages_at_all_is_a_refusal() -> None:
    nothing = build_answerer(Settings(), Finds(), build_embedder(Settings()))
    assert asyncio.run(nothing.answer(Question("Anything?", Scope("t")))).refused


@pytest.mark.parametrize("text", ["", " \n\t ", "x" * (MAX_QUESTION_CHARACTERS + 1)])
def test_questions_that_cannot_be_answered(answerer: Answerer, text: str) -> None:
    with pytest.raises(InvalidQuestion):
        asyncio.run(answerer.answer(Question(text, Scope("t"))))


def test_an_unknown_model_is_named(answerer: Answerer) -> None:
    with pytest.raises(UnknownModel, match="gpt-9"):
        asyncio.run(answerer.answer(Question("Anything?", Scope("t"), model="gpt-9")))


def test_what_is_not_verbatim_is_not_supported() -> None:
    verdict = VerbatimChecker().against([LEAVE]).check("Annual leave is 30 days a year.", (0, 31)).verdict
    assert (verdict.supported, verdict.score, verdict.evidence) == (False, 0.0, ())


def test_a_cited_neighbour_of_a_found_chunk_is_shown_too() -> None:
    texts = ["The canteen closes at two and the kitchen at three.", "Annual leave is 28 days a year for everybody."]
    chunks, start = [], 0
    for ordinal, text in enumerate(texts):
        chunks.append(
            StoredChunk("t", "c", "d", 1, "d.md", ordinal, text, start, start + len(text), ordinal + 1, (), (0, 1))
        )
        start += len(text) + 1
    hit = Passage(chunks[0], 1.0, {}, " ".join(texts), 0, tuple(chunks))
    answerer = build_answerer(Settings(), Finds(hit), build_embedder(Settings()))
    answer = asyncio.run(answerer.answer(Question("How many days of annual leave are there?", Scope("t"))))
    assert answer.citations[0].page == 2
    assert [one.chunk.ordinal for one in answer.passages] == [0, 1]
    assert answer.citations[0].chunk_id == answer.passages[1].chunk.chunk_id
