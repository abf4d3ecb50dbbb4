"""Citation marks of a model: kept, mended, dropped."""

from __future__ import annotations

from generation.answers import SentenceVerdict
from generation.checking.checker import Checked, Support
from generation.writing.citations import CitationCounts, CitationList, verified, with_marks
from tests.generation.passage_making import passage

LEAVE = passage("Annual leave is 28 days.", document="leave", page=3)
HOURS = passage("The canteen opens at nine.", document="hours")


def support(of: object, score: float) -> Support:
    text = of.context  # type: ignore[attr-defined]
    return Support(of, 0, len(text), text, score)  # type: ignore[arg-type]


def checked(*supports: Support, supported: bool = True) -> Checked:
    return Checked(SentenceVerdict((0, 10), True, 0.9 if supported else 0.1, supported), supports)


def cited(found: Checked, *named: str | None) -> tuple[list[str], CitationCounts]:
    result = verified(found, named, 0.5)
    return [one.passage.chunk.document_id for one in result.supports], result.counts


def test_a_mark_whose_passage_supports_the_sentence_stays() -> None:
    found = checked(support(LEAVE, 0.9), support(HOURS, 0.1))
    assert cited(found, LEAVE.chunk.chunk_id) == (["leave"], CitationCounts(kept=1))


def test_a_mark_on_the_wrong_passage_is_mended() -> None:
    found = checked(support(LEAVE, 0.9), support(HOURS, 0.1))
    assert cited(found, HOURS.chunk.chunk_id) == (["leave"], CitationCounts(mended=1, dropped=1))


def test_a_much_better_passage_is_added_before_the_named_one() -> None:
    found = checked(support(LEAVE, 0.95), support(HOURS, 0.6))
    assert cited(found, HOURS.chunk.chunk_id) == (["leave", "hours"], CitationCounts(kept=1, mended=1))


def test_a_claim_without_a_mark_gets_the_passage_that_supports_it() -> None:
    assert cited(checked(support(LEAVE, 0.9))) == (["leave"], CitationCounts(mended=1))


def test_marks_of_an_unsupported_sentence_are_dropped() -> None:
    found = checked(support(LEAVE, 0.2), supported=False)
    assert cited(found, LEAVE.chunk.chunk_id) == ([], CitationCounts(dropped=1))


def test_a_number_that_no_passage_has_is_counted_as_invented() -> None:
    found = checked(support(LEAVE, 0.9))
    assert cited(found, None, LEAVE.chunk.chunk_id) == (["leave"], CitationCounts(kept=1, invented=1))


def test_a_quote_has_one_mark_however_often_it_is_cited() -> None:
    found = CitationList()
    assert found.add([support(LEAVE, 0.9)], (0, 10)) == (1,)
    assert found.add([support(HOURS, 0.9), support(LEAVE, 0.9)], (12, 20)) == (2, 1)
    assert [(one.marker, one.answer_span) for one in found.citations] == [(1, (0, 10)), (2, (12, 20)), (1, (12, 20))]
    assert found.citations[0].quote == LEAVE.context and found.citations[0].page == 3


def test_marks_stand_behind_a_sentence_and_inside_a_row() -> None:
    assert with_marks("It is so.", (1, 2)) == "It is so. [1] [2]"
    assert with_marks("| a | b |", (1,)) == "| a | b [1] |"
    assert with_marks("It is so.", ()) == "It is so."
