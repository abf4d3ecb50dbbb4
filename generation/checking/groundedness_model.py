"""From features of a claim's windows to the probability that the evidence supports it: a few numbers, kept as JSON.

Two sums over the features, `coverage` (how much of the claim the window carries) and `difference` (what it says
otherwise, never positive), have the same weights for all texts. How much each of them, and the contradiction head,
tells about the truth differs by kind of text: a summary shares few words with what it sums up, a sentence that answers
from retrieved passages many. So each kind has four weights of its own, fitted on whole answers of that kind, and what
comes out is calibrated for it.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.checking.claim_features import DIFFERENCES, FEATURES
from generation.checking.contradiction.structured_checks import Mismatch
from generation.checking.coverage.evidence_windows import EvidenceWindows, Floats

MODEL_FILE = Path(__file__).with_name("groundedness_model.json")
LONG_DOCUMENT = 4
"""Sentences from which on a single passage is a document that an answer sums up."""

LEAST_COVERAGE = -1.5
SHORTFALL = 2.5
"""Coverage below the least that supported sentences have, in summaries too, counts by this much in every kind."""

COPIED_HEAD, COPIED_DIFFERENCE = 0.4, 0.3
"""In a claim that mostly copies its window, what the head doubts and what differs count by so much more, times the
square of the share of its word pairs that the window has: there a single changed word is what is wrong, if anything."""

WRONG_FACTS = (
    Mismatch.NUMBER_DIFFERS,
    Mismatch.NUMBER_ABSENT,
    Mismatch.NAME_DIFFERS,
    Mismatch.NAME_ABSENT,
    Mismatch.UNIT_DIFFERS,
)
"""A claim with one of these is never likelier than claims with one were, whatever else speaks for it."""

_ABOVE_CAP = 0.05
"""How much of what is over that limit stays, so that claims keep their order."""

HEAD_RANGE = 5.0
"""Log odds of the head beyond this are no surer."""


_WRONG_FACTS = [FEATURES.index(kind.value) for kind in WRONG_FACTS]
_WORD_PAIRS = FEATURES.index("word_pairs")


class TextKind(enum.StrEnum):
    """What an answer rests on, as far as the checker can see."""

    RETRIEVED = "retrieved"
    PASSAGE = "passage"
    DOCUMENT = "document"


def kind_of(windows: EvidenceWindows) -> TextKind:
    """Several passages; or one of them, short or long."""
    if len(set(windows.sources.tolist())) > 1:
        return TextKind.RETRIEVED
    return TextKind.PASSAGE if len(windows.sentences) < LONG_DOCUMENT else TextKind.DOCUMENT


@dataclasses.dataclass(frozen=True, slots=True)
class KindWeights:
    """Log odds of "supported": `coverage` and `difference` times the two sums, `head` times the head's, and `bias`.

    With a wrong fact they are at most `wrong_fact`. From the probability `threshold` on a claim counts as supported.
    """

    coverage: float
    difference: float
    head: float
    bias: float
    wrong_fact: float = 10.0
    threshold: float = 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class GroundednessModel:
    """`coefficients` are over `FEATURES`, float64; `bias` belongs to the sum of coverage.

    A claim whose sums alone make it less likely than `clearly_not`, in log odds, is not shown to the head.
    """

    coefficients: NDArray[np.float64]
    bias: float
    kinds: Mapping[TextKind, KindWeights]
    clearly_not: float = -4.0

    @classmethod
    def load(cls, path: Path = MODEL_FILE) -> GroundednessModel:
        data = json.loads(path.read_text())
        if tuple(data["coefficients"]) != FEATURES:
            raise ValueError(f"{path.name} was fitted on other features: run scripts/fit_groundedness.py")
        return cls(
            np.array(list(data["coefficients"].values())),
            data["bias"],
            {TextKind(kind): KindWeights(**weights) for kind, weights in data["kinds"].items()},
        )

    @property
    def threshold(self) -> float:
        """The least of the kinds' thresholds: no claim below it counts as supported."""
        return min(weights.threshold for weights in self.kinds.values())

    @property
    def uses_head(self) -> bool:
        return any(weights.head for weights in self.kinds.values())

    def to_json(self) -> dict[str, Any]:
        rounded = {name: round(float(value), 4) for name, value in zip(FEATURES, self.coefficients, strict=True)}
        kinds = {
            kind.value: {name: round(float(value), 4) for name, value in dataclasses.asdict(weights).items()}
            for kind, weights in self.kinds.items()
        }
        return {"coefficients": rounded, "bias": round(float(self.bias), 4), "kinds": kinds}

    def sums(self, values: Floats) -> tuple[Floats, Floats]:
        """`coverage` and `difference` of windows with these `FEATURES`: each float64 (windows,)."""
        is_difference = np.array([name in DIFFERENCES for name in FEATURES])
        difference: Floats = values[:, is_difference] @ self.coefficients[is_difference]
        coverage: Floats = values[:, ~is_difference] @ self.coefficients[~is_difference] + self.bias
        return coverage, difference

    def log_odds(self, values: Floats, kind: TextKind, head: float | None = None) -> Floats:
        """Of each window, that it supports the claim: float64 (windows,). `head` are the head's log odds, if asked."""
        weights = self.kinds[kind]
        coverage, difference = self.sums(values)
        found = weights.coverage * coverage + weights.difference * difference + weights.bias
        found = found + self.fixed(values, head)
        if head is not None:
            found += weights.head * float(np.clip(head, -HEAD_RANGE, HEAD_RANGE))
        if values[:, _WRONG_FACTS].any():
            over = np.maximum(found - weights.wrong_fact, 0.0)
            found -= (1 - _ABOVE_CAP) * over
        return found

    def fixed(self, values: Floats, head: float | None) -> Floats:
        """What is added alike in all kinds of text, for too little coverage and for changed copies: never positive."""
        coverage, difference = self.sums(values)
        doubt = 0.0 if head is None else min(float(np.clip(head, -HEAD_RANGE, HEAD_RANGE)), 0.0)
        copied = np.clip(values[:, _WORD_PAIRS], 0.0, 1.0) ** 2
        added: Floats = SHORTFALL * np.minimum(coverage - LEAST_COVERAGE, 0.0)
        return added + copied * (COPIED_HEAD * doubt + COPIED_DIFFERENCE * difference)


def log_odds_of(probability: float) -> float:
    inside = min(max(probability, 1e-6), 1 - 1e-6)
    return float(np.log(inside / (1 - inside)))
