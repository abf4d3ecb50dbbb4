"""Soft alignment of a claim with its evidence: how well each token of the claim is matched in meaning.

As BERTScore's recall (Zhang et al., 2020, arXiv:1904.09675): for each token of the claim the greatest cosine with a
token of the evidence, then the mean weighted by inverse document frequency. Token vectors are the embedding model's,
each sentence of the evidence embedded alone: with its neighbours in view the tokens of a sentence look more alike, and
unsupported claims align better than they should.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generation.checking.coverage.evidence_windows import EvidenceWindows, Floats
from generation.checking.coverage.read_words import ReadText
from retrieval.embedding import Embedder, Embedding

ALIGNMENT_FEATURES = ("cosine", "alignment", "alignment_by_all", "weakest_alignment")
"""Cosine of the vectors of claim and window (best sentence, or their mean); weighted mean of the best matches in the
window, and in all sentences that were compared; mean of the worst quarter of them in the window."""

MOST_GATHERED = 5
LONGEST_GATHERED = 700
LEAST_GAIN = 0.01

_BERT_WORD = re.compile(r"[^\W_]+|[^\s]")
_STOP_WORD_WEIGHT = 0.1


class EvidenceVectors:
    """Vectors of the evidence's sentences, made when first asked for and kept. Thread-safe."""

    def __init__(self, embedder: Embedder, windows: EvidenceWindows) -> None:
        self._embedder = embedder
        self._windows = windows
        self._lock = threading.Lock()
        self._known: dict[int, Embedding] = {}

    def of(self, claim: str, wanted: set[int]) -> tuple[Embedding, dict[int, Embedding]]:
        """Vectors of the claim and of these sentences. Two threads may embed one twice; neither waits for the other."""
        missing = sorted(wanted - self._known.keys())
        if not missing:
            return self._embedder.embed_query(claim), {one: self._known[one] for one in sorted(wanted)}
        sentences = self._windows.sentences
        asked, *found = self._embedder.embed_queries([claim, *(sentences[one].read for one in missing)])
        with self._lock:
            self._known.update(zip(missing, found, strict=True))
        return asked, {one: self._known[one] for one in sorted(wanted)}


def token_weights(
    claim: str, read: ReadText, tokens: int, embedder: Embedder, windows: EvidenceWindows
) -> NDArray[np.float64]:
    """A weight for each of the claim's `tokens`, summing to 1: IDF of its word among the evidence's sentences.

    Stop words and marks count little. All alike when the model's tokens cannot be told from its words.
    """
    places = [match.span() for match in _BERT_WORD.finditer(claim)]
    counts = embedder.count_tokens([claim[start:end] for start, end in places]) if places else []
    if sum(counts) < tokens or not tokens:
        return np.full(tokens, 1.0 / max(1, tokens))
    total = len(windows.sentences)
    frequency = {
        word.stem: sum(word.stem in sentence.terms for sentence in windows.sentences)
        for word in read.words
        if word.stem is not None
    }
    weights: list[float] = []
    for (start, end), pieces in zip(places, counts, strict=True):
        word = next((one for one in read.words if one.start <= start and end <= one.end), None)
        stem = word.stem if word is not None else None
        weight = _STOP_WORD_WEIGHT if stem is None else float(np.log(1 + (total + 1) / (0.5 + frequency[stem])))
        weights.extend([weight if claim[start].isalnum() else 0.0] * pieces)
    cut = np.array(weights[:tokens])
    normed: NDArray[np.float64] = cut / cut.sum() if cut.sum() else np.full(tokens, 1.0 / tokens)
    return normed


Matches = dict[int, NDArray[np.float32]]
"""By sentence of the evidence, the best match of each token of the claim: float32 (tokens,)."""


def best_matches(asked: Embedding, vectors: dict[int, Embedding]) -> Matches:
    return {one: _best_matches(asked.tokens, embedding.tokens) for one, embedding in vectors.items()}


def aligned(
    asked: Embedding,
    vectors: dict[int, Embedding],
    matches: Matches,
    weights: NDArray[np.float64],
    windows: EvidenceWindows,
    chosen: Sequence[int],
) -> Floats:
    """`ALIGNMENT_FEATURES` of the windows `chosen`, all sentences of which have vectors: float64 (chosen, features)."""
    everywhere = float(np.max(list(matches.values()), axis=0) @ weights) if matches and len(weights) else 0.0
    cosines = {one: float(asked.dense @ embedding.dense) for one, embedding in vectors.items()}
    rows = []
    for window in chosen:
        own = range(windows.first[window], windows.after[window])
        best = np.max([matches[one] for one in own], axis=0)
        mean = np.sum([vectors[one].dense for one in own], axis=0)
        together = float(asked.dense @ mean) / max(float(np.linalg.norm(mean)), 1e-9)
        weakest = float(np.sort(best[weights > 0])[: max(1, len(best) // 4)].mean()) if (weights > 0).any() else 0.0
        rows.append((max(together, *(cosines[one] for one in own)), float(best @ weights), everywhere, weakest))
    return np.array(rows, dtype=np.float64).reshape(len(chosen), len(ALIGNMENT_FEATURES))


def gathered(matches: Matches, weights: NDArray[np.float64], windows: EvidenceWindows) -> tuple[int, ...]:
    """The sentences that together match the claim best, in reading order: what a reader of pairs gets as evidence.

    Chosen one after the other for what each adds to the weighted mean of the best matches, which is submodular, so that
    this comes near the best choice (Nemhauser, Wolsey and Fisher, 1978). At most `LONGEST_GATHERED` characters.
    """
    chosen: list[int] = []
    best = np.zeros(len(weights), dtype=np.float32)
    left = dict(matches)
    while left and len(chosen) < MOST_GATHERED:
        used = sum(len(windows.sentences[one].read) for one in chosen)
        gains = {one: float((np.maximum(own, best) - best) @ weights) for one, own in left.items()}
        following = max(gains, key=lambda one: (gains[one], -one))
        if chosen and (
            gains[following] < LEAST_GAIN or used + len(windows.sentences[following].read) > LONGEST_GATHERED
        ):
            break
        chosen.append(following)
        best = np.maximum(best, left.pop(following))
    return tuple(sorted(chosen))


def _best_matches(claim: NDArray[np.float32], evidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """Best match of each token of the claim, float32 (tokens,)."""
    if not len(evidence):
        return np.zeros(len(claim), dtype=np.float32)
    best: NDArray[np.float32] = (claim @ evidence.T).max(axis=1)
    return best
