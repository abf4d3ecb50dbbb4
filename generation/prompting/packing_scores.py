"""How much each unit of the retrieved text has to do with the question, before any of it is embedded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generation.extraction.passage_pieces import PieceKind
from generation.extraction.sentence_features import bm25_scores
from generation.prompting.packing_units import Unit
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage

# Weights against that of BM25, which is 1; fitted on half of three sets (docs/experiments.md).
_PASSAGE_SCORE = 1.5
_CHUNK_RANK = 0.65
_TABLE = 0.2


def lexical_scores(
    question: str, passages: Sequence[Passage], units: Sequence[Unit], lexical: LexicalEncoder
) -> NDArray[np.float64]:
    """float64 (units,): BM25 of the unit, and of the best row of its table, each as a share of the best unit's; the
    score of its passage as a share of the best one's; and 1 / rank of the chunk that it lies in.
    """
    asked = sorted(set(lexical.terms(question)))
    bm25 = bm25_scores(asked, [lexical.terms(unit.scored) for unit in units])
    bm25 /= max(float(bm25.max()), 1e-6)
    retrieved = np.array([max(0.0, passages[unit.source].score) for unit in units])
    retrieved /= max(float(retrieved.max()), 1e-6)
    rank = np.array([0.0 if unit.rank is None else 1.0 / (1 + unit.rank) for unit in units])
    scores: NDArray[np.float64] = bm25 + _PASSAGE_SCORE * retrieved + _CHUNK_RANK * rank
    for rows in _tables(units):
        # The row that is asked for may bear another name, and a sum needs rows that nobody names.
        scores[rows] += _TABLE * bm25[rows].max()
    return scores


def _tables(units: Sequence[Unit]) -> list[list[int]]:
    tables: dict[tuple[int, int], list[int]] = {}
    for position, unit in enumerate(units):
        if unit.kind is PieceKind.TABLE_ROW and unit.under:
            tables.setdefault((unit.source, unit.under[0]), []).append(position)
    return list(tables.values())
