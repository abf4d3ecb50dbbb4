"""The verbatim checker, and the verdict on a whole answer."""

from __future__ import annotations

import pytest

from generation.answers import CheckerInfo, SentenceVerdict
from generation.checking.checker import Checker, VerbatimChecker, overall
from tests.generation.checking.checker_contract import CheckerContract

INFO = CheckerInfo("test", "1", 0.5)


@pytest.fixture
def checker() -> Checker:
    return VerbatimChecker()


class TestVerbatimChecker(CheckerContract):
    READS_MEANING = False


def test_an_answer_is_as_good_as_its_weakest_claim() -> None:
    verdicts = [
        SentenceVerdict((0, 5), True, 0.9, True),
        SentenceVerdict((6, 9), True, 0.2, False),
        SentenceVerdict((10, 12), False, 0.0, False),
    ]
    whole = overall(verdicts, INFO)
    assert (whole.score, whole.supported, whole.unsupported_spans) == (0.2, False, ((6, 9),))


def test_an_answer_without_claims_is_supported() -> None:
    assert overall([SentenceVerdict((0, 5), False, 1.0, True)], INFO).supported
