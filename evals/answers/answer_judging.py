"""What of an answer cannot be told from its words alone: likeness to gold answers, and whether citations carry it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evals.answers.citation_metrics import Statement, citation_scores
from generation.checking.checker import Checker, EvidenceCheck
from generation.writing.sentence_stream import without_marks
from generation.writing.short_answers import ShortAnswers
from retrieval.embedding import Embedder
from retrieval.passages import Passage, StoredChunk


class AnswerJudge:
    """Satisfies `Judge` of evaluate_answers.py by an embedding model and a checker. Blocking."""

    def __init__(self, embedder: Embedder, checker: Checker) -> None:
        self._embedder = embedder
        self._checker = checker

    def similarity(self, answer: str, gold_answers: Sequence[str]) -> float:
        """Cosine of the answer's vector and that of the gold answer nearest to it, -1..1; long texts are cut."""
        own, *golds = (one.dense for one in self._embedder.embed_passages([answer, *gold_answers]))
        return float(np.max(np.stack(golds) @ own))

    def citations(self, answer: Mapping[str, Any]) -> tuple[float, float] | None:
        """Citation recall and precision of an answer object; `None` when it claims nothing or was not checked.

        A claim's citations are those that stand at it. Whether passages entail it is the checker's verdict on the cited
        passages alone; a short claim is read together with the question.
        """
        if answer["refused"] or not answer["groundedness"]:
            return None
        texts = _cited_texts(answer)

        @functools.cache
        def against(cited: tuple[str, ...]) -> EvidenceCheck:
            passages = [_passage(chunk_id, texts[chunk_id]) for chunk_id in cited]
            return ShortAnswers(answer["question"], self._checker.against(passages))

        def entails(cited: Sequence[str], statement: str) -> bool:
            return against(tuple(cited)).check(statement, (0, len(statement))).verdict.supported

        return citation_scores(_statements(answer), entails)


def _cited_texts(answer: Mapping[str, Any]) -> dict[str, str]:
    """The text of each passage by chunk id, with what is quoted of it where that goes beyond the chunk."""
    texts = {passage["chunk_id"]: str(passage["text"]) for passage in answer["passages"]}
    for citation in answer["citations"]:
        known = texts.get(citation["chunk_id"], "")
        if citation["quote"] not in known:
            texts[citation["chunk_id"]] = f"{known}\n\n{citation['quote']}".strip()
    return texts


def _statements(answer: Mapping[str, Any]) -> list[Statement]:
    found = []
    for sentence in answer["groundedness"]["sentences"]:
        if sentence["is_claim"]:
            start, end = sentence["span"]
            cited = [
                citation["chunk_id"]
                for citation in answer["citations"]
                if citation["answer_span"][0] < end and start < citation["answer_span"][1]
            ]
            text = without_marks(answer["answer"][start:end])[0].strip()
            found.append(Statement(text, tuple(dict.fromkeys(cited))))
    return found


def _passage(chunk_id: str, text: str) -> Passage:
    chunk = StoredChunk(
        tenant="citations",
        collection="citations",
        document_id=chunk_id,
        version=1,
        document_name=chunk_id,
        ordinal=0,
        text=text,
        start=0,
        end=len(text),
        page=None,
        heading_path=(),
        parent=(0, 0),
    )
    return Passage(chunk=chunk, score=1.0, scores={}, context=text, context_start=0)
