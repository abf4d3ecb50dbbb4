"""Where to cut a row of pieces into groups: the cheapest segmentation, by dynamic programming."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

NEVER = math.inf


@dataclasses.dataclass(frozen=True, slots=True)
class Boundary:
    """The place before a piece: the cost of cutting there and the cost of leaving it inside a group.

    Costs are in units of "one group of size zero": a group costs `(1 - size / target) ** 2` for its own size.
    """

    cut: float = 0.0
    keep: float = 0.0


def cheapest_segmentation(
    sizes: Sequence[int], limits: Sequence[int], boundaries: Sequence[Boundary], target: int
) -> list[tuple[int, int]]:
    """Cut pieces into consecutive groups `[first, last)` so that the total cost is lowest.

    `limits[i]` is the largest size of a group that begins at piece `i`; a piece above its limit stands alone.
    `boundaries[i]` lies before piece `i`; that of the first piece is not used. A group above the target costs twice
    its squared excess, so that a remainder is rather spread over its neighbours. The time is linear in the number of
    pieces times the number of pieces that fit into one limit.

    The recurrence is the one by which Knuth and Plass break paragraphs into lines ("Breaking paragraphs into lines",
    Software: Practice and Experience 11, 1981): best(j) = min over i of best(i) + cost(i, j).
    """
    count = len(sizes)
    best = [0.0] + [math.inf] * count
    came_from = [0] * (count + 1)
    for first in range(count):
        so_far = best[first] + (boundaries[first].cut if first else 0.0)
        size, kept, limit = 0, 0.0, limits[first]
        for last in range(first, count):
            if last > first:
                kept += boundaries[last].keep
            size += sizes[last]
            if last > first and (size > limit or kept == math.inf):
                break
            short = 1.0 - size / target
            cost = so_far + kept + (short * short if short > 0 else 2.0 * short * short)
            if cost < best[last + 1]:
                best[last + 1] = cost
                came_from[last + 1] = first
    groups = []
    position = count
    while position:
        groups.append((came_from[position], position))
        position = came_from[position]
    return groups[::-1]
