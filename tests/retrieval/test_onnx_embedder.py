"""The ONNX graph against sentence-transformers, which runs the same weights."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.assembly import build_embedder
from retrieval.embedding import Embedder
from runtime.settings import Settings

TEXTS = [
    "The warranty of a class B instrument is 36 months.",
    "Hotel costs are refunded up to 140 euros a night.",
    "Ça coûte 12 €, n’est-ce pas?",
    "word " * 600,
    "",
    "Calibrate the turbidity sensor with a 40 NTU standard before each campaign, and note the batch number.",
]


@pytest.fixture(scope="module")
def exact() -> Embedder:
    return build_embedder(Settings(embedding_backend="onnx-fp32"))


@pytest.fixture(scope="module")
def default() -> Embedder:
    return build_embedder(Settings())


@pytest.fixture(scope="module")
def reference() -> Embedder:
    return build_embedder(Settings(embedding_backend="sentence-transformers"))


def dense(embedder: Embedder, texts: list[str]) -> NDArray[np.float32]:
    return np.stack([embedding.dense for embedding in embedder.embed_passages(texts)])


def test_fp32_gives_what_sentence_transformers_gives(exact: Embedder, reference: Embedder) -> None:
    np.testing.assert_allclose(dense(exact, TEXTS), dense(reference, TEXTS), atol=2e-5)
    np.testing.assert_allclose(exact.embed_query(TEXTS[0]).dense, reference.embed_query(TEXTS[0]).dense, atol=2e-5)
    assert exact.count_tokens(TEXTS) == reference.count_tokens(TEXTS)
    assert (exact.max_tokens, exact.dimension) == (reference.max_tokens, reference.dimension)


def test_int8_stays_close(exact: Embedder, default: Embedder) -> None:
    cosines = (dense(exact, TEXTS) * dense(default, TEXTS)).sum(axis=1)
    assert cosines.min() > 0.97


def test_an_embedding_does_not_depend_on_its_batch(default: Embedder) -> None:
    together = dense(default, TEXTS)
    for position in (0, 1, 5):
        # The scale of dynamic quantization is that of the whole batch, hence not to the last bit.
        assert float(together[position] @ dense(default, [TEXTS[position]])[0]) > 0.98


def test_vectors_have_length_one_and_tokens_are_pooled(default: Embedder) -> None:
    for text, embedding in zip(TEXTS, default.embed_passages(TEXTS), strict=True):
        assert np.linalg.norm(embedding.dense) == pytest.approx(1, abs=1e-4)
        tokens = min(default.count_tokens([text])[0], default.max_tokens - 2)
        assert embedding.tokens.shape == (-(-tokens // 3), default.token_dimension)
        np.testing.assert_allclose(np.linalg.norm(embedding.tokens, axis=1), 1, atol=1e-4)
    assert len(default.embed_query(TEXTS[0]).tokens) == default.count_tokens(TEXTS[:1])[0]


def test_progress_ends_at_one_and_an_error_in_it_passes_through(default: Embedder) -> None:
    seen: list[float] = []
    default.embed_passages(TEXTS, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1)

    def cancel(share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        default.embed_passages(TEXTS, cancel)


def test_nothing_to_embed(default: Embedder) -> None:
    assert default.embed_passages([]) == []
    assert default.count_tokens([]) == []
