"""Several rankings of the same chunks into one.

Scores of different arms have different scales. `convex_combination` brings each to [0, 1] by its minimum and maximum
over the candidates and takes the weighted mean (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
Retrieval", ACM TOIS 2023); `reciprocal_rank` looks at ranks alone (Cormack, Clarke and Büttcher, SIGIR 2009) and is the
reference that the combination is measured against.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

RRF_K = 60


def min_max(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores brought to [0, 1]; all 1 when they are equal."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high <= low:
        return dict.fromkeys(scores, 1.0)
    return {key: (score - low) / (high - low) for key, score in scores.items()}


def convex_combination(arms: Iterable[tuple[Mapping[str, float], float]]) -> dict[str, float]:
    """Sum of weight * min-max score over `(scores, weight)` arms; a chunk that an arm did not score gets 0 from it."""
    fused: dict[str, float] = {}
    for scores, weight in arms:
        for key, score in min_max(scores).items():
            fused[key] = fused.get(key, 0.0) + weight * score
    return fused


def reciprocal_rank(rankings: Iterable[Iterable[str]], k: int = RRF_K) -> dict[str, float]:
    """Sum of 1 / (k + rank) over rankings, ranks counted from 1."""
    fused: dict[str, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            fused[key] = fused.get(key, 0.0) + 1.0 / (k + rank)
    return fused


def ordered(scores: Mapping[str, float]) -> list[str]:
    """Keys by score, best first; equal scores by key, so that the same scores always give the same order."""
    return sorted(scores, key=lambda key: (-scores[key], key))
