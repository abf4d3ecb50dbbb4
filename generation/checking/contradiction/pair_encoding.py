"""Evidence and claims as the contradiction head reads them: a row of token ids, with a mark on each token.

A row is `[CLS] evidence [SEP]` and then, for each claim about it, `[CLS] claim [SEP]`; every text counts its positions
from 0. Tokens of the evidence see the evidence only, those of a claim see the evidence and their own claim. The
evidence is so read once for all its claims, in training and in use.

The mark of a claim's token tells whether it stands in the evidence too, and whether it does so beside the same
neighbours: a change in an otherwise copied sentence shows in the marks before any layer has read it.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

EVIDENCE, ABSENT, PRESENT, FIRST, LAST = 0, 1, 2, 6, 7
"""`PRESENT` + 1 when it stands behind the same token there, + 2 when before the same token."""
MARKS = 8
_START, _SEPARATOR = 101, 102
MAX_CLAIM = 96
MAX_EVIDENCE = 256


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """`ids`, `positions`, `marks` and `parts` are int32 (length,); part 0 is the evidence, 1 the first claim.

    `claims` are the places `[first, after)` of the claims' tokens, without the special ones: the state of the token at
    `first - 1` stands for the whole claim.
    """

    ids: NDArray[np.int32]
    positions: NDArray[np.int32]
    marks: NDArray[np.int32]
    parts: NDArray[np.int32]
    claims: tuple[tuple[int, int], ...]


def row(evidence: Sequence[int], claims: Sequence[Sequence[int]]) -> Row:
    """From token ids without special tokens; what is over `MAX_EVIDENCE` or `MAX_CLAIM` tokens is cut off."""
    evidence = evidence[:MAX_EVIDENCE]
    there, pairs = set(evidence), set(itertools.pairwise(evidence))
    ids, marks = [_START, *evidence, _SEPARATOR], [EVIDENCE] * (len(evidence) + 2)
    positions, parts = list(range(len(ids))), [0] * len(ids)
    places = []
    for part, whole in enumerate(claims, 1):
        claim = whole[:MAX_CLAIM]
        places.append((len(ids) + 1, len(ids) + 1 + len(claim)))
        ids += [_START, *claim, _SEPARATOR]
        marks += [FIRST, *(_mark(claim, at, there, pairs) for at in range(len(claim))), LAST]
        positions += range(len(claim) + 2)
        parts += [part] * (len(claim) + 2)
    return Row(
        np.array(ids, dtype=np.int32),
        np.array(positions, dtype=np.int32),
        np.array(marks, dtype=np.int32),
        np.array(parts, dtype=np.int32),
        tuple(places),
    )


def _mark(claim: Sequence[int], at: int, there: set[int], pairs: set[tuple[int, int]]) -> int:
    if claim[at] not in there:
        return ABSENT
    behind = at > 0 and (claim[at - 1], claim[at]) in pairs
    before = at + 1 < len(claim) and (claim[at], claim[at + 1]) in pairs
    return PRESENT + behind + 2 * before


def visible(parts: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(length, length): whether the token of a line sees the token of a column."""
    seen: NDArray[np.bool_] = (parts[None, :] == 0) | (parts[None, :] == parts[:, None])
    return seen
