"""What every checker promises. A test module gives a fixture `checker` and calls `CheckerContract`'s tests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from generation.checking.checker import Checker
from tests.generation.passage_making import passage

LEAVE = "Visitors sign in at the gate. Annual leave is 28 days a year. The canteen closes at two."
BADGE = "A lost badge is replaced by the security office. It costs 15 euros."
UNRELATED = "Photosynthesis converts sunlight into chemical energy inside chloroplasts."


class CheckerContract:
    def test_what_stands_in_a_passage_is_supported(self, checker: Checker) -> None:
        first, second = passage(BADGE, document="badge"), passage(LEAVE, document="leave", start=100)
        checked = checker.against([first, second]).check("Annual leave is 28 days a year.", (7, 38))
        assert checked.verdict.supported
        assert checked.verdict.is_claim
        assert checked.verdict.score >= checker.info.threshold
        assert checked.verdict.span == (7, 38)
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
