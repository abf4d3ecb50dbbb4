"""The index of chunks as the rest of the platform sees it."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retrieval.passages import Scope, StoredChunk
from runtime.errors import PlumblineError

ScoreArm: TypeAlias = Literal["dense", "bm25", "maxsim"]


@dataclasses.dataclass(frozen=True, slots=True)
class SparseVector:
    """BM25 as a sparse vector: `indices` uint32 (n,), `values` float32 (n,)."""

    indices: NDArray[np.uint32]
    values: NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True)
class IndexPoint:
    """A chunk with its vectors: `dense` float32 (d,) of length 1, `tokens` float32 (m, t) rows of length 1."""

    chunk: StoredChunk
    dense: NDArray[np.float32]
    sparse: SparseVector
    tokens: NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True)
class QueryVectors:
    """A question in the three forms of the index: `dense` (d,), `sparse`, `tokens` (q, t)."""

    dense: NDArray[np.float32]
    sparse: SparseVector
    tokens: NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True)
class Candidates:
    """The best chunks of two arms, as ids, best first, and the exact scores of all of them in all arms.

    A chunk without a term of the question has no score under `bm25`, one without tokens none under `maxsim`. MaxSim is
    the sum over question tokens of the best dot product among the chunk's token vectors, divided by the number of
    question tokens.
    """

    dense: Sequence[str]
    bm25: Sequence[str]
    scores: Mapping[ScoreArm, Mapping[str, float]]

    def only(self, chunk_ids: Container[str]) -> Candidates:
        """Those of them that are among `chunk_ids`."""
        return Candidates(
            [key for key in self.dense if key in chunk_ids],
            [key for key in self.bm25 if key in chunk_ids],
            {
                arm: {key: score for key, score in scores.items() if key in chunk_ids}
                for arm, scores in self.scores.items()
            },
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Generation:
    """What an index was built with. Vectors of different generations cannot be mixed.

    `mean_chunk_terms` is the `avg_len` of BM25, fixed for the life of the generation; an index that already exists
    keeps its own (read it from `VectorIndex.generation`). `language` is that of BM25's stemmer and stop words.
    """

    embedding_model: str
    dimension: int
    token_dimension: int
    chunker_version: str
    mean_chunk_terms: float
    language: str = "english"

    def same_vectors(self, other: Generation) -> bool:
        """Whether points made for `other` can be stored and searched here: all but the mean length agree."""
        return dataclasses.replace(self, mean_chunk_terms=other.mean_chunk_terms) == other


@dataclasses.dataclass(frozen=True, slots=True)
class StoredGeneration:
    """A generation that exists on disk or on the server; `active` is the one that searches use."""

    name: str
    generation: Generation
    active: bool


class IndexMismatch(PlumblineError):
    """The index on disk was built with another embedding model or chunker; the message says what to run."""

    code = "index_mismatch"


class IndexLocked(PlumblineError):
    """Another process owns the index folder."""

    code = "index_locked"


class VectorIndex(Protocol):
    """Chunks of all tenants in one index; every read and delete is bound to a tenant inside the implementation.

    Implementations are thread-safe: searches run while points are written. All pass
    `tests/retrieval/index_contract.py`. `generation` is what this index was built with; BM25 vectors are to be made
    with its `mean_chunk_terms` and language.
    """

    generation: Generation

    def upsert(self, points: Sequence[IndexPoint]) -> None:
        """Write points (idempotent by chunk id). Visible to searches when the call returns."""

    def delete_document(self, tenant: str, document_id: str, *, keep_version: int | None = None) -> None:
        """Remove the document's points, of all versions or of all but one."""

    def candidates(self, scope: Scope, query: QueryVectors, limit: int) -> Candidates:
        """The best `limit` chunks by cosine and by BM25, of all versions, with the scores of all arms.

        The IDF of BM25 is that of the tenant's own chunks. A question without tokens gets no MaxSim. To tell the
        version of a chunk its payload must be read, which costs more than to find it: `fetch` what is to be shown.
        """

    def fetch(self, scope: Scope, chunk_ids: Iterable[str]) -> Mapping[str, StoredChunk]:
        """Payloads by chunk id; unknown ids and other tenants' chunks are absent from the answer."""

    def count(self, scope: Scope, document_id: str | None = None, version: int | None = None) -> int:
        """Exact number of chunks in the scope."""

    def sample_lexical(self, limit: int) -> list[SparseVector]:
        """The BM25 vectors of up to `limit` chunks of all tenants, chosen without regard to what they hold."""

    def flush(self) -> None:
        """Make everything written so far survive a crash of the process and of the machine."""

    def close(self) -> None: ...


class IndexGenerations(Protocol):
    """The generations of one index. Searches use the active one; a new one is built beside it and then activated."""

    def stored(self) -> list[StoredGeneration]:
        """Every generation that exists, oldest first."""

    def open(self, generation: Generation) -> VectorIndex:
        """The active generation, created when there is none yet.

        Raises `IndexMismatch` when the active one holds other vectors than `generation` describes, `IndexLocked` when
        another process has it open.
        """

    def build(self, generation: Generation) -> VectorIndex:
        """A generation beside the active one, to be filled and then activated; an unfinished one is taken up again."""

    def activate(self, index: VectorIndex) -> None:
        """Let every later `open` use this index. Atomic: a crash leaves either the old or the new one active."""

    def remove(self, name: str) -> None:
        """Delete a generation that is neither active nor open."""
