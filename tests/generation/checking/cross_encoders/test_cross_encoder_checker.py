"""A checker that is a cross-encoder: the contract, and how evidence reaches the model."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from generation.checking.calibration import Calibration
from generation.checking.checker import Checker
from generation.checking.cross_encoders.cross_encoder_checker import CHUNK_TOKENS, MOST_CHUNKS, CrossEncoderChecker
from generation.checking.cross_encoders.pair_models import ModelSource, Pair, PairModel, load_pair_model
from retrieval.lexical import LexicalEncoder
from tests.generation.checking.checker_contract import BADGE, LEAVE, CheckerContract, checked_by, long_context
from tests.generation.checking.reading_module import reading_cross_encoder
from tests.generation.passage_making import passage

LEXICAL = LexicalEncoder("english", 80.0)
CALIBRATION = Calibration.none("cross-encoder:reading", "1")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> PairModel:
    folder = reading_cross_encoder(tmp_path_factory.mktemp("models") / "reading")
    return load_pair_model(ModelSource(str(folder), trust_remote_code=True))


@pytest.fixture(scope="module")
def checker(model: PairModel) -> Checker:
    return CrossEncoderChecker(lambda: model, LEXICAL, CALIBRATION)


class TestCrossEncoderChecker(CheckerContract):
    pass


class Watched:
    """The real model, which also tells what it was given."""

    def __init__(self, model: PairModel) -> None:
        self._model = model
        self.max_tokens = model.max_tokens
        self.pairs: list[Pair] = []

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._model.count_tokens(texts)

    def supported(self, pairs: Sequence[Pair]) -> list[float]:
        self.pairs.extend(pairs)
        return self._model.supported(pairs)


def test_of_a_long_context_the_model_reads_the_chunks_most_like_the_claim(model: PairModel) -> None:
    watched = Watched(model)
    checker = CrossEncoderChecker(lambda: watched, LEXICAL, CALIBRATION)
    text = long_context(holding="Annual leave is 28 days a year.")
    assert checked_by(checker, "There are 28 days of annual leave a year.", passage(text)).verdict.supported
    assert 1 < len(watched.pairs) <= MOST_CHUNKS
    evidence = [evidence for evidence, _ in watched.pairs]
    assert sum("Annual leave is 28 days a year." in one for one in evidence) >= 1
    assert max(model.count_tokens(evidence)) <= CHUNK_TOKENS


def test_quotations_and_what_claims_nothing_cost_no_call(model: PairModel) -> None:
    watched = Watched(model)
    checker = CrossEncoderChecker(lambda: watched, LEXICAL, CALIBRATION)
    assert checked_by(checker, "The canteen closes at two.", passage(LEAVE)).verdict.score == 1.0
    assert not checked_by(checker, "Here is a list:", passage(LEAVE)).verdict.is_claim
    assert watched.pairs == []


def test_every_passage_that_supports_is_named_best_first(checker: Checker) -> None:
    both = [passage(BADGE, document="a"), passage(LEAVE, document="b"), passage(f"Notice. {BADGE}", document="c")]
    checked = checked_by(checker, "The security office replaces a lost badge.", *both)
    assert [support.passage.chunk.document_id for support in checked.supports] == ["a", "c"]
    assert [support.text for support in checked.supports] == ["A lost badge is replaced by the security office."] * 2


def test_the_model_is_loaded_once_and_only_when_it_is_needed(model: PairModel) -> None:
    loads = []

    def load() -> PairModel:
        loads.append(1)
        return model

    checker = CrossEncoderChecker(load, LEXICAL, CALIBRATION)
    checked_by(checker, "The canteen closes at two.", passage(LEAVE))
    assert loads == []
    for _ in range(3):
        checked_by(checker, "The canteen closes at 2.", passage(LEAVE))
    assert loads == [1]


def test_probabilities_are_those_of_the_calibration(model: PairModel) -> None:
    from generation.checking.calibration import KindCalibration

    strict = Calibration("cross-encoder:reading", "1", {"any": KindCalibration(1.0, -5.0, 0.5, "strict", 1, 1)})
    checker = CrossEncoderChecker(lambda: model, LEXICAL, strict)
    verdict = checked_by(checker, "The canteen closes at 2.", passage(LEAVE)).verdict
    assert verdict.score == pytest.approx(strict.apply("any", 0.97))
    assert not verdict.supported


def test_evidence_with_more_than_fits_is_cut_where_sentences_end(model: PairModel, tmp_path: Path) -> None:
    watched = Watched(model)
    watched.max_tokens = 128
    checker = CrossEncoderChecker(lambda: watched, LEXICAL, CALIBRATION)
    sentences = [f"The gate number {number} opens at {number % 12} in the morning." for number in range(12)]
    checked_by(checker, "Gate number 7 opens at 7.", passage(" ".join(sentences)))
    assert len(watched.pairs) > 1
    for evidence, _ in watched.pairs:
        assert evidence.startswith("The gate") and evidence.endswith(".")
        assert model.count_tokens([evidence])[0] <= 64
    for left, right in itertools.pairwise(sentences):
        assert any(left in evidence and right in evidence for evidence, _ in watched.pairs)
