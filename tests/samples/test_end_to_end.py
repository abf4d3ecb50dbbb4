"""The sample documents through the whole platform, and every question on them.

Retrieval must find nearly everything. The extractive model can only quote: it is held to what it reaches, so that a
change for the worse is seen (`FLOOR`, a few answers below the figures in docs/benchmarks.md).
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.assembly import open_platform
from api.platform import Platform
from generation.answers import Answer, Question
from ingestion.records import Status
from retrieval.passages import Scope
from runtime.settings import Settings

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
TENANT = COLLECTION = "default"
INGEST_SECONDS = 240
FLOOR = {"fact_found": 0.97, "right": 0.50, "right_place": 0.95, "refused": 0.70}


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    question: dict[str, object]
    answer: Answer

    def says(self, text: str) -> bool:
        """Whether a text holds one of the accepted answers, as whole words."""
        answers = self.question["answers"]
        assert isinstance(answers, list)
        return any(re.search(rf"(?<![\w.,]){re.escape(flat(one))}(?!\w)", flat(text)) for one in answers)

    def in_right_place(self) -> bool:
        also = self.question.get("also") or []
        assert isinstance(also, list)
        for citation in self.answer.citations:
            if self.says(citation.quote):
                exact = (citation.document_name, citation.page) == (self.question["document"], self.question["page"])
                if exact or citation.document_name in also:
                    return True
        return False


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text.casefold())


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    opened = open_platform(Settings(data_dir=tmp_path_factory.mktemp("samples")))
    try:
        files = sorted(path for path in (SAMPLES / "documents").rglob("*") if path.is_file())
        for path in files:
            with path.open("rb") as stream:
                opened.intake.receive(TENANT, COLLECTION, path.relative_to(SAMPLES / "documents").as_posix(), stream)
        deadline = time.monotonic() + INGEST_SECONDS
        while True:
            page = opened.registry.documents(TENANT, collection=COLLECTION, limit=100)
            states = {one.name: one for one in page.documents}
            if all(one.status in (Status.READY, Status.FAILED) for one in states.values()):
                break
            assert time.monotonic() < deadline, {name: one.status for name, one in states.items()}
            time.sleep(0.2)
        assert len(states) == len(files)
        assert [one for one in states.values() if one.status is not Status.READY] == []
        yield opened
    finally:
        opened.close()


@pytest.fixture(scope="module")
def asked(platform: Platform) -> list[Asked]:
    questions = [json.loads(line) for line in (SAMPLES / "questions.jsonl").read_text().splitlines()]

    async def ask_all() -> list[Asked]:
        return [
            Asked(one, await platform.answerer.answer(Question(one["question"], Scope(TENANT, COLLECTION))))
            for one in questions
        ]

    return asyncio.run(ask_all())


def share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


@pytest.mark.timeout(400)
def test_the_fact_is_among_the_passages(asked: list[Asked]) -> None:
    found = [
        any(one.says(passage.context) for passage in one.answer.passages)
        for one in asked
        if one.question["answerable"] and one.question["kind"] != "crossing"
    ]
    assert share(found) >= FLOOR["fact_found"]


@pytest.mark.timeout(400)
def test_answers_quote_the_expected_fact_from_the_expected_page(asked: list[Asked]) -> None:
    answerable = [one for one in asked if one.question["answerable"]]
    right = [one for one in answerable if not one.answer.refused and one.says(one.answer.answer)]
    assert len(right) / len(answerable) >= FLOOR["right"], wrong(answerable, right)
    misplaced = [one.question["question"] for one in right if not one.in_right_place()]
    assert 1 - len(misplaced) / len(right) >= FLOOR["right_place"], misplaced


@pytest.mark.timeout(400)
def test_what_the_documents_do_not_say_is_refused_more_often_than_what_they_say(asked: list[Asked]) -> None:
    refused = {
        answerable: share([one.answer.refused for one in asked if one.question["answerable"] is answerable])
        for answerable in (True, False)
    }
    assert refused[False] >= FLOOR["refused"], refused
    assert refused[True] <= refused[False] / 2, refused


@pytest.mark.timeout(400)
def test_every_citation_is_verbatim_where_it_says(asked: list[Asked]) -> None:
    for one in asked:
        shown = {passage.chunk.chunk_id: passage for passage in one.answer.passages}
        for citation in one.answer.citations:
            passage = shown[citation.chunk_id]
            start, end = (offset - passage.context_start for offset in citation.quote_span)
            assert passage.context[start:end] == citation.quote
            assert one.answer.answer[slice(*citation.answer_span)] == citation.quote
        assert one.answer.refused == (not one.answer.citations)
        assert one.answer.refused or (one.answer.groundedness is not None and one.answer.groundedness.supported)


@pytest.mark.timeout(400)
def test_a_scanned_page_is_read(asked: list[Asked]) -> None:
    scanned = [one for one in asked if one.question["kind"] == "scanned"]
    assert scanned
    assert all(any(one.says(passage.context) for passage in one.answer.passages) for one in scanned)


def wrong(answerable: list[Asked], right: list[Asked]) -> list[object]:
    return [one.question["question"] for one in answerable if one not in right]
