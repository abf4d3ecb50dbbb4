"""A small cross-encoder that reads evidence and claim together: what coverage of words cannot see.

Six layers of MiniLM, trained by scripts/train_contradiction_head.py (docs/model-card-contradiction-head.md), read the
rows of pair_encoding.py. Two lines through the tokens' states give the verdict: one through a claim's first token, one
through each of its tokens. Word and position embeddings are MiniLM's own; only the layers ship, in int8.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from generation.checking.contradiction.pair_encoding import Row, row, visible

WEIGHTS = "contradiction_head.safetensors"
_HERE = Path(__file__).parent
_CLAIMS_AT_ONCE = 6
_UNSEEN = np.float32(-1e4)


@dataclasses.dataclass(frozen=True, slots=True)
class TokenVerdict:
    """A word: `[start, end)` of the claim and the probability that the evidence does not carry it."""

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


class ContradictionHead:
    """`PairReader` over an ONNX graph of `build_reader`. Evidence and claim are cut at 256 and 96 tokens."""

    def __init__(self, graph: Path | bytes, pooling: float, *, threads: int | None = None) -> None:
        from retrieval.onnx_session import open_session, open_tokenizer
        from runtime.model_files import minilm_tokenizer

        self._tokenizer = open_tokenizer(minilm_tokenizer())
        self._session = open_session(graph)
        self._pooling = pooling
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="head")

    @classmethod
    def load(cls, folder: Path | None = None, *, threads: int | None = None) -> ContradictionHead:
        """From the weights in `folder` (those that ship by default); the graph is derived from them once."""
        from runtime.model_files import MINILM_SHA256, derived_file

        weights = (folder or _HERE) / WEIGHTS
        recipe = hashlib.sha256(MINILM_SHA256.encode())
        for source in (weights, _HERE.parents[2] / "retrieval" / "minilm_graph.py", Path(__file__)):
            recipe.update(source.read_bytes())
        name = f"contradiction-head-{recipe.hexdigest()[:12]}.onnx"
        graph = derived_file(name, lambda target: _write(weights, target))
        return cls(graph, _tensors(weights)["head.pooling"].item(), threads=threads)

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[HeadVerdict]:
        """A verdict on each pair of evidence and claim. Pairs with the same evidence cost less together."""
        by_evidence: dict[str, list[int]] = collections.defaultdict(list)
        for position, (evidence, _) in enumerate(pairs):
            by_evidence[evidence].append(position)
        parts = [
            (evidence, positions[start : start + _CLAIMS_AT_ONCE])
            for evidence, positions in by_evidence.items()
            for start in range(0, len(positions), _CLAIMS_AT_ONCE)
        ]
        verdicts: dict[int, HeadVerdict] = {}
        judged = self._pool.map(lambda part: self._judge(part[0], [pairs[at][1] for at in part[1]]), parts)
        for (_, positions), found in zip(parts, judged, strict=True):
            verdicts.update(zip(positions, found, strict=True))
        return [verdicts[position] for position in range(len(pairs))]

    def _judge(self, evidence: str, claims: Sequence[str]) -> list[HeadVerdict]:
        encodings = self._tokenizer.encode_batch(list(claims), add_special_tokens=False)
        read = row(self._tokenizer.encode(evidence, add_special_tokens=False).ids, [one.ids for one in encodings])
        logits = self.logits(read)
        found = []
        for encoding, (first, after) in zip(encodings, read.claims, strict=True):
            tokens = logits[first:after, 1]
            highest = np.logaddexp.reduce(tokens) if len(tokens) else -30.0
            supported = float(logits[first - 1, 0] - self._pooling * highest)
            found.append(HeadVerdict(_sigmoid(supported), _words(encoding.offsets, encoding.tokens, tokens)))
        return found

    def logits(self, read: Row) -> NDArray[np.float32]:
        """(length, 2): supported, read at a claim's first token, and not carried by the evidence."""
        found: NDArray[np.float32] = self._session.run(["logits"], graph_inputs(read))[0][0]
        return found


def graph_inputs(read: Row) -> dict[str, NDArray[Any]]:
    """The inputs of the graph for one row."""
    return {
        "input_ids": read.ids[None],
        "positions": read.positions[None],
        "marks": read.marks[None],
        "seen": np.where(visible(read.parts), np.float32(0), _UNSEEN)[None, None],
    }


def output_lines(tensors: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """`outputs` of `build_reader`: (385, 2)."""
    return np.stack([tensors["head.sentence"], tensors["head.token"]], axis=1).astype(np.float32)


def _tensors(weights: Path) -> dict[str, NDArray[Any]]:
    from safetensors.numpy import load_file

    found: dict[str, NDArray[Any]] = load_file(weights)
    return found


def _write(weights: Path, target: Path) -> None:
    from retrieval.minilm_graph import build_reader
    from runtime.model_files import minilm_weights

    own = _tensors(weights)
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    partial.write_bytes(build_reader(_tensors(minilm_weights()), own, own["head.marks"], output_lines(own)))
    partial.replace(target)


def _words(
    offsets: Sequence[tuple[int, int]], pieces: Sequence[str], logits: NDArray[np.float32]
) -> tuple[TokenVerdict, ...]:
    """Pieces of one word are one verdict, the worst of theirs."""
    found: list[TokenVerdict] = []
    for (start, end), piece, logit in zip(offsets, pieces, logits.tolist(), strict=False):
        if piece.startswith("##") and found:
            last = found.pop()
            found.append(TokenVerdict(last.start, end, max(last.unsupported, _sigmoid(logit))))
        else:
            found.append(TokenVerdict(start, end, _sigmoid(logit)))
    return tuple(found)


def _sigmoid(value: float) -> float:
    return float(1.0 / (1.0 + np.exp(-value)))
