"""What every maker of training data gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

Spans = tuple[tuple[int, int], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A claim, and whether the evidence carries all of it.

    `unsupported` are the spans `[start, end)` that it does not carry: empty for a supported claim, `None` where the
    claim is known to be wrong but not in which words. `kind` names how the claim was made.
    """

    text: str
    supported: bool
    unsupported: Spans | None
    kind: str


@dataclasses.dataclass(frozen=True, slots=True)
class TrainingGroup:
    """Claims about the same evidence; `source` is the data set."""

    evidence: str
    claims: Sequence[Claim]
    source: str
