"""Answers given before, for questions that ask the same again.

An entry is served when its key is exactly the same, its question's embedding is near enough, and both questions agree
in everything that a vector does not tell apart (`generation.cache.question_agreement`). It carries the revision of the
collection: on another one the caller retrieves again and asks `still_valid`. Whatever goes wrong with the store is a
miss and a line in the log, never an error of the answer.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from generation.answer_json import answer_from_json, answer_to_json
from generation.answers import Answer, CacheUse, Usage
from generation.cache.metrics import CacheMetrics
from retrieval.passages import Filter, Passage, Range
from retrieval.question_store import Match, QuestionRecord, QuestionStore

CANDIDATES = 8
TOUCH_SECONDS = 600.0
SWEEP_SECONDS = 600.0

_log = logging.getLogger(__name__)

PassageIdentity: TypeAlias = tuple[str, str, int]
"""Chunk id, document id, version."""


@dataclasses.dataclass(frozen=True, slots=True)
class CacheKey:
    """Everything but the question itself that an answer depends on and that must be exactly the same.

    `model` is the model asked for (`None`: chosen by routing). `policy` stands for whatever else the installation
    answers with (its models, checker and routing), so that no answer outlives a change of them.
    """

    tenant: str
    collection: str | None = None
    filters: Mapping[str, Filter] = dataclasses.field(default_factory=dict)
    model: str | None = None
    on_unsupported: str = "flag"
    max_tokens: int | None = None
    json_schema: Mapping[str, Any] | None = None
    prompt: str | None = None
    top_k: int | None = None
    policy: str = ""

    def digest(self) -> str:
        """The key as one string, the same for equal keys whatever the order of their filters."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields["filters"] = {name: _filter(wanted) for name, wanted in self.filters.items()}
        fields["on_unsupported"] = str(self.on_unsupported)
        text = json.dumps(fields, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class CacheEntry:
    """`answer` is JSON of `generation.answer_json`; `cost_usd`, `tokens` and `seconds` are what it took to make it."""

    entry_id: str
    question: str
    answer: Mapping[str, Any]
    revision: int
    passages: frozenset[PassageIdentity]
    created_at: float
    cost_usd: float
    tokens: int
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """`similarity` is the cosine of the question's embedding with that of the entry's question."""

    similarity: float
    entry: CacheEntry


class SemanticCache:
    """Blocking and thread-safe. `disagreement` gives a word for why two questions are not the same, else None.

    `ttl_seconds` counts from when the answer was made. A lookup ends in `served`, or in `drop` when what it found is
    out of date.
    """

    def __init__(
        self,
        store: QuestionStore,
        disagreement: Callable[[str, str], str | None],
        *,
        similarity: float,
        ttl_seconds: float,
        max_entries: int,
        metrics: CacheMetrics | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._disagreement = disagreement
        self._similarity = similarity
        self._ttl = ttl_seconds
        self._max_entries = max_entries
        self._now = now
        self._counting = threading.Lock()
        self._puts = 0
        self._swept_at = float("-inf")
        self.metrics = metrics or CacheMetrics()
        self.metrics.entries.set_function(self._entries)

    def look_up(self, key: CacheKey, question: str, embedding: NDArray[np.float32]) -> Found | None:
        """The nearest entry that asks the same; `embedding` (d,) is that of the question, of length 1."""
        self.metrics.lookups.inc()
        reason = "error"
        with self._sparing("looked up"):
            found, reason = self._look_up(key, question, embedding)
            if found is not None:
                return found
        self.metrics.misses.labels(reason).inc()
        return None

    def still_valid(self, entry: CacheEntry, passages: Sequence[Passage]) -> bool:
        """Whether retrieval gives the passages that the entry was answered from, in the same versions."""
        return entry.passages == _identities(passages)

    def served(self, found: Found) -> Answer | None:
        """The answer of an entry, counted as a hit; None (a miss) when it cannot be read.

        It has the text and question of when it was made, costs nothing now, and its `cache` says so. The caller gives
        it an id, question and times of its own.
        """
        entry = found.entry
        try:
            made = answer_from_json(entry.answer)
        except (KeyError, TypeError, ValueError):
            _log.warning("An entry of the semantic cache cannot be read; it is dropped", exc_info=True)
            self.metrics.misses.labels("unreadable").inc()
            self._remove(entry)
            return None
        self.metrics.hits.inc()
        self.metrics.saved_usd.inc(max(0.0, entry.cost_usd))
        self.metrics.saved_tokens.inc(max(0, entry.tokens))
        self.metrics.saved_seconds.inc(max(0.0, entry.seconds))
        use = CacheUse(hit=True, similarity=found.similarity, saved_usd=entry.cost_usd)
        return dataclasses.replace(made, cache=use, usage=Usage())

    def put(
        self,
        key: CacheKey,
        question: str,
        embedding: NDArray[np.float32],
        answer: Answer,
        passages: Sequence[Passage],
        revision: int,
    ) -> None:
        """Keep an answer. `passages` are those that retrieval gave; `revision` was read before it ran."""
        with self._sparing("written"):
            digest, now = key.digest(), self._now()
            entry_id = str(uuid.uuid4())
            for match in self._store.nearest(digest, embedding, 1):
                if match.record.question == question:
                    entry_id = match.record.entry_id  # the newer answer takes its place
            identities = _identities(passages)
            body = {
                "answer": answer_to_json(answer),
                "revision": revision,
                "passages": sorted(identities),
                "cost_usd": answer.usage.cost_usd,
                "tokens": answer.usage.prompt_tokens + answer.usage.completion_tokens,
                "seconds": answer.timings_ms.get("total", 0.0) / 1000,
            }
            documents = tuple(sorted({document for _, document, _ in identities}))
            record = QuestionRecord(entry_id, digest, question, documents, now, now, _dump(body))
            self._store.put(record, embedding)
            if self._sweep_is_due(now):
                self._store.sweep(now - self._ttl, self._max_entries)

    def refresh(self, entry: CacheEntry, revision: int) -> None:
        """Say that an entry is right at this revision, the one that was read before retrieval ran again."""
        with self._sparing("refreshed"):
            body = {
                "answer": entry.answer,
                "revision": revision,
                "passages": sorted(entry.passages),
                "cost_usd": entry.cost_usd,
                "tokens": entry.tokens,
                "seconds": entry.seconds,
            }
            self._store.touch(entry.entry_id, self._now(), _dump(body))

    def drop(self, entry: CacheEntry) -> None:
        """Remove an entry whose passages are no longer those that retrieval gives; counted as a miss."""
        self.metrics.stale.inc()
        self.metrics.misses.labels("stale").inc()
        self._remove(entry)

    def forget_document(self, document_id: str) -> None:
        """Remove every answer that rests on a document, so that nothing of a deleted one stays on the disk for long."""
        with self._sparing("cleared of a document"):
            self._store.forget_document(document_id)

    def close(self) -> None:
        with self._sparing("closed"):
            self._store.close()

    def _look_up(self, key: CacheKey, question: str, embedding: NDArray[np.float32]) -> tuple[Found | None, str]:
        reason, now = "nothing_near", self._now()
        for match in self._store.nearest(key.digest(), embedding, CANDIDATES):
            if match.similarity < self._similarity:
                break
            if match.record.created_at < now - self._ttl:
                reason = "expired"
                continue
            why = self._disagreement(question, match.record.question)
            if why is not None:
                reason = why
                continue
            if now - match.record.used_at > TOUCH_SECONDS:
                self._store.touch(match.record.entry_id, now)
            return Found(match.similarity, _entry(match)), ""
        return None, reason

    def _remove(self, entry: CacheEntry) -> None:
        with self._sparing("rid of an entry"):
            self._store.delete([entry.entry_id])

    def _entries(self) -> float:
        found = float("nan")
        with self._sparing("counted"):
            found = float(self._store.count())
        return found

    def _sweep_is_due(self, now: float) -> bool:
        """Every fiftieth part of the size, and now and then, so that the size is kept within that part."""
        with self._counting:
            self._puts += 1
            if self._puts < max(1, self._max_entries // 50) and now - self._swept_at < SWEEP_SECONDS:
                return False
            self._puts, self._swept_at = 0, now
            return True

    @contextlib.contextmanager
    def _sparing(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001  Edge raises bare ones, and no failure of a cache may fail an answer
            self.metrics.errors.inc()
            _log.warning("The semantic cache could not be %s", what, exc_info=True)


def _identities(passages: Sequence[Passage]) -> frozenset[PassageIdentity]:
    return frozenset((one.chunk.chunk_id, one.chunk.document_id, one.chunk.version) for one in passages)


def _entry(match: Match) -> CacheEntry:
    body = json.loads(match.record.body)
    return CacheEntry(
        entry_id=match.record.entry_id,
        question=match.record.question,
        answer=body["answer"],
        revision=body["revision"],
        passages=frozenset((chunk, document, version) for chunk, document, version in body["passages"]),
        created_at=match.record.created_at,
        cost_usd=body["cost_usd"],
        tokens=body["tokens"],
        seconds=body["seconds"],
    )


def _dump(body: Mapping[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"))  # ASCII: also what is not valid Unicode comes back as it was


def _filter(wanted: Filter) -> Any:
    if isinstance(wanted, Range):
        return {"gte": wanted.gte, "lte": wanted.lte}
    return wanted if isinstance(wanted, str | int | float) else sorted(wanted, key=repr)
