"""The second look at the best candidates.

`LateInteraction` needs nothing but the token vectors that the index keeps: MaxSim (Khattab and Zaharia, 2020) mixed
with the fused score. `CrossEncoderReranker` reads question and passage together, with any CrossEncoder of
sentence-transformers.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from retrieval.fusion import min_max


@dataclasses.dataclass(frozen=True, slots=True)
class LateInteraction:
    """`weight` is the share of MaxSim in the mix."""

    weight: float

    def rerank(self, fused: Mapping[str, float], max_similarity: Mapping[str, float]) -> dict[str, float]:
        """Weighted mean of both scores, each brought to [0, 1] over the given candidates."""
        first, second = min_max(fused), min_max(max_similarity)
        return {key: (1 - self.weight) * first[key] + self.weight * second.get(key, 0.0) for key in fused}


class CrossEncoderReranker:
    """A sentence-transformers CrossEncoder by name or folder, loaded at first use. Thread-safe."""

    def __init__(self, model: str, device: str | None = None) -> None:
        self._name = model
        self._device = device
        self._model: Any = None
        self._loading = threading.Lock()

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """One relevance score a text, in the model's own scale."""
        with self._loading:
            if self._model is None:
                from sentence_transformers import CrossEncoder

                self._model = CrossEncoder(self._name, device=self._device)
        return [float(score) for score in self._model.predict([(question, text) for text in texts])]
