"""Sentences of the retrieved passages, and what each has to do with the question."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generation.extraction.candidate_sentences import Sentence, candidate_sentences
from generation.extraction.question_kinds import kind_match
from retrieval.embedding import Embedder
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage
from retrieval.token_vectors import max_similarity

MAX_SENTENCES = 24
"""Sentences that are embedded for one question: the best by BM25 and those of the first chunk."""

_K1, _B = 1.2, 0.75
_NAME = re.compile(r"(?<=\s)[^\W\d_a-z][\w-]+|\b\d[\d.,:]*\d\b|\b\d\b")


FEATURES = (
    "cosine",
    "max_similarity",
    "weakest_token",
    "coverage",
    "coverage_with_neighbours",
    "names_covered",
    "bm25",
    "kind_match",
    "rank",
    "new_terms",
    "is_question",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """Candidate sentences with one row of `FEATURES` each: float32 (sentences, features)."""

    sentences: list[Sentence]
    features: NDArray[np.float32]


def gather(question: str, passages: Sequence[Passage], embedder: Embedder, lexical: LexicalEncoder) -> Evidence:
    """The sentences that may answer the question, with their features."""
    pool = candidate_sentences(passages)
    if not pool:
        return Evidence([], np.zeros((0, len(FEATURES)), dtype=np.float32))
    asked = sorted(set(lexical.terms(question)))
    terms = [lexical.terms(sentence.scored) for sentence in pool]
    headings = {one.passage.chunk.chunk_id: set(lexical.terms(_heading(one.passage))) for one in pool}
    bm25 = bm25_scores(asked, terms)
    chosen = _preselect(pool, bm25)
    asked_vectors = embedder.embed_query(question)
    embeddings = embedder.embed_passages([pool[position].scored for position in chosen])
    weights = _idf(asked, terms)
    best_bm25 = max(float(bm25.max()), 1e-6)
    names = names_in(question)
    rows = []
    for position, embedding in zip(chosen, embeddings, strict=True):
        sentence, own = pool[position], set(terms[position])
        near = own | headings[sentence.passage.chunk.chunk_id]
        for other in (position - 1, position + 1):
            if 0 <= other < len(pool) and pool[other].passage is sentence.passage:
                near |= set(terms[other])
        rows.append(
            (
                float(asked_vectors.dense @ embedding.dense),
                max_similarity(asked_vectors.tokens, embedding.tokens),
                _weakest(asked_vectors.tokens, embedding.tokens),
                _coverage(asked, weights, own),
                _coverage(asked, weights, near),
                _names_covered(names, sentence.passage),
                float(bm25[position]) / best_bm25,
                kind_match(question, sentence.scored),
                1.0 / (1 + sentence.rank),
                min(1.0, len(own.difference(asked)) / 5),
                float(sentence.text.rstrip().endswith("?")),
            )
        )
    return Evidence([pool[position] for position in chosen], np.array(rows, dtype=np.float32))


class Bm25:
    """BM25 over a handful of documents (lists of terms), with an IDF that is never negative.

    rank-bm25's own IDF is negative for a term in more than half of the documents, which among a handful of sentences is
    every term that matters; ln(1 + (N - n + 0.5) / (n + 0.5)) is not. Not changed once made.
    """

    def __init__(self, documents: Sequence[Sequence[int]]) -> None:
        from rank_bm25 import BM25Okapi

        self._count = len(documents)
        self._model = BM25Okapi([list(one) for one in documents], k1=_K1, b=_B) if any(documents) else None
        self._frequencies: Counter[int] = Counter()
        if self._model is not None:
            for terms in self._model.doc_freqs:
                self._frequencies.update(terms.keys())
            self._model.idf = {
                term: float(np.log(1 + (self._count - n + 0.5) / (n + 0.5))) for term, n in self._frequencies.items()
            }

    def scores(self, asked: Sequence[int]) -> NDArray[np.float64]:
        """The score of each document: float64 (documents,)."""
        if self._model is None:
            return np.zeros(self._count)
        scores: NDArray[np.float64] = self._model.get_scores(list(asked))
        return scores

    def highest(self, asked: Sequence[int]) -> float:
        """What a document would score that consists of the asked terms alone, unseen ones as the rarest."""
        if self._model is None:
            return 0.0
        norm = _K1 * (1 - _B + _B * len(asked) / self._model.avgdl)
        return float(sum(self._model.idf.get(term, self._rarest()) * (_K1 + 1) / (1 + norm) for term in asked))

    def _rarest(self) -> float:
        return float(np.log(1 + (self._count + 0.5) / 0.5))


def bm25_scores(asked: Sequence[int], documents: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """BM25 of each document for the asked terms."""
    return Bm25(documents).scores(asked)


def _preselect(pool: Sequence[Sentence], bm25: NDArray[np.float64]) -> list[int]:
    first = [position for position, one in enumerate(pool) if one.rank == 0 and _in_chunk(one)]
    best = [int(position) for position in np.argsort(-bm25, kind="stable")]
    return sorted(list(dict.fromkeys([*first[: MAX_SENTENCES // 2], *best]))[:MAX_SENTENCES])


def _in_chunk(sentence: Sentence) -> bool:
    chunk = sentence.passage.chunk
    return sentence.start < chunk.end and chunk.start < sentence.end


def _idf(asked: Sequence[int], documents: Sequence[Sequence[int]]) -> dict[int, float]:
    count = len(documents)
    sets = [set(document) for document in documents]
    return {term: float(np.log(1 + (count + 1) / (0.5 + sum(term in one for one in sets)))) for term in asked}


def _coverage(asked: Sequence[int], weights: dict[int, float], own: set[int]) -> float:
    total = sum(weights.values())
    return sum(weights[term] for term in asked if term in own) / total if total else 0.0


def names_in(question: str) -> frozenset[str]:
    """What the passages must speak of too: numbers, and capitalised words but the first; case folded."""
    return frozenset(match.group().casefold() for match in _NAME.finditer(question))


def _names_covered(names: frozenset[str], passage: Passage) -> float:
    if not names:
        return 1.0
    known = f"{passage.context} {_heading(passage)}".casefold()
    return sum(name in known for name in names) / len(names)


def _weakest(asked: NDArray[np.float32], tokens: NDArray[np.float32]) -> float:
    """Mean of the worst quarter of the question's tokens: what the sentence does not speak of."""
    if not len(asked) or not len(tokens):
        return 0.0
    best = np.sort((asked @ tokens.T).max(axis=1))
    return float(best[: max(1, len(best) // 4)].mean())


def _heading(passage: Passage) -> str:
    return " ".join((*passage.chunk.heading_path, passage.chunk.document_name))
