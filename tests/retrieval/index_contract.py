"""What every vector index promises.

A test file subclasses `ReadingContract` and `WritingContract` and gives the class-scoped fixture `new_generations`, a
function that returns the generations of an index of its own. Making an index waits for the disk, so the tests that only
read share one.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import pytest

from retrieval.passages import Range, Scope, chunk_id
from retrieval.vector_index import (
    Generation,
    IndexGenerations,
    IndexMismatch,
    IndexPoint,
    VectorIndex,
)
from runtime.errors import InvalidInput, NotFound
from tests.retrieval.index_world import (
    ENCODER,
    GENERATION,
    exact_bm25,
    exact_dense,
    exact_maxsim,
    matches,
    point,
    question,
    stored,
    world,
)

ACME = Scope("acme")
GLOBEX = Scope("globex")
NewGenerations: TypeAlias = Callable[[], IndexGenerations]
QUESTION = "copper meadow near the engine"


def best_first(scores: dict[str, float]) -> list[str]:
    return sorted(scores, key=lambda one: -scores[one])


class _Contract:
    @pytest.fixture(scope="class")
    def points(self) -> list[IndexPoint]:
        return world()

    def leave(self, index: VectorIndex) -> None:
        """End one use of the index; a later `open` must find everything."""
        index.close()

    def fill(self, index: VectorIndex, points: list[IndexPoint]) -> None:
        index.upsert(points)


class ReadingContract(_Contract):
    @pytest.fixture(scope="class")
    def shared(self, new_generations: NewGenerations, points: list[IndexPoint]) -> Iterator[VectorIndex]:
        index = new_generations().open(GENERATION)
        self.fill(index, points)
        yield index
        index.close()

    def test_dense_candidates_come_in_exact_order_with_raw_cosines(self, shared, points) -> None:
        query = question()
        expected = exact_dense(points, ACME, query)
        found = shared.candidates(ACME, query, 10)
        assert list(found.dense) == best_first(expected)[:10]
        assert {one: found.scores["dense"][one] for one in found.dense} == pytest.approx(
            {one: expected[one] for one in found.dense}, abs=1e-5
        )

    def test_bm25_agrees_with_rank_bm25_to_four_decimals(self, shared, points) -> None:
        expected = exact_bm25(points, ACME, QUESTION)
        found = shared.candidates(ACME, question(QUESTION), len(points))
        assert 10 < len(expected) < 60
        assert found.scores["bm25"] == pytest.approx(expected, abs=5e-5)
        assert set(found.bm25) == set(expected)
        in_order = [found.scores["bm25"][one] for one in found.bm25]
        assert in_order == sorted(in_order, reverse=True)

    @pytest.mark.parametrize("limit", [1, 8, 200])
    def test_all_candidates_have_their_exact_scores_in_all_arms(self, shared, points, limit) -> None:
        query = question(QUESTION)
        found = shared.candidates(ACME, query, limit)
        assert limit == 200 or len(found.dense) == len(found.bm25) == limit
        ids = {*found.dense, *found.bm25}
        for arm, exact, tolerance in (
            ("dense", exact_dense(points, ACME, query), 1e-5),
            ("bm25", exact_bm25(points, ACME, QUESTION), 5e-5),
            ("maxsim", exact_maxsim(points, ACME, query), 2e-3),
        ):
            assert found.scores[arm] == pytest.approx({one: exact[one] for one in ids if one in exact}, abs=tolerance)
        assert limit != 200 or set(found.scores["bm25"]) < ids, "chunks without a common term have no BM25 score"

    def test_only_some_of_the_candidates(self, shared) -> None:
        found = shared.candidates(ACME, question(QUESTION), 8)
        chosen = {found.dense[0], found.bm25[3], found.bm25[7]}
        some = found.only(chosen)
        assert some.dense[0] == found.dense[0] and set(some.bm25) <= chosen and some.bm25[-1] == found.bm25[7]
        for arm, scores in some.scores.items():
            assert scores == {one: found.scores[arm][one] for one in chosen if one in found.scores[arm]}

    @pytest.mark.parametrize(
        ("collection", "filters"),
        [
            ("handbook", {}),
            ("nowhere", {}),
            (None, {"lang": "de"}),
            (None, {"year": 2018}),
            (None, {"year": 2018.0}),
            (None, {"price": 1.0}),
            (None, {"public": True}),
            (None, {"public": 1}),
            (None, {"lang": ["de", "fr"], "public": False}),
            (None, {"year": [2016, "en", 2018]}),
            (None, {"lang": []}),
            (None, {"missing": "x"}),
            (None, {'odd "key".name': 1}),
            (None, {"year": Range(gte=2017, lte=2019)}),
            ("products", {"price": Range(gte=1.25), "lang": "en"}),
            (None, {"lang": Range(lte=5)}),
        ],
    )
    def test_filters(self, shared, points, collection, filters) -> None:
        scope, query = Scope("globex", collection, filters), question(QUESTION)
        expected = {one.chunk.chunk_id for one in points if matches(one.chunk, scope)}
        found = shared.candidates(scope, query, len(points))
        everything = [one.chunk.chunk_id for one in points]
        assert set(found.dense) == expected
        assert found.scores["bm25"] == pytest.approx(exact_bm25(points, scope, QUESTION), abs=5e-5)
        assert set(shared.fetch(scope, everything)) == expected
        assert set(found.scores["maxsim"]) == expected
        assert shared.count(scope) == len(expected)

    def test_unknown_ids_are_absent(self, shared) -> None:
        ids = ["not-an-id", "", "5", chunk_id("nothing", 1, 0)]
        assert shared.fetch(ACME, ids) == {} and shared.fetch(ACME, []) == {}

    def test_a_sample_tells_the_length_of_chunks(self, shared, points) -> None:
        terms = sorted(len(ENCODER.terms(point.chunk.text)) for point in points)
        sampled = shared.sample_lexical(10_000)
        assert len(sampled) == shared.count(ACME) + shared.count(GLOBEX)
        assert {ENCODER.length(vector) for vector in sampled} <= set(terms)
        assert len(shared.sample_lexical(7)) == 7


class WritingContract(_Contract):
    concurrent = True

    @pytest.fixture
    def generations(self, new_generations: NewGenerations) -> IndexGenerations:
        return new_generations()

    @pytest.fixture
    def index(self, generations: IndexGenerations) -> Iterator[VectorIndex]:
        index = generations.open(GENERATION)
        yield index
        index.close()

    @pytest.fixture
    def filled(self, index: VectorIndex, points: list[IndexPoint]) -> VectorIndex:
        self.fill(index, points)
        return index

    def test_range_on_a_field_name_with_a_dot(self, index) -> None:
        index.upsert([point(stored("a", metadata={"size.kb": 3})), point(stored("b", metadata={"size.kb": 9}))])
        assert index.count(Scope("acme", filters={"size.kb": Range(gte=5)})) == 1

    def test_a_numeric_field_that_comes_later_can_be_asked_for_ranges(self, filled) -> None:
        filled.upsert([point(stored("late", n, metadata={"weight": n / 2, "year": 2030})) for n in range(6)])
        assert filled.count(Scope("acme", filters={"weight": Range(gte=1, lte=2)})) == 3
        assert filled.count(Scope("acme", filters={"year": Range(gte=2025)})) == 6

    @pytest.mark.parametrize("filters", [{"year": Range()}, {'odd "key".name': Range(gte=1)}])
    def test_a_range_that_cannot_be_applied_is_refused(self, index, filters) -> None:
        with pytest.raises(InvalidInput):
            index.count(Scope("acme", filters=filters))

    def test_tenants_do_not_see_or_touch_each_other(self, filled, points) -> None:
        theirs = [one.chunk.chunk_id for one in points if one.chunk.tenant == "globex"]
        query = question(QUESTION)
        found = filled.candidates(ACME, query, len(points))
        assert found.dense and not {*found.dense, *found.bm25} & set(theirs)
        assert not set(theirs) & {one for scores in found.scores.values() for one in scores}
        assert filled.fetch(ACME, theirs) == {}
        before = filled.count(GLOBEX)
        filled.delete_document("acme", points[5].chunk.document_id)
        assert points[5].chunk.tenant == "globex" and filled.count(GLOBEX) == before
        assert filled.count(Scope("nobody")) == 0

    def test_idf_is_that_of_the_tenant(self, filled) -> None:
        query = question(QUESTION)
        before = filled.candidates(ACME, query, 50).scores["bm25"]
        filled.upsert([point(stored(f"flood-{n}", tenant="globex", text="copper meadow engine")) for n in range(40)])
        assert filled.candidates(ACME, query, 50).scores["bm25"] == pytest.approx(before, abs=1e-6)

    def test_idf_follows_deletes_at_once(self, filled, points) -> None:
        for number in range(0, 12, 2):
            filled.delete_document("acme", f"document-{number}")
        gone = {f"document-{number}" for number in range(0, 12, 2)}
        left = [one for one in points if one.chunk.document_id not in gone]
        found = filled.candidates(ACME, question(QUESTION), 100).scores["bm25"]
        assert found == pytest.approx(exact_bm25(left, ACME, QUESTION), abs=5e-5)

    def test_delete_document_can_keep_one_version(self, index) -> None:
        index.upsert([point(stored("a", n, version=version)) for version in (1, 2, 3) for n in range(4)])
        index.upsert([point(stored("ab", n)) for n in range(4)])
        index.delete_document("acme", "a", keep_version=3)
        assert [index.count(ACME, "a", version) for version in (1, 2, 3)] == [0, 0, 4]
        index.delete_document("acme", "a")
        assert index.count(ACME, "a") == 0 and index.count(ACME, "ab") == 4
        assert set(index.candidates(ACME, question(), 10).dense) == {chunk_id("ab", 1, n) for n in range(4)}

    def test_upsert_is_idempotent_and_replaces(self, filled, points) -> None:
        before = filled.count(ACME)
        filled.upsert(points[:7])
        assert filled.count(ACME) == before
        changed = dataclasses.replace(points[0].chunk, text="quarry", collection="products")
        filled.upsert([point(changed, seed=1)])
        assert filled.fetch(ACME, [changed.chunk_id])[changed.chunk_id] == changed
        assert filled.count(ACME) == before
        assert filled.candidates(ACME, question("quarry"), 100).scores["bm25"][changed.chunk_id] > 0

    def test_payload_comes_back_as_it_was(self, index) -> None:
        chunks = [
            stored(
                "ß", n, text="Zeile\n\tzwei 漢字 \x00 🙂", metadata={"s": "x", "i": -3, "f": 0.1, "b": False, "": ""}
            )
            for n in range(3)
        ]
        chunks[1] = dataclasses.replace(chunks[1], page=4, page_turns=((15, 5), (20, 6)))
        index.upsert([point(chunk) for chunk in chunks])
        fetched = index.fetch(ACME, [chunk.chunk_id for chunk in chunks])
        assert fetched == {chunk.chunk_id: chunk for chunk in chunks}
        assert fetched[chunks[0].chunk_id].section == "Part one > Section 0"

    def test_an_empty_index_answers(self, index) -> None:
        found = index.candidates(ACME, question(), 10)
        assert found.dense == [] and found.bm25 == [] and not any(found.scores.values())
        index.delete_document("acme", "document-1")
        index.upsert([])
        index.flush()
        assert index.count(ACME) == 0

    def test_chunk_and_question_without_terms_or_tokens(self, index) -> None:
        bare, full = point(stored("bare", text="the of and"), tokens=0), point(stored("full", text="lantern"))
        index.upsert([bare, full])
        ids = [bare.chunk.chunk_id, full.chunk.chunk_id]
        scores = index.candidates(ACME, question("lantern"), 5).scores
        assert set(scores["dense"]) == set(ids)
        assert set(scores["bm25"]) == set(scores["maxsim"]) == {full.chunk.chunk_id}
        assert scores["bm25"] == pytest.approx(exact_bm25([bare, full], ACME, "lantern"), abs=5e-5)
        wordless = dataclasses.replace(question("of the"), tokens=np.zeros((0, 8), dtype=np.float32))
        found = index.candidates(ACME, wordless, 5)
        assert len(found.dense) == 2 and found.bm25 == []
        scores = found.scores
        assert set(scores["dense"]) == set(ids) and scores["bm25"] == scores["maxsim"] == {}
        assert index.candidates(ACME, question(), 0) == index.candidates(Scope("nobody"), question(), 5)

    def test_reopened_index_holds_everything(self, generations, filled, points) -> None:
        query = question(QUESTION)
        before = filled.candidates(ACME, query, 20)
        self.leave(filled)
        again = generations.open(GENERATION)
        assert again.candidates(ACME, query, 20) == before
        assert again.count(ACME) + again.count(GLOBEX) == len(points)
        again.close()

    @pytest.mark.parametrize(
        "change",
        [{"embedding_model": "other"}, {"dimension": 32}, {"chunker_version": "2"}, {"language": "german"}],
        ids=lambda change: next(iter(change)),
    )
    def test_another_model_chunker_or_language_is_refused(self, generations, index, change) -> None:
        self.leave(index)
        with pytest.raises(IndexMismatch, match="former settings"):
            generations.open(dataclasses.replace(GENERATION, **change))

    def test_an_index_keeps_its_own_mean_length(self, generations, index) -> None:
        self.leave(index)
        again = generations.open(dataclasses.replace(GENERATION, mean_chunk_terms=77.0))
        assert again.generation == GENERATION
        again.close()

    def test_a_new_generation_is_built_beside_the_old_and_then_activated(self, generations, filled, points) -> None:
        other = Generation("new model", 16, 8, "2", mean_chunk_terms=20.0)
        beside = generations.build(other)
        beside.upsert(points[:3])
        assert filled.count(ACME) == 60 and beside.count(ACME) == 3
        assert [one.active for one in generations.stored()] == [True, False]
        self.leave(beside)
        beside = generations.build(other)
        assert beside.count(ACME) == 3, "an unfinished generation is taken up again"
        generations.activate(beside)
        self.leave(beside)
        self.leave(filled)
        old, new = generations.stored()
        assert (old.generation, old.active) == (GENERATION, False) and (new.generation, new.active) == (other, True)
        with pytest.raises(IndexMismatch):
            generations.open(GENERATION)
        with pytest.raises(NotFound):
            generations.remove(new.name)
        generations.remove(old.name)
        assert [one.name for one in generations.stored()] == [new.name]
        again = generations.open(other)
        assert again.count(ACME) == 3
        again.close()

    def test_searches_run_while_points_are_written(self, filled, points) -> None:
        if not self.concurrent:
            pytest.skip("this stand-in of the server is not thread-safe")
        query = question(QUESTION)
        stop, failures = threading.Event(), []

        def search() -> None:
            try:
                while not stop.is_set():
                    found = filled.candidates(ACME, query, 10)
                    assert len(found.dense) == 10
                    assert all(chunk.tenant == "acme" for chunk in filled.fetch(ACME, found.dense).values())
            except Exception as failure:
                failures.append(failure)

        def write(writer: int) -> None:
            try:
                for n in range(15):
                    filled.upsert([point(stored(f"w{writer}-{n}", k)) for k in range(4)])
                    if n % 3 == 0:
                        filled.delete_document("acme", f"w{writer}-{n}")
            except Exception as failure:
                failures.append(failure)

        searchers = [threading.Thread(target=search) for _ in range(2)]
        writers = [threading.Thread(target=write, args=(n,)) for n in range(2)]
        for thread in searchers + writers:
            thread.start()
        for thread in writers:
            thread.join()
        stop.set()
        for thread in searchers:
            thread.join()
        assert failures == []
        assert filled.count(ACME) == 60 + 2 * 10 * 4
