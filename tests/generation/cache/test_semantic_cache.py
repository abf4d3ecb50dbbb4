from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from generation.answer_json import answer_from_json, answer_to_json
from generation.answers import (
    Answer,
    CacheUse,
    CheckerInfo,
    Citation,
    Groundedness,
    ModelUsage,
    ModelUse,
    OnUnsupported,
    SentenceVerdict,
    Usage,
)
from generation.cache.assembly import build_semantic_cache
from generation.cache.question_agreement import disagreement
from generation.cache.semantic_cache import CacheKey, SemanticCache
from retrieval.edge_question_store import EdgeQuestionStore
from retrieval.passages import Passage, Range, StoredChunk
from runtime.settings import Settings

KEY = CacheKey("acme", "handbook")
QUESTION = "How much does the premium plan cost per month?"
AGAIN = "What is the monthly price of the premium plan?"


def vector(angle: float) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle), 0, 0], dtype=np.float32)


def passage(ordinal: int = 0, version: int = 1) -> Passage:
    chunk = StoredChunk(
        "acme", "handbook", "d1", version, "d1.pdf", ordinal, "It costs 9 euros.", 5, 22, 3, ("Plans", "Premium"),
        (0, 22), {"year": 2024}, ((10, 4),),
    )  # fmt: skip
    return Passage(chunk, 0.5, {"dense": 0.4}, chunk.text, chunk.start)


def answer() -> Answer:
    verdict = SentenceVerdict((0, 17), True, 0.9, True, ("c1",))
    return Answer(
        answer_id="a1",
        question=QUESTION,
        answer="It costs 9 euros. [1]",
        refused=False,
        citations=(Citation(1, "d1", "d1.pdf", passage().chunk.chunk_id, 3, "It costs 9 euros.", (5, 22), (0, 17)),),
        groundedness=Groundedness(0.9, True, (verdict,), ((3, 4),), CheckerInfo("coverage", "1", 0.5)),
        passages=(passage(), passage(1)),
        model=ModelUse("big", "powerful", "hard", True, ("small: down",), "answer-1"),
        usage=Usage(900, 100, 0.02, 10, (ModelUsage("big", 900, 10, 100, 0.02),)),
        cache=CacheUse(),
        timings_ms={"total": 2500.0},
        warnings=("cut",),
    )


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> Iterator[SemanticCache]:
    store = EdgeQuestionStore(tmp_path / "cache", "m", 4)
    one = SemanticCache(store, disagreement, similarity=0.8, ttl_seconds=3600, max_entries=5, now=clock)
    yield one
    one.close()


def put(cache: SemanticCache, key: CacheKey = KEY, question: str = QUESTION, revision: int = 7) -> None:
    cache.put(key, question, vector(0), answer(), [passage()], revision)


def metric(cache: SemanticCache, name: str) -> float:
    registry = CollectorRegistry()
    registry.register(cache.metrics)
    lines = generate_latest(registry).decode().splitlines()
    return float(next(line for line in lines if line.startswith(name + " ")).rsplit(" ", 1)[1])


def test_an_answer_comes_back_from_json() -> None:
    made = answer()
    again = answer_from_json(json.loads(json.dumps(answer_to_json(made))))
    assert again == made
    assert again.to_json() == made.to_json()
    refused = dataclasses.replace(made, refused=True, groundedness=None, citations=())
    assert answer_from_json(json.loads(json.dumps(answer_to_json(refused)))) == refused


def test_the_same_question_in_other_words_is_served(cache: SemanticCache) -> None:
    put(cache)
    found = cache.look_up(KEY, AGAIN, vector(0.3))
    assert found is not None
    assert found.similarity == pytest.approx(np.cos(0.3), abs=1e-4)
    assert (found.entry.revision, found.entry.question) == (7, QUESTION)
    served = cache.served(found)
    assert served is not None
    assert served.cache == CacheUse(True, found.similarity, 0.02)
    assert served.usage == Usage()
    assert served.citations == answer().citations and served.passages == answer().passages
    assert metric(cache, "plumbline_cache_hits_total") == 1
    assert metric(cache, "plumbline_cache_saved_usd_total") == pytest.approx(0.02)
    assert metric(cache, "plumbline_cache_saved_tokens_total") == 1000
    assert metric(cache, "plumbline_cache_saved_seconds_total") == 2.5
    assert metric(cache, "plumbline_cache_entries") == 1


def test_a_near_question_that_asks_something_else_is_not(cache: SemanticCache) -> None:
    put(cache)
    for other, reason in [
        ("How much does the premium plan cost per year?", "words"),
        ("How much did the premium plan cost per month?", "tense"),
        ("How much does the premium plan not cost per month?", "negation"),
    ]:
        assert cache.look_up(KEY, other, vector(0)) is None
        assert metric(cache, f'plumbline_cache_misses_total{{reason="{reason}"}}') == 1
    assert cache.look_up(KEY, QUESTION, vector(1.0)) is None
    assert metric(cache, 'plumbline_cache_misses_total{reason="nothing_near"}') == 1
    assert metric(cache, "plumbline_cache_lookups_total") == 4


