"""Token vectors for late interaction: short enough to be stored with every chunk.

ColBERT (Khattab and Zaharia, 2020, arXiv:2004.12832) scores a passage by the best match of each question token
(MaxSim). Token vectors of the embedding model's last layer serve for that without further weights, cut to a few
dimensions by a fixed projection (principal axes, in `minilm_calibration.npz`, found by scripts/calibrate_minilm.py)
and pooled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

POOL = 3


def pool_tokens(tokens: NDArray[np.float32], pool: int = POOL) -> NDArray[np.float32]:
    """Means of `pool` neighbouring rows, length 1 each: (m, t) -> (ceil(m / pool), t)."""
    if not len(tokens):
        return tokens
    starts = np.arange(0, len(tokens), pool)
    summed = np.add.reduceat(tokens, starts, axis=0)
    norms = np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-9)
    pooled: NDArray[np.float32] = (summed / norms).astype(np.float32)
    return pooled


def max_similarity(question: NDArray[np.float32], passage: NDArray[np.float32]) -> float:
    """Mean over question tokens (q, t) of the best dot product with passage tokens (m, t); 0 if either is empty."""
    if not len(question) or not len(passage):
        return 0.0
    return float((question @ passage.T).max(axis=1).mean())
