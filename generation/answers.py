"""A question to the platform, the answer to it, and the events of an answer that is still being made."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, TypeAlias

from retrieval.passages import Passage, Scope
from runtime.errors import PlumblineError

Span: TypeAlias = tuple[int, int]


class OnUnsupported(enum.StrEnum):
    """What to do with a sentence that its evidence does not support."""

    FLAG = "flag"
    REDACT = "redact"
    REFUSE = "refuse"
    ESCALATE = "escalate"


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    role: str
    content: str


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """One question with everything that its caller may choose."""

    text: str
    scope: Scope
    model: str | None = None
    history: tuple[Turn, ...] = ()
    on_unsupported: OnUnsupported = OnUnsupported.FLAG
    max_latency_ms: float | None = None
    max_cost_usd: float | None = None
    use_cache: bool = True
    passages: tuple[Passage, ...] | None = None  # given: only these may be used (reading), nothing is retrieved
    top_k: int | None = None  # passages to retrieve; None: as configured
    live: bool = False  # with `flag`: text is sent while it is made, each sentence's verdict after it
    max_tokens: int | None = None  # longest answer; None: as the model is configured
    json_schema: Mapping[str, Any] | None = None  # the answer is to be JSON of this schema
    format_hint: str = ""  # the form that the caller wants, in words
    key: str = ""  # the API key that pays


@dataclasses.dataclass(frozen=True, slots=True)
class Citation:
    """`quote` is verbatim in the document at `quote_span` (offsets in the document's text)."""

    marker: int
    document_id: str
    document_name: str
    chunk_id: str
    page: int | None
    quote: str
    quote_span: Span
    answer_span: Span


@dataclasses.dataclass(frozen=True, slots=True)
class SentenceVerdict:
    """`unsupported` are the parts of an unsupported claim that the evidence does not carry: spans of the answer."""

    span: Span
    is_claim: bool
    score: float
    supported: bool
    evidence: tuple[str, ...] = ()
    unsupported: tuple[Span, ...] = ()

    def moved_to(self, start: int) -> SentenceVerdict:
        """The same verdict where the sentence begins at `start`."""
        by = start - self.span[0]
        unsupported = tuple((first + by, last + by) for first, last in self.unsupported)
        return dataclasses.replace(self, span=(start, self.span[1] + by), unsupported=unsupported)


@dataclasses.dataclass(frozen=True, slots=True)
class CheckerInfo:
    name: str
    version: str
    threshold: float


@dataclasses.dataclass(frozen=True, slots=True)
class Groundedness:
    """`score` is the probability that the whole answer is supported by its passages."""

    score: float
    supported: bool
    sentences: tuple[SentenceVerdict, ...]
    unsupported_spans: tuple[Span, ...]
    checker: CheckerInfo


@dataclasses.dataclass(frozen=True, slots=True)
class ModelUse:
    """`fallbacks` are the models that were tried before and why they fell out; `prompt` is the prompt's version."""

    name: str
    route: str
    reason: str
    escalated: bool = False
    fallbacks: tuple[str, ...] = ()
    prompt: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ModelUsage:
    """What one model did for an answer, all its calls together. `cached_prompt_tokens` are part of `prompt_tokens`."""

    model: str
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """Sums over all calls; `by_model` has the parts where language models were called."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    cached_prompt_tokens: int = 0
    by_model: tuple[ModelUsage, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class CacheUse:
    """`saved_usd` is what the answer in the cache had cost."""

    hit: bool = False
    similarity: float | None = None
    saved_usd: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    answer_id: str
    question: str
    answer: str
    refused: bool
    citations: tuple[Citation, ...]
    groundedness: Groundedness | None
    passages: tuple[Passage, ...]
    model: ModelUse
    usage: Usage
    cache: CacheUse
    timings_ms: Mapping[str, float]
    warnings: tuple[str, ...] = ()  # what the reader must know of how it came about: cut off, sentences removed
    cut_short: bool = False  # it ends at a limit of length, not where it was done
    unsupported_removed: int = 0  # sentences of models that were unsupported and that the reader therefore does not get

    def to_json(self) -> dict[str, Any]:
        """The answer of the outward contract, as plain JSON types."""
        data: dict[str, Any] = dataclasses.asdict(dataclasses.replace(self, passages=()))
        data["passages"] = [passage_to_json(passage) for passage in self.passages]
        return data


def passage_to_json(passage: Passage) -> dict[str, Any]:
    chunk = passage.chunk
    return {
        "chunk_id": chunk.chunk_id,
        "document_id": chunk.document_id,
        "document_name": chunk.document_name,
        "text": chunk.text,
        "span": [chunk.start, chunk.end],
        "page": chunk.page,
        "section": chunk.section,
        "score": passage.score,
        "scores": dict(passage.scores),
    }


@dataclasses.dataclass(frozen=True, slots=True)
class PassagesFound:
    passages: tuple[Passage, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Delta:
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class SentenceChecked:
    verdict: SentenceVerdict


@dataclasses.dataclass(frozen=True, slots=True)
class AnswerDone:
    answer: Answer


AnswerEvent: TypeAlias = PassagesFound | Delta | SentenceChecked | AnswerDone


class InvalidQuestion(PlumblineError):
    """The question is empty or longer than can be answered."""

    code = "invalid_question"
