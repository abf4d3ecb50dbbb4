"""What every checker promises. A test module gives a fixture `checker` and calls `CheckerContract`'s tests.

A checker that knows quotations only says so with `READS_MEANING = False`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from generation.answers import Span
from generation.checking.checker import Checked, Checker
from retrieval.passages import Passage
from tests.generation.passage_making import passage

LEAVE = "Visitors sign in at the gate. Annual leave is 28 days a year. The canteen closes at two."
BADGE = "A lost badge is replaced by the security office. It costs 15 euros."
TABLE = "| Item | Price | Stock |\n| --- | --- | --- |\n| Lamps | 40 | 900 |\n| Chairs | 85 | 310 |"
LIST = "What to bring on the first day:\n- your passport\n- the signed contract\n- two photographs"
UNRELATED = "Photosynthesis converts sunlight into chemical energy inside chloroplasts."


def long_context(*, holding: str, sentences: int = 400) -> str:
    """Some six thousand tokens about rooms, with one sentence in their midst."""
    rooms = [
        f"Room {100 + number} on floor {number % 9} is cleaned by team {number % 7} with machine {number % 13}."
        for number in range(sentences)
    ]
    rooms.insert(sentences // 2, holding)
    return " ".join(rooms)


def checked_by(checker: Checker, sentence: str, *passages: Passage, at: int = 0) -> Checked:
    return checker.against(passages).check(sentence, (at, at + len(sentence)))


class CheckerContract:
    READS_MEANING: ClassVar[bool] = True

    def test_what_stands_in_a_passage_is_supported(self, checker: Checker) -> None:
        first, second = passage(BADGE, document="badge"), passage(LEAVE, document="leave", start=100)
        checked = checker.against([first, second]).check("Annual leave is 28 days a year.", (7, 38))
        assert checked.verdict.supported
        assert checked.verdict.is_claim
        assert checked.verdict.score >= checker.info.threshold
        assert checked.verdict.span == (7, 38)
        assert checked.verdict.unsupported == ()
        best = checked.supports[0]
        assert best.passage is second
        assert "Annual leave is 28 days a year." in best.text
        assert LEAVE[best.start - 100 : best.end - 100] == best.text

    def test_what_stands_nowhere_is_not(self, checker: Checker) -> None:
        checked = checker.against([passage(LEAVE), passage(BADGE, document="badge")]).check(UNRELATED, (0, 74))
        assert not checked.verdict.supported
        assert checked.verdict.is_claim
        assert checked.verdict.score < checker.info.threshold
        assert checked.verdict.evidence == ()

    def test_without_passages_nothing_is_supported(self, checker: Checker) -> None:
        for passages in ([], [passage("---")]):
            checked = checker.against(passages).check(UNRELATED, (0, 74))
            assert not checked.verdict.supported
            assert checked.supports == ()

    def test_the_evidence_are_passages_that_were_given(self, checker: Checker) -> None:
        passages = [passage(LEAVE), passage(LEAVE, document="copy"), passage(BADGE, document="badge")]
        checked = checker.against(passages).check("The canteen closes at two.", (0, 26))
        known = {one.chunk.chunk_id for one in passages}
        assert checked.verdict.evidence
        assert set(checked.verdict.evidence) <= known
        assert {support.passage.chunk.chunk_id for support in checked.supports} == set(checked.verdict.evidence)
        scores = [support.score for support in checked.supports]
        assert scores == sorted(scores, reverse=True)

    def test_a_sentence_in_the_midst_of_a_long_context_is_found(self, checker: Checker) -> None:
        """Thousands of tokens in one passage: the place is found, and is not the whole."""
        text = long_context(holding="Annual leave is 28 days a year.")
        checked = checked_by(checker, "Annual leave is 28 days a year.", passage(text), passage(BADGE, document="b"))
        assert checked.verdict.supported
        best = checked.supports[0]
        assert "Annual leave is 28 days a year." in best.text
        assert len(best.text) < len(text) / 10
        assert not checked_by(checker, UNRELATED, passage(text)).verdict.supported

    @pytest.mark.parametrize(
        ("evidence", "claim"),
        [
            (LEAVE, "You have 28 days of annual leave a year."),
            (LEAVE, "Annual leave is twenty-eight days a year."),
            (LEAVE, "The canteen closes at 2."),
            (LEAVE, "“Annual leave is 28 days a year.”"),
            (LEAVE, 'The handbook says "Annual leave is 28 days a year".'),
            (BADGE, "The security office replaces a lost badge."),
            (TABLE, "The price of the chairs is 85."),
            (TABLE, "| Lamps | 40 | 900 |"),
            (LIST, "- the signed contract"),
            (LIST, "Bring the signed contract on the first day."),
        ],
    )
    def test_what_is_said_otherwise_is_supported(self, checker: Checker, evidence: str, claim: str) -> None:
        """Reworded, numbers in words, in quotation marks, out of a table's row, out of a list."""
        if not self.READS_MEANING:
            pytest.skip("knows quotations only")
        checked = checked_by(checker, claim, passage(evidence, start=30), passage(BADGE, document="other"))
        assert checked.verdict.supported, checked.verdict
        for support in checked.supports:
            text, start = support.passage.context, support.passage.context_start
            assert text[support.start - start : support.end - start] == support.text

    def test_reworded_in_the_midst_of_a_long_context(self, checker: Checker) -> None:
        if not self.READS_MEANING:
            pytest.skip("knows quotations only")
        text = long_context(holding="Annual leave is 28 days a year.")
        checked = checked_by(checker, "Annual leave is twenty-eight days a year.", passage(text))
        assert checked.verdict.supported
        assert "Annual leave is 28 days a year." in checked.supports[0].text

    @pytest.mark.parametrize(
        ("evidence", "claim"),
        [
            (LEAVE, "Annual leave is 31 days a year."),
            (LEAVE, "Annual leave is thirty-one days a year."),
            (LEAVE, "“Annual leave is 31 days a year.”"),
            (TABLE, "The price of the chairs is 99."),
            (TABLE, "| Lamps | 47 | 900 |"),
            (LIST, "- a certificate of your vaccinations"),
            (long_context(holding="Annual leave is 28 days a year."), "Annual leave is 31 days a year."),
        ],
    )
    def test_what_differs_is_not_supported(self, checker: Checker, evidence: str, claim: str) -> None:
        checked = checked_by(checker, claim, passage(evidence), at=11)
        assert checked.verdict.is_claim
        assert not checked.verdict.supported, checked.verdict
        assert checked.verdict.score < checker.info.threshold
        assert_inside(checked.verdict.unsupported, checked.verdict.span)

    def test_the_score_tells_the_verdict(self, checker: Checker) -> None:
        """A claim is supported exactly when its score reaches the threshold that answers show, and has evidence then."""
        claims = ["Annual leave is 28 days a year.", "Leave is 28 days.", "It is 9 days.", UNRELATED, "Two badges."]
        for claim in claims:
            verdict = checked_by(checker, claim, passage(LEAVE), passage(BADGE, document="badge")).verdict
            assert 0 <= verdict.score <= 1
            assert verdict.supported == (verdict.score >= checker.info.threshold) == bool(verdict.evidence)
            assert not (verdict.supported and verdict.unsupported)

    def test_asked_again_it_says_the_same(self, checker: Checker) -> None:
        passages = [passage(LEAVE), passage(BADGE, document="badge"), passage(TABLE, document="table")]
        for claim in ("You have 28 days of annual leave.", "Chairs cost 85.", UNRELATED):
            first, again = (checked_by(checker, claim, *passages) for _ in range(2))
            assert first.verdict == again.verdict
            assert first.supports == again.supports

    def test_many_threads_get_what_one_gets(self, checker: Checker) -> None:
        sentences = [
            "Annual leave is 28 days a year.",
            "Every year you have 28 days of annual leave.",
            "The security office replaces lost badges.",
            UNRELATED,
        ] * 6
        passages = [passage(LEAVE), passage(BADGE, document="badge")]
        alone = [checker.against(passages).check(sentence, (0, len(sentence))) for sentence in sentences]
        shared = checker.against(passages)
        with ThreadPoolExecutor(8) as threads:
            together = list(threads.map(lambda sentence: shared.check(sentence, (0, len(sentence))), sentences))
        assert [one.verdict.supported for one in together] == [one.verdict.supported for one in alone]
        assert [one.verdict.evidence for one in together] == [one.verdict.evidence for one in alone]


def assert_inside(spans: tuple[Span, ...], sentence: Span) -> None:
    """Spans in order, none empty, none beyond the sentence."""
    place = sentence[0]
    for start, end in spans:
        assert place <= start < end <= sentence[1]
        place = end
