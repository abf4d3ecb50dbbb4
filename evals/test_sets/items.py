"""A question of a test set, as it is drafted, judged by a person, and read by `plumb eval answers`."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from retrieval.passages import StoredChunk


class ItemStatus(enum.StrEnum):
    """Only `REJECTED` keeps an item out of an evaluation."""

    DRAFTED = "drafted"
    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """Where the answer stands: `quote` is verbatim in the chunk."""

    document_id: str
    document_name: str
    chunk_id: str
    quote: str

    @classmethod
    def of(cls, chunk: StoredChunk, quote: str) -> Evidence:
        return cls(chunk.document_id, chunk.document_name, chunk.chunk_id, quote)


@dataclasses.dataclass(frozen=True, slots=True)
class TestItem:
    """`answers` are verbatim in the evidence, the fullest first. `drafted_by` is `rule` or the prompt and its model.

    `near` is what an unanswerable question was made from: the person who reviews it sees what it must not be mixed up
    with.
    """

    __test__ = False  # no test for pytest

    id: str
    question: str
    answers: tuple[str, ...]
    answerable: bool
    kind: str
    evidence: tuple[Evidence, ...]
    near: tuple[Evidence, ...] = ()
    drafted_by: str = "rule"
    status: ItemStatus = ItemStatus.DRAFTED

    def to_json(self) -> dict[str, Any]:
        """A line of a test set: the form that `plumb eval answers` reads, with what a reviewer needs beside it."""
        return {
            "id": self.id,
            "question": self.question,
            "answers": list(self.answers),
            "answerable": self.answerable,
            "kind": self.kind,
            "evidence": [dataclasses.asdict(one) for one in self.evidence],
            "near": [dataclasses.asdict(one) for one in self.near],
            "drafted_by": self.drafted_by,
            "status": self.status.value,
        }


def edited(row: Mapping[str, Any], *, question: str | None = None, answers: list[str] | None = None) -> dict[str, Any]:
    """A line with another question or other answers, marked as edited."""
    changed = dict(row) | {"status": ItemStatus.EDITED.value}
    if question is not None:
        changed["question"] = question
    if answers is not None:
        changed["answers"] = answers
    return changed
