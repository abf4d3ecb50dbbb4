"""An answer as JSON from which it can be made again: the outward contract's form, each passage with its whole chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generation.answers import (
    Answer,
    CacheUse,
    CheckerInfo,
    Citation,
    Groundedness,
    ModelUsage,
    ModelUse,
    SentenceVerdict,
    Span,
    Usage,
)
from retrieval.index_payload import from_payload, to_payload
from retrieval.passages import Passage


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """`Answer.to_json`, and under `chunk` of each passage what `answer_from_json` needs beyond it."""
    data = answer.to_json()
    for shown, passage in zip(data["passages"], answer.passages, strict=True):
        shown["chunk"] = to_payload(passage.chunk)
    return data


def answer_from_json(data: Mapping[str, Any]) -> Answer:
    """The answer of `answer_to_json`, before or after a way through JSON text.

    The passages come back without the neighbours around them, which only matter while an answer is made.
    Raises KeyError, TypeError or ValueError for anything else.
    """
    graded = data["groundedness"]
    return Answer(
        **{
            **data,
            "citations": tuple(_citation(citation) for citation in data["citations"]),
            "groundedness": None if graded is None else _groundedness(graded),
            "passages": tuple(_passage(passage) for passage in data["passages"]),
            "model": ModelUse(**{**data["model"], "fallbacks": tuple(data["model"]["fallbacks"])}),
            "usage": _usage(data["usage"]),
            "cache": CacheUse(**data["cache"]),
            "warnings": tuple(data["warnings"]),
        }
    )


def _citation(data: Mapping[str, Any]) -> Citation:
    return Citation(
        **{**data, "quote_span": _span(data["quote_span"]), "answer_span": _span(data["answer_span"])},
    )


def _groundedness(data: Mapping[str, Any]) -> Groundedness:
    sentences = tuple(
        SentenceVerdict(
            **{
                **one,
                "span": _span(one["span"]),
                "evidence": tuple(one["evidence"]),
                "unsupported": tuple(map(_span, one.get("unsupported", ()))),  # answers of earlier versions have none
            }
        )
        for one in data["sentences"]
    )
    spans = tuple(_span(span) for span in data["unsupported_spans"])
    checker = CheckerInfo(**data["checker"])
    return Groundedness(data["score"], data["supported"], sentences, spans, checker)


def _usage(data: Mapping[str, Any]) -> Usage:
    return Usage(**{**data, "by_model": tuple(ModelUsage(**one) for one in data["by_model"])})


def _passage(data: Mapping[str, Any]) -> Passage:
    chunk = from_payload(data["chunk"])
    return Passage(chunk, data["score"], data["scores"], chunk.text, chunk.start)


def _span(pair: Any) -> Span:
    start, end = pair
    return int(start), int(end)
