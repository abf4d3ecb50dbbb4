"""The retriever over a real embedding model and a real index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.assembly import build_embedder, build_index
from retrieval.embedding import Embedder
from retrieval.indexer import Indexer
from retrieval.passages import Scope, StoredChunk, chunk_id
from retrieval.reranking import LateInteraction
from retrieval.retriever import Retriever
from retrieval.vector_index import VectorIndex
from runtime.settings import Settings

HANDBOOK = [
    "Annual leave is 28 days a year for every full-time employee.",
    "From the fifth year of service on, two further days are added.",
    "Unused days lapse at the end of March of the following year.",
    "The canteen opens at half past eleven and closes at two.",
    "Visitors sign in at the gate and wear a badge at all times.",
    "Error E17 means that the battery of the gateway is below 3.1 volts.",
]


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return build_embedder(Settings())


@pytest.fixture
def index(tmp_path: Path, embedder: Embedder) -> Iterator[VectorIndex]:
    opened = build_index(Settings(data_dir=tmp_path), embedder)
    yield opened
    opened.close()


def document(document_id: str, texts: list[str], *, version: int = 1, tenant: str = "t") -> list[StoredChunk]:
    chunks, start = [], 0
    for ordinal, text in enumerate(texts):
        parent = (ordinal - ordinal % 3, min(len(texts) - 1, ordinal - ordinal % 3 + 2))
        end = start + len(text)
        name = f"{document_id}.md"
        chunks.append(StoredChunk(tenant, "c", document_id, version, name, ordinal, text, start, end, None, (), parent))
        start = end + 1
    return chunks


def add(embedder: Embedder, index: VectorIndex, chunks: list[StoredChunk]) -> None:
    Indexer(embedder, index).index(chunks, [chunk.text for chunk in chunks])


def retriever(embedder: Embedder, index: VectorIndex, versions: dict[str, int]) -> Retriever:
    return Retriever(embedder, index, lambda tenant, ids: versions, LateInteraction(0.3))


def test_finds_by_meaning_and_by_word(embedder: Embedder, index: VectorIndex) -> None:
    add(embedder, index, document("h", HANDBOOK))
    search = retriever(embedder, index, {"h": 1}).search
    holiday = search("how much vacation do I get?", Scope("t"), 3).passages
    assert holiday[0].chunk.ordinal == 0
    code = search("E17", Scope("t"), 3)
    assert code.passages[0].chunk.ordinal == 5
    assert set(code.timings_ms) == {"retrieve", "rerank"}
    assert set(code.passages[0].scores) == {"dense", "bm25", "fused", "rerank"}


def test_the_larger_passage_is_around_each_hit(embedder: Embedder, index: VectorIndex) -> None:
    add(embedder, index, document("h", HANDBOOK))
    found = retriever(embedder, index, {"h": 1}).search("two further days", Scope("t"), 1).passages[0]
    assert found.chunk.ordinal == 1
    assert found.context == " ".join(HANDBOOK[:3])
    assert found.chunk_at(found.context_start + len(HANDBOOK[0]) + 5).ordinal == 1


def test_only_active_versions_are_shown_even_when_old_ones_outnumber_them(
    embedder: Embedder, index: VectorIndex
) -> None:
    many = [f"Annual leave of group {number} is {number} days a year." for number in range(150)]
    add(embedder, index, document("old", many))
    add(embedder, index, document("old", ["Annual leave is 30 days a year."], version=2))
    found = retriever(embedder, index, {"old": 2}).search("annual leave", Scope("t"), 5).passages
    assert [passage.chunk.version for passage in found] == [2]
    assert retriever(embedder, index, {}).search("annual leave", Scope("t"), 5).passages == ()


def test_what_is_hidden_does_not_bear_on_the_scores_of_what_is_shown(embedder: Embedder, index: VectorIndex) -> None:
    add(embedder, index, document("h", HANDBOOK))
    alone = retriever(embedder, index, {"h": 1}).search("annual leave", Scope("t"), 3).passages
    hidden = document("h", ["Annual leave, annual leave: all about annual leave!"], version=2)
    add(embedder, index, hidden)
    beside = retriever(embedder, index, {"h": 1}).search("annual leave", Scope("t"), 3).passages
    assert [passage.chunk for passage in beside] == [passage.chunk for passage in alone]
    for one, other in zip(beside, alone, strict=True):  # BM25's IDF alone counts the hidden chunk
        assert one.scores["dense"] == pytest.approx(other.scores["dense"], abs=1e-6)
        assert one.score == pytest.approx(other.score, abs=0.05)
    assert len(retriever(embedder, index, {"h": 1}).rank("annual leave", Scope("t"), 10, "dense")) == len(HANDBOOK)


def test_copies_are_shown_once(embedder: Embedder, index: VectorIndex) -> None:
    add(embedder, index, document("a", HANDBOOK[:1]))
    add(embedder, index, document("b", [HANDBOOK[0].upper(), HANDBOOK[3]]))
    found = retriever(embedder, index, {"a": 1, "b": 1}).search("annual leave", Scope("t"), 5).passages
    assert len(found) == 2


def test_another_tenant_finds_nothing(embedder: Embedder, index: VectorIndex) -> None:
    add(embedder, index, document("h", HANDBOOK))
    assert retriever(embedder, index, {"h": 1}).search("annual leave", Scope("other"), 5).passages == ()


def test_odd_questions(embedder: Embedder, index: VectorIndex) -> None:
    search = retriever(embedder, index, {"h": 1}).search
    assert search("anything", Scope("t"), 5).passages == ()
    add(embedder, index, document("h", HANDBOOK))
    for question in ("", "???", "the of and", "x" * 100_000, "leave " * 20_000):
        assert len(search(question, Scope("t"), 2).passages) == 2


@pytest.mark.parametrize("arm", ["bm25", "dense", "rrf", "fused", "reranked"])
def test_every_arm_ranks_the_obvious_first(embedder: Embedder, index: VectorIndex, arm: str) -> None:
    add(embedder, index, document("h", HANDBOOK))
    ranked = retriever(embedder, index, {"h": 1}).rank("annual leave days", Scope("t"), 4, arm)  # type: ignore[arg-type]
    assert ranked[0][0].chunk_id == chunk_id("h", 1, 0)
    scores = [score for _, score in ranked]
    assert scores == sorted(scores, reverse=True)
