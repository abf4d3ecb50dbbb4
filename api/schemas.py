"""Shapes of requests and responses at the HTTP edge."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ingestion.names import InvalidMetadata, checked_metadata

MAX_QUESTION_CHARS = 20_000
MAX_HISTORY_TURNS = 50
MAX_FILTERS = 32
MAX_FILTER_VALUES = 256

DocumentStatus: TypeAlias = Literal[
    "queued", "parsing", "chunking", "embedding", "indexing", "ready", "failed", "cancelled", "deleting"
]
JobStatus: TypeAlias = DocumentStatus | Literal["deleted"]


def _text(text: str) -> str:
    """What every store and model can take: JSON can also spell lone surrogates and NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("The text holds broken characters (lone surrogates). Remove them.") from None
    if "\0" in text:
        raise ValueError("The text holds a NUL character. Remove it.")
    return text


Text: TypeAlias = Annotated[str, AfterValidator(_text)]
Identifier: TypeAlias = Annotated[str, StringConstraints(max_length=100, pattern=r"^[\x21-\x7e]+$")]
CollectionName: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_text)]


def _question(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("invalid_question", "The question is empty. Write what you want to know.")
    if len(text) > MAX_QUESTION_CHARS:
        raise PydanticCustomError(
            "invalid_question",
            "The question has {length} characters; at most {limit} can be answered. Ask for less, or upload the long "
            "text as a document.",
            {"length": f"{len(text):,}", "limit": f"{MAX_QUESTION_CHARS:,}"},
        )
    return text


QuestionText: TypeAlias = Annotated[Text, AfterValidator(_question)]
Scalar: TypeAlias = Annotated[bool | int | float | Text, Field(union_mode="smart")]
FilterValues: TypeAlias = Annotated[list[Scalar], Field(min_length=1, max_length=MAX_FILTER_VALUES)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RangeFilter(Body):
    """Inclusive bounds on a number; one side may stay open."""

    gte: Annotated[float, Field(allow_inf_nan=False)] | None = None
    lte: Annotated[float, Field(allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _bounded(self) -> RangeFilter:
        if self.gte is None and self.lte is None:
            raise ValueError('a range has "gte", "lte" or both')
        return self


FilterBody: TypeAlias = Scalar | FilterValues | RangeFilter


class ScopeChoice(Body):
    """Where to look."""

    collection: CollectionName | None = Field(None, description="Only this collection; absent: all of them.")
    filters: dict[str, FilterBody] = Field(
        default_factory=dict,
        max_length=MAX_FILTERS,
        description='Metadata must match: a value, one of a list of values, or a range {"gte", "lte"}.',
        examples=[{"department": "sales", "year": {"gte": 2024}}],
    )
    top_k: int | None = Field(None, ge=1, le=100, description="How many passages; absent: the configured number.")

    @field_validator("filters")
    @classmethod
    def _as_documents_carry_it(cls, filters: dict[str, FilterBody]) -> dict[str, FilterBody]:
        for name, value in filters.items():
            for scalar in [True] if isinstance(value, RangeFilter) else value if isinstance(value, list) else [value]:
                try:
                    checked_metadata({name: scalar})
                except InvalidMetadata as error:
                    raise ValueError(error.message) from None
        return filters


class AnswerChoice(ScopeChoice):
    """What a caller may choose about an answer, whichever call asks for it."""

    on_unsupported: Literal["flag", "redact", "refuse", "escalate"] = "flag"
    max_latency_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    max_cost_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    cache: bool = True


class SearchRequest(ScopeChoice):
    question: QuestionText


class TurnBody(Body):
    role: Literal["user", "assistant"]
    content: Annotated[Text, Field(max_length=MAX_QUESTION_CHARS)]


class AskRequest(AnswerChoice):
    question: QuestionText
    model: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    history: Annotated[list[TurnBody], Field(max_length=MAX_HISTORY_TURNS)] = Field(default_factory=list)
    stream: bool = False
    store: bool = Field(
        True, description="false: the answer is not kept, cannot be looked up later, and counts in no rate."
    )


class Problem(BaseModel):
    """RFC 9457. `code` is stable; `detail` says what is wrong and what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    retryable: bool
    request_id: str
    errors: list[dict[str, str]] | None = None


class Live(BaseModel):
    status: Literal["live"]


class Ready(BaseModel):
    status: Literal["ready", "not_ready"]
    checks: dict[str, str]


class ErrorBody(BaseModel):
    """Why a document or job failed: a stable code, and a sentence for the owner of the document."""

    code: str
    message: str


class DocumentBody(BaseModel):
    """`status` tells how the last upload fares; `searchable` whether some version of the document is found."""

    document_id: str
    collection: str
    name: str
    status: DocumentStatus
    searchable: bool
    title: str | None
    media_type: str | None
    language: str | None
    pages: int | None
    chunks: int | None
    warnings: list[str]
    size_bytes: int
    content_hash: str = Field(description="SHA-256 of the last upload")
    metadata: dict[str, bool | int | float | str]
    error: ErrorBody | None
    job_id: str
    created_at: datetime.datetime
    updated_at: datetime.datetime


class DocumentList(BaseModel):
    documents: list[DocumentBody]
    next_cursor: str | None


class JobBody(BaseModel):
    job_id: str
    document_id: str
    document_name: str
    collection: str
    kind: Literal["ingest", "delete"]
    status: JobStatus
    stage: str | None = Field(description="What is being done now; null before and after")
    progress: float = Field(description="0..1 over the whole job")
    timings: dict[str, float] = Field(description="Seconds per stage")
    attempts: int
    cancel_requested: bool
    error: ErrorBody | None
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None


class UploadAccepted(BaseModel):
    document_id: str
    job_id: str | None
    status: DocumentStatus | Literal["unchanged"]


class JobAccepted(BaseModel):
    document_id: str
    job_id: str
    status: JobStatus


class PassageBody(BaseModel):
    chunk_id: str
    document_id: str
    document_name: str
    text: str
    span: tuple[int, int] = Field(description="[start, end) in characters of the document's text")
    page: int | None
    section: str
    score: float
    scores: dict[str, float]


class SearchResponse(BaseModel):
    passages: list[PassageBody]
    timings_ms: dict[str, float]


class CitationBody(BaseModel):
    marker: int
    document_id: str
    document_name: str
    chunk_id: str
    page: int | None
    quote: str
    quote_span: tuple[int, int]
    answer_span: tuple[int, int]


class SentenceBody(BaseModel):
    span: tuple[int, int]
    is_claim: bool
    score: float
    supported: bool
    evidence: list[str]
    unsupported: list[tuple[int, int]]


class CheckerBody(BaseModel):
    name: str
    version: str
    threshold: float


class GroundednessBody(BaseModel):
    score: float
    supported: bool
    sentences: list[SentenceBody]
    unsupported_spans: list[tuple[int, int]]
    checker: CheckerBody


class ModelBody(BaseModel):
    name: str
    route: str
    reason: str
    escalated: bool
    fallbacks: list[str] = Field(description="Models that were tried before, and why they fell out")
    prompt: str | None = Field(description="Version of the prompt; null where none was used")


class ModelUsageBody(BaseModel):
    model: str
    prompt_tokens: int
    cached_prompt_tokens: int
    completion_tokens: int
    cost_usd: float


class UsageBody(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    cached_prompt_tokens: int = Field(description="The part of `prompt_tokens` that the provider had in its cache")
    by_model: list[ModelUsageBody]


class CacheBody(BaseModel):
    hit: bool
    similarity: float | None
    saved_usd: float = Field(description="On a hit: what the answer in the cache had cost")


class AnswerBody(BaseModel):
    answer_id: str
    question: str
    answer: str
    refused: bool
    citations: list[CitationBody]
    groundedness: GroundednessBody | None
    passages: list[PassageBody]
    model: ModelBody
    usage: UsageBody
    cache: CacheBody
    timings_ms: dict[str, float]
    warnings: list[str] = Field(description="What a reader must know of how the answer came about")
    cut_short: bool = Field(description="It ends at a limit of length, not where it was done")
    unsupported_removed: int = Field(
        0,
        description="Unsupported sentences of models that are not in it: written anew by another model, taken out, or "
        "the reason of the refusal",
    )


class UsageSumsBody(BaseModel):
    """Prompt tokens include those that the provider had in its cache."""

    answers: int
    prompt_tokens: int
    cached_prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    cache_hits: int
    saved_usd: float = Field(description="What the answers served from the cache had cost when they were made")


class UsageRowBody(UsageSumsBody):
    group: str = Field(description="The day (YYYY-MM-DD), model or key; empty for calls without a key")


class UsageReport(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    first: datetime.date = Field(serialization_alias="from")
    last: datetime.date = Field(serialization_alias="to")
    group_by: Literal["day", "model", "key"]
    rows: list[UsageRowBody]
    total: UsageSumsBody
