from __future__ import annotations

import numpy as np
import pytest

from retrieval.lexical import B, K, LexicalEncoder
from runtime.errors import ConfigurationError
from tests.retrieval.index_world import WORDS

TEXTS = [
    "The running cats ran; a cat runs!",
    "state-of-the-art e-mail, naïve café 3.14 " + " ".join(WORDS),
    "lantern " * 3000 + "harbour",
]


@pytest.mark.parametrize("text", TEXTS)
def test_terms_explain_every_weight_of_a_passage(text: str) -> None:
    encoder = LexicalEncoder("english", mean_chunk_terms=23.0)
    terms, vector = encoder.terms(text), encoder.encode_passages([text])[0]
    ids, counts = np.unique(terms, return_counts=True)
    expected = counts * (K + 1) / (counts + K * (1 - B + B * len(terms) / 23.0))
    order = np.argsort(vector.indices)
    assert vector.indices[order].tolist() == ids.tolist()
    assert vector.values[order] == pytest.approx(expected, rel=1e-5)
    assert (vector.indices.dtype, vector.values.dtype) == (np.uint32, np.float32)


@pytest.mark.parametrize("text", [*TEXTS[:2], "lantern lantern harbour harbour", "lantern", "the", "cobalt " * 240])
def test_the_length_of_a_passage_can_be_read_from_its_vector(text: str) -> None:
    encoder = LexicalEncoder("english", mean_chunk_terms=23.0)
    assert encoder.length(encoder.encode_passages([text])[0]) == len(encoder.terms(text))


def test_stop_words_go_and_inflected_words_meet() -> None:
    encoder = LexicalEncoder("english", 10.0)
    assert encoder.terms("the of and") == []
    assert len(encoder.encode_query("the of and").indices) == 0
    assert len(set(encoder.terms("run runs running"))) == 1 and len(encoder.terms("run runs running")) == 3
    query = encoder.encode_query("cats, a cat and running")
    assert query.values.tolist() == [1.0, 1.0]
    assert set(query.indices.tolist()) < set(encoder.terms(TEXTS[0]))


def test_the_language_chooses_stemmer_and_stop_words() -> None:
    german = LexicalEncoder("german", 10.0)
    assert german.terms("der die das und") == []
    assert german.terms("Häuser") == german.terms("Häusern")


@pytest.mark.parametrize(("language", "mean"), [("klingon", 10.0), ("english", 0.0)])
def test_an_impossible_setting_is_named(language: str, mean: float) -> None:
    with pytest.raises(ConfigurationError, match="PLUMB_LANGUAGE"):
        LexicalEncoder(language, mean)
