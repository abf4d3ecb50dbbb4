"""The answer without a language model: one to three verbatim sentences, or a refusal.

Two logistic models over the features of evidence.py: one says how likely a sentence answers the question, the other how
likely the passages answer it at all. Their coefficients and the refusal threshold are in `extractive_calibration.json`,
fitted by scripts/fit_extractive.py; what they reach is in docs/benchmarks.md.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generation.extraction.candidate_sentences import Sentence
from generation.extraction.sentence_features import FEATURES, Evidence, gather
from retrieval.embedding import Embedder
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage

MOST_SENTENCES = 3
CALIBRATION_FILE = Path(__file__).with_name("extractive_calibration.json")


@dataclasses.dataclass(frozen=True, slots=True)
class Calibration:
    """Coefficients, bias last. `further` is the share of the best sentence's odds that a further sentence needs."""

    sentence: NDArray[np.float64]
    answerable: NDArray[np.float64]
    threshold: float
    further: float

    @classmethod
    def load(cls, path: Path = CALIBRATION_FILE) -> Calibration:
        data = json.loads(path.read_text())
        if tuple(data["features"]) != FEATURES:
            raise ValueError(f"{path.name} was fitted on other features: run scripts/fit_extractive.py")
        return cls(np.array(data["sentence"]), np.array(data["answerable"]), data["threshold"], data["further"])


@dataclasses.dataclass(frozen=True, slots=True)
class Extract:
    """`sentences` in reading order, none when refused; `probability` that the passages answer the question."""

    sentences: tuple[Sentence, ...]
    probability: float


class ExtractiveModel:
    """Blocking and thread-safe; needs no key, no download and cannot invent."""

    name = "extractive"

    def __init__(self, embedder: Embedder, lexical: LexicalEncoder, calibration: Calibration) -> None:
        self._embedder = embedder
        self._lexical = lexical
        self._calibration = calibration

    def extract(self, question: str, passages: Sequence[Passage]) -> Extract:
        evidence = gather(question, passages, self._embedder, self._lexical)
        if not evidence.sentences:
            return Extract((), 0.0)
        odds = linear(evidence.features, self._calibration.sentence)
        probability = float(sigmoid(linear(answerability_features(evidence, odds), self._calibration.answerable)))
        if probability < self._calibration.threshold:
            return Extract((), probability)
        return Extract(self._chosen(evidence, odds), probability)

    def _chosen(self, evidence: Evidence, odds: NDArray[np.float64]) -> tuple[Sentence, ...]:
        order = np.argsort(-odds, kind="stable")
        least = odds[order[0]] + np.log(self._calibration.further)
        kept = [int(position) for position in order[:MOST_SENTENCES] if odds[position] >= least]
        sentences = [evidence.sentences[position] for position in kept]
        return tuple(sorted(sentences, key=lambda one: (one.rank, one.start)))


def answerability_features(evidence: Evidence, odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the passages as a whole offer: the best sentence's odds, and the best of each feature over all sentences."""
    return np.concatenate([[odds.max()], evidence.features.max(axis=0)]).astype(np.float64)


def linear(features: NDArray[np.floating], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """`features @ coefficients[:-1] + coefficients[-1]`."""
    result: NDArray[np.float64] = features @ coefficients[:-1] + coefficients[-1]
    return result


def sigmoid(value: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-value))
    return result
