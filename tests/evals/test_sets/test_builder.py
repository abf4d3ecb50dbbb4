from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from evals.test_sets.builder import DraftPlan, NothingToAsk, draft, select
from evals.test_sets.candidates import candidates, copied_share
from evals.test_sets.items import TestItem
from evals.test_sets.unanswerable import unanswerable
from evals.test_sets.vocabulary import Vocabulary
from retrieval.passages import StoredChunk

PAGES = {
    "sonde.md": [
        "The Teal 400 was introduced in 2019. The Teal 400 collects readings from up to six heads.",
        "| Head | Accuracy | List price EUR |\n|---|---|---|\n| DO-3 | 0.1 mg/l | 1240 |\n| PH-3 | 0.1 pH | 980 |",
    ],
    "handbook.md": [
        "Birgit Olsen founded Brackmere Instruments in 2009. Employees of Brackmere receive 28 days of leave.",
        "The Lund office was opened on 3 May 2014 by Marit Ellingsgaard.",
    ],
    "people.md": ["Owen Tarrabain founded Castelmetal in 1987. The contract ends on 30 June 2025."],
}


def chunks_of(pages: dict[str, list[str]] = PAGES) -> list[StoredChunk]:
    return [
        StoredChunk(
            tenant="t",
            collection="c",
            document_id=name,
            version=1,
            document_name=name,
            ordinal=ordinal,
            text=text,
            start=0,
            end=len(text),
            page=None,
            heading_path=(),
            parent=(0, 0),
        )
        for name, texts in pages.items()
        for ordinal, text in enumerate(texts)
    ]


def test_every_answer_stands_in_its_evidence_and_documents_take_turns() -> None:
    chunks = {chunk.chunk_id: chunk for chunk in chunks_of()}
    items = draft(list(chunks.values()), DraftPlan(6, unanswerable=0))
    assert [item.id for item in items] == [f"q{number:03}" for number in range(1, 7)]
    for item in items:
        (evidence,) = item.evidence
        assert item.answerable and item.answers[0] in evidence.quote
        assert evidence.quote in chunks[evidence.chunk_id].text
        assert item.answers[0].casefold() not in item.question.casefold()
    assert {item.evidence[0].document_name for item in items[:3]} == set(PAGES)
    assert len({item.question for item in items}) == 6


def test_what_does_not_name_itself_is_asked_by_the_documents_title() -> None:
    chunks = chunks_of({"p.md": ["The contract ends on 30 June 2025."]})
    (item,) = draft(chunks, DraftPlan(3, unanswerable=0), titles={"p.md": "Minutes of May"})
    assert item.question == "According to “Minutes of May”, when does the contract end?"


def test_the_same_plan_gives_the_same_set_and_another_seed_another() -> None:
    sets = [draft(chunks_of(), DraftPlan(5, 0.4, seed)) for seed in (1, 1, 2)]
    assert sets[0] == sets[1] and sets[0] != sets[2]


def test_unanswerable_questions_are_answered_nowhere() -> None:
    chunks = chunks_of()
    vocabulary = Vocabulary([chunk.text for chunk in chunks], [chunk.document_id for chunk in chunks])
    made = list(unanswerable(candidates(chunks, vocabulary), vocabulary, None, random.Random(0)))
    assert {one.way for one in made} >= {"other_thing"}
    known = {item.question for item in draft(chunks, DraftPlan(50, 0))}
    for one in made:
        assert one.question not in known
    asked = " ".join(one.question for one in made)
    assert "Teal 400" not in asked or "DO-" in asked
    item = next(one for one in draft(chunks, DraftPlan(4, 0.5)) if not one.answerable)
    assert item.answers == () and item.evidence == () and item.near


def test_a_person_is_exchanged_for_another_who_did_something_else() -> None:
    chunks = chunks_of()
    vocabulary = Vocabulary([chunk.text for chunk in chunks], [chunk.document_id for chunk in chunks])
    questions = {
        one.question for one in unanswerable(candidates(chunks, vocabulary), vocabulary, None, random.Random(1))
    }
    assert not any("Birgit Olsen" in one and "Brackmere" in one for one in questions)


def test_what_a_search_finds_answered_is_no_unanswerable_question() -> None:
    chunks = chunks_of()
    vocabulary = Vocabulary([chunk.text for chunk in chunks])

    def search(text: str) -> Sequence[str]:
        return [f"As everybody knows: {text}"]  # elsewhere in the collection it is answered

    assert list(unanswerable(candidates(chunks, vocabulary), vocabulary, search, random.Random(0))) == []


def test_a_question_with_two_answers_is_left_out() -> None:
    twice = {"a.md": ["The Teal 400 was sold in 2019."], "b.md": ["The Teal 400 was sold in 2021."]}
    with pytest.raises(NothingToAsk):
        draft(chunks_of(twice), DraftPlan(5, 0))


def test_near_duplicates_are_asked_once() -> None:
    twice = {"a.md": ["The Teal 400 was introduced in 2019."], "b.md": ["The Teal 400 was introduced in 2019."]}
    assert len(draft(chunks_of(twice), DraftPlan(5, 0))) == 1


def test_kinds_are_mixed() -> None:
    chunks = chunks_of(
        {"a.md": [f"The Rill {n}0 was sold in 20{n}. The Rill {n}0 has {n} ports." for n in range(10, 20)]}
    )
    vocabulary = Vocabulary([chunk.text for chunk in chunks])
    chosen = select(candidates(chunks, vocabulary), 6, random.Random(0))
    assert len({one.fact.kind for one in chosen}) == 2


def test_how_much_a_question_copies() -> None:
    assert copied_share("How many books may a member borrow?", "A member may borrow seven books.") == pytest.approx(
        2 / 7
    )
    assert copied_share("a member may borrow", "A member may borrow seven books.") == 1.0


def test_a_model_drafts_first_and_rules_fill_up() -> None:
    class Drafts:
        name = "m"

        def draft(self, chunk: StoredChunk, *, most: int) -> list[TestItem]:
            if chunk.document_name != "people.md":
                return []
            return [TestItem("", "Who started Castelmetal?", ("Owen Tarrabain",), True, "model", (), drafted_by="p m")]

    items = draft(chunks_of(), DraftPlan(4, 0), model=Drafts())
    assert items[0].question == "Who started Castelmetal?" and len(items) == 4
    assert {item.drafted_by for item in items} == {"p m", "rule"}
