"""From features to a probability."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from generation.checking.claim_features import FEATURES
from generation.checking.coverage.evidence_windows import EvidenceWindows
from generation.checking.coverage.read_words import WordReader
from generation.checking.groundedness_model import GroundednessModel, TextKind, kind_of, log_odds_of
from retrieval.lexical import LexicalEncoder
from tests.generation.passage_making import passage

MODEL = GroundednessModel.load()
LEXICAL = LexicalEncoder("english", 80.0)


def values(**features: float) -> np.ndarray:
    well_covered = {"alignment": 0.95, "alignment_by_all": 0.95, "word_pairs": 0.7} | features
    return np.array([[well_covered.get(name, 0.0) for name in FEATURES]])


def kind(*texts: str) -> TextKind:
    passages = [passage(text, document=str(number)) for number, text in enumerate(texts)]
    return kind_of(EvidenceWindows(passages, LEXICAL, WordReader(LEXICAL)))


def test_the_kind_of_text_is_seen_from_the_evidence() -> None:
    sentence = "The gate is shut at nine."
    assert kind(sentence, "The canteen is open.") is TextKind.RETRIEVED
    assert kind(sentence) is TextKind.PASSAGE
    assert kind(" ".join([sentence] * 9)) is TextKind.DOCUMENT


@pytest.mark.parametrize("kind", list(TextKind))
def test_a_wrong_number_is_never_supported_whatever_else_speaks_for_it(kind: TextKind) -> None:
    right = MODEL.log_odds(values(), kind, 5.0).max()
    wrong = MODEL.log_odds(values(number_differs=1.0), kind, 5.0).max()
    assert right > log_odds_of(MODEL.kinds[kind].threshold) > wrong


@pytest.mark.parametrize("kind", list(TextKind))
def test_what_the_evidence_does_not_speak_of_is_not_supported(kind: TextKind) -> None:
    away = values(alignment=0.35, alignment_by_all=0.4, word_pairs=0.0)
    assert MODEL.log_odds(away, kind).max() < log_odds_of(MODEL.kinds[kind].threshold)


@pytest.mark.parametrize("kind", list(TextKind))
def test_doubts_of_the_head_lower_the_score_and_most_in_copies(kind: TextKind) -> None:
    def lost(pairs: float) -> float:
        own = values(word_pairs=pairs)
        return float((MODEL.log_odds(own, kind, 5.0) - MODEL.log_odds(own, kind, -5.0)).max())

    assert 0 < lost(0.2) < lost(0.9)


def test_it_is_kept_as_json(tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_text(json.dumps(MODEL.to_json()))
    again = GroundednessModel.load(file)
    assert again.kinds == MODEL.kinds
    assert np.array_equal(again.coefficients, MODEL.coefficients)
    assert MODEL.threshold == min(weights.threshold for weights in MODEL.kinds.values())


def test_a_model_of_other_features_is_refused(tmp_path: Path) -> None:
    other = MODEL.to_json() | {"coefficients": {"cosine": 1.0}}
    (tmp_path / "model.json").write_text(json.dumps(other))
    with pytest.raises(ValueError, match="fit_groundedness"):
        GroundednessModel.load(tmp_path / "model.json")


def test_without_a_head_in_any_kind_none_is_needed() -> None:
    kinds = {kind: dataclasses.replace(weights, head=0.0) for kind, weights in MODEL.kinds.items()}
    assert not dataclasses.replace(MODEL, kinds=kinds).uses_head