@pytest.mark.parametrize(
    "change",
    [
        {"tenant": "globex"},
        {"collection": None},
        {"collection": "other"},
        {"filters": {"year": 2023}},
        {"filters": {"year": Range(gte=2023)}},
        {"model": "big"},
        {"on_unsupported": "refuse"},
        {"max_tokens": 10},
        {"json_schema": {"type": "object"}},
        {"prompt": "answer-2"},
        {"top_k": 3},
        {"policy": "other models"},
    ],
)
def test_every_part_of_the_key_must_be_the_same(cache: SemanticCache, change: dict) -> None:
    put(cache)
    other = dataclasses.replace(KEY, **change)
    assert cache.look_up(other, QUESTION, vector(0)) is None
    put(cache, other)
    assert cache.look_up(other, QUESTION, vector(0)) is not None


def test_a_key_does_not_depend_on_the_order_of_filters() -> None:
    one = CacheKey("t", filters={"a": [1, 2], "b": "x"}, on_unsupported=OnUnsupported.FLAG)
    other = CacheKey("t", filters={"b": "x", "a": [2, 1]}, on_unsupported="flag")
    assert one.digest() == other.digest()


def test_passages_decide_after_a_change_of_the_collection(cache: SemanticCache) -> None:
    put(cache)
    found = cache.look_up(KEY, QUESTION, vector(0))
    assert found is not None
    assert cache.still_valid(found.entry, [passage()])
    assert not cache.still_valid(found.entry, [passage(version=2)])
    assert not cache.still_valid(found.entry, [passage(), passage(1)])
    cache.refresh(found.entry, 9)
    again = cache.look_up(KEY, QUESTION, vector(0))
    assert again is not None and again.entry == dataclasses.replace(found.entry, revision=9)
    cache.drop(again.entry)
    assert cache.look_up(KEY, QUESTION, vector(0)) is None
    assert metric(cache, "plumbline_cache_stale_total") == 1


def test_entries_grow_old(cache: SemanticCache, clock: Clock) -> None:
    put(cache)
    clock.now += 3599
    found = cache.look_up(KEY, QUESTION, vector(0))
    assert found is not None
    cache.refresh(found.entry, 8)  # a refresh makes no answer younger
    clock.now += 2
    assert cache.look_up(KEY, QUESTION, vector(0)) is None
    assert metric(cache, 'plumbline_cache_misses_total{reason="expired"}') == 1


def test_the_size_is_kept_and_what_is_used_stays(cache: SemanticCache, clock: Clock) -> None:
    for number in range(12):
        put(cache, question=f"What is rule {number}?")
        clock.now += 700
        if number >= 1:
            assert cache.look_up(KEY, "What is rule 1?", vector(0)) is not None or clock.now > 4700
    assert metric(cache, "plumbline_cache_entries") <= 5


def test_the_same_question_again_takes_the_place_of_its_entry(cache: SemanticCache) -> None:
    put(cache, revision=7)
    put(cache, revision=8)
    found = cache.look_up(KEY, QUESTION, vector(0))
    assert found is not None and found.entry.revision == 8
    cache.drop(found.entry)
    assert cache.look_up(KEY, QUESTION, vector(0)) is None


def test_a_deleted_document_takes_its_answers_with_it(cache: SemanticCache) -> None:
    put(cache)
    cache.forget_document("another")
    assert cache.look_up(KEY, QUESTION, vector(0)) is not None
    cache.forget_document("d1")
    assert cache.look_up(KEY, QUESTION, vector(0)) is None


class _Broken:
    def __getattr__(self, name: str):
        def fail(*_: object) -> None:
            raise RuntimeError("the disk is gone")

        return fail


def test_a_broken_store_is_a_miss(cache: SemanticCache) -> None:
    put(cache)
    found = cache.look_up(KEY, QUESTION, vector(0))
    assert found is not None
    broken = SemanticCache(_Broken(), disagreement, similarity=0.8, ttl_seconds=1, max_entries=1)
    assert broken.look_up(KEY, QUESTION, vector(0)) is None
    put(broken)
    broken.refresh(found.entry, 1)
    broken.drop(found.entry)
    broken.forget_document("d")
    broken.close()
    assert metric(broken, "plumbline_cache_errors_total") == 6
    assert metric(broken, 'plumbline_cache_misses_total{reason="error"}') == 1


def test_an_entry_that_cannot_be_read_is_dropped(cache: SemanticCache) -> None:
    put(cache)
    found = cache.look_up(KEY, QUESTION, vector(0))
    assert found is not None
    odd = dataclasses.replace(found, entry=dataclasses.replace(found.entry, answer={"answer": 1}))
    assert cache.served(odd) is None
    assert cache.look_up(KEY, QUESTION, vector(0)) is None


class _Embedder:
    name, dimension = "m", 4


def test_built_from_settings(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    built = build_semantic_cache(settings, _Embedder())
    assert built is not None
    assert build_semantic_cache(settings, _Embedder()) is None, "the folder is taken: no cache, but no failure either"
    built.close()
    assert build_semantic_cache(Settings(data_dir=tmp_path, semantic_cache=False), _Embedder()) is None
