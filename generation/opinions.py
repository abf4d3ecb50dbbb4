"""What a reader says of an answer."""

from __future__ import annotations

import dataclasses
import enum


class Opinion(enum.StrEnum):
    """Whether the sources carry the answer, in a reader's opinion."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"


@dataclasses.dataclass(frozen=True, slots=True)
class Feedback:
    """`author` is whoever says so, as far as the caller tells readers apart (empty: it does not)."""

    answer_id: str
    author: str = ""
    helpful: bool | None = None
    verdict: Opinion | None = None
    comment: str = ""
