"""Questions that were answered before, found again by nearness: what a semantic cache needs of a vector store."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

KEY_FIELD = "key"
DOCUMENTS_FIELD = "documents"
CREATED_FIELD = "created_at"
USED_FIELD = "used_at"
BODY_FIELD = "body"


@dataclasses.dataclass(frozen=True, slots=True)
class QuestionRecord:
    """One answered question. `entry_id` is a UUID; times are seconds since 1970.

    `key` holds everything that must be the same for the answer to be of use; `documents` are the ids of those it rests
    on; `body` is the owner's, stored as it is.
    """

    entry_id: str
    key: str
    question: str
    documents: tuple[str, ...]
    created_at: float
    used_at: float
    body: str


@dataclasses.dataclass(frozen=True, slots=True)
class Match:
    """`similarity` is the cosine of the two questions' embeddings."""

    record: QuestionRecord
    similarity: float


class QuestionStore(Protocol):
    """Implementations pass `tests/retrieval/question_store_contract.py`. Thread-safe and blocking.

    What is in it can always be lost: nothing is promised about a crash but that the store opens again.
    """

    def nearest(self, key: str, embedding: NDArray[np.float32], limit: int) -> list[Match]:
        """The `limit` nearest questions under exactly this key, best first."""

    def put(self, record: QuestionRecord, embedding: NDArray[np.float32]) -> None:
        """Add a question, or replace that with the same id."""

    def touch(self, entry_id: str, used_at: float, body: str | None = None) -> None:
        """Say when an entry was last of use, and change its body if one is given; an unknown id is ignored."""

    def delete(self, entry_ids: Iterable[str]) -> None: ...

    def forget_document(self, document_id: str) -> None:
        """Remove every entry that rests on this document."""

    def sweep(self, created_before: float, keep: int) -> None:
        """Remove what is older, then all but the `keep` last used."""

    def count(self) -> int: ...

    def close(self) -> None: ...


def to_payload(record: QuestionRecord) -> dict[str, Any]:
    return {**{field.name: getattr(record, field.name) for field in _FIELDS}, DOCUMENTS_FIELD: list(record.documents)}


def from_payload(payload: Mapping[str, Any]) -> QuestionRecord:
    fields = {field.name: payload[field.name] for field in _FIELDS}
    return QuestionRecord(**{**fields, DOCUMENTS_FIELD: tuple(fields[DOCUMENTS_FIELD])})


def changed_fields(used_at: float, body: str | None) -> dict[str, Any]:
    """The payload fields that `touch` writes."""
    return {USED_FIELD: used_at} if body is None else {USED_FIELD: used_at, BODY_FIELD: body}


_FIELDS = dataclasses.fields(QuestionRecord)
