"""Texts to vectors: what the rest of the platform needs of an embedding model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, slots=True)
class Embedding:
    """`dense` float32 (d,) of length 1; `tokens` float32 (m, t), rows of length 1, for late interaction."""

    dense: NDArray[np.float32]
    tokens: NDArray[np.float32]


class Embedder(Protocol):
    """`name` identifies model and precision (vectors of another name cannot be compared with these)."""

    name: str
    dimension: int
    token_dimension: int
    max_tokens: int

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text in the model's own tokenizer, special tokens left out, not truncated."""

    def embed_passages(
        self, texts: Sequence[str], on_progress: Callable[[float], None] | None = None
    ) -> list[Embedding]:
        """Embed passages; a text longer than `max_tokens` is cut. `on_progress` gets the share done."""

    def embed_query(self, text: str) -> Embedding:
        """A vector for each token, none pooled."""

    def embed_queries(self, texts: Sequence[str]) -> list[Embedding]:
        """`embed_query` of each, several at once."""
