"""Ranking metrics of one query, as trec_eval computes them.

`ranking` is record ids, best first, without repeats. `judged` maps record id to grade; a grade of `relevant_from` or
more counts as relevant in the binary metrics, and nDCG takes the grade itself as the gain (a negative grade as 0). All
are in 0..1, higher is better; a query without any relevant record scores 0 (callers leave such queries out).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def ndcg(ranking: Sequence[str], judged: Mapping[str, int], k: int) -> float:
    """Normalised discounted cumulative gain: `sum(grade / log2(rank + 1))` over the top k, by that of the ideal order.

    Linear gains, as trec_eval's `ndcg_cut` (Järvelin and Kekäläinen, 2002), not the exponential ones of Burges et al.
    """
    gains = [max(0, judged.get(record_id, 0)) for record_id in ranking[:k]]
    ideal = sorted((max(0, grade) for grade in judged.values()), reverse=True)[:k]
    best = _discounted(ideal)
    return _discounted(gains) / best if best else 0.0


def _discounted(gains: Sequence[int]) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def recall(ranking: Sequence[str], judged: Mapping[str, int], k: int, relevant_from: int = 1) -> float:
    """Share of the relevant records that are among the top k."""
    relevant = _relevant(judged, relevant_from)
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], judged: Mapping[str, int], k: int, relevant_from: int = 1) -> float:
    """1 / rank of the first relevant record among the top k, else 0; its mean over queries is MRR@k."""
    relevant = _relevant(judged, relevant_from)
    return next((1.0 / rank for rank, record in enumerate(ranking[:k], start=1) if record in relevant), 0.0)


def average_precision(ranking: Sequence[str], judged: Mapping[str, int], k: int, relevant_from: int = 1) -> float:
    """Mean, over all relevant records, of the precision at each one's rank (0 for those below k); its mean is MAP@k."""
    relevant = _relevant(judged, relevant_from)
    found, total = 0, 0.0
    for rank, record_id in enumerate(ranking[:k], start=1):
        if record_id in relevant:
            found += 1
            total += found / rank
    return total / len(relevant) if relevant else 0.0


def _relevant(judged: Mapping[str, int], relevant_from: int) -> set[str]:
    return {record_id for record_id, grade in judged.items() if grade >= relevant_from}
