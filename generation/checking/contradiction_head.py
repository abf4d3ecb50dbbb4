"""A small cross-encoder that reads evidence and claim together: what coverage of words cannot see."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol


@dataclasses.dataclass(frozen=True, slots=True)
class TokenVerdict:
    """`[start, end)` of the claim and the probability that the evidence does not carry it."""

    start: int
    end: int
    unsupported: float


@dataclasses.dataclass(frozen=True, slots=True)
class HeadVerdict:
    """`supported` is the probability that the evidence supports the whole claim; `tokens` are in the claim's order."""

    supported: float
    tokens: tuple[TokenVerdict, ...]


class PairReader(Protocol):
    """Blocking and thread-safe."""

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[HeadVerdict]:
        """A verdict on each pair of evidence and claim, in the order given."""
