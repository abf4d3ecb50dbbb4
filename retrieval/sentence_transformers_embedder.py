"""Any sentence-transformers model, on CPU or GPU, as an `Embedder`.

Token vectors come from the model's last layer, projected on fixed random axes when they are long: late interaction then
works with every model, without a fit of its own (random projections keep dot products, Johnson and Lindenstrauss 1984).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding import Embedding
from retrieval.token_vectors import pool_tokens

BATCH_TEXTS = 32
PARTS = 8
TOKEN_DIMENSION = 128


class SentenceTransformersEmbedder:
    """`model` is a name that is in the local cache or a folder; loading imports torch, in seconds. Thread-safe."""

    def __init__(self, model: str, *, device: str | None = None) -> None:
        from sentence_transformers import SentenceTransformer

        # The stubs of the library do not know that a model is a sequence of modules.
        loaded: Any = SentenceTransformer(model, device=device)
        self._model = loaded
        self._running = threading.Lock()
        self.name = f"{model}/sentence-transformers"
        self.dimension = int(self._model.get_embedding_dimension())
        self.max_tokens = int(self._model.max_seq_length or 512)
        self._projection = _projection(int(self._model[0].get_embedding_dimension()))
        self.token_dimension = self._projection.shape[1]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        encoded = self._model.tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def embed_passages(
        self, texts: Sequence[str], on_progress: Callable[[float], None] | None = None
    ) -> list[Embedding]:
        order = sorted(range(len(texts)), key=lambda position: -len(texts[position]))
        result: dict[int, Embedding] = {}
        for start in range(0, len(order), BATCH_TEXTS * PARTS):
            part = order[start : start + BATCH_TEXTS * PARTS]
            for position, embedding in zip(part, self._embed([texts[one] for one in part]), strict=True):
                result[position] = Embedding(embedding.dense, pool_tokens(embedding.tokens))
            if on_progress is not None:
                on_progress(len(result) / len(texts))
        return [result[position] for position in range(len(texts))]

    def embed_query(self, text: str) -> Embedding:
        return self._embed([text])[0]

    def embed_queries(self, texts: Sequence[str]) -> list[Embedding]:
        return self._embed(list(texts)) if texts else []

    def _embed(self, texts: list[str]) -> list[Embedding]:
        with self._running:
            # With output_value=None each text comes as a dictionary of what the model's modules made of it.
            found = self._model.encode(texts, batch_size=BATCH_TEXTS, output_value=None, show_progress_bar=False)
        return [Embedding(_unit(_array(one["sentence_embedding"])), self._tokens(one)) for one in found]

    def _tokens(self, found: Any) -> NDArray[np.float32]:
        kept = _array(found["token_embeddings"])[_array(found["attention_mask"]) > 0]
        return _unit(kept[1:-1] @ self._projection)


def _array(tensor: Any) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().cpu().float().numpy()
    return array


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.maximum(norms, 1e-9)).astype(np.float32)
    return unit


def _projection(width: int) -> NDArray[np.float32]:
    if width <= TOKEN_DIMENSION:
        return np.eye(width, dtype=np.float32)
    axes, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(width, TOKEN_DIMENSION)))
    projection: NDArray[np.float32] = axes.astype(np.float32)
    return projection
