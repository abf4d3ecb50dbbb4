"""Is every sentence of an answer supported by its passages?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from generation.answers import CheckerInfo, Groundedness, SentenceVerdict, Span
from retrieval.passages import Passage


class Checker(Protocol):
    info: CheckerInfo

    def check(self, sentence: str, span: Span, passages: Sequence[Passage]) -> SentenceVerdict:
        """The verdict on one sentence of an answer; `span` is its place in the answer."""


class VerbatimChecker:
    """Supported is what stands word for word in a passage: all that extractive answers need."""

    info = CheckerInfo("verbatim", "1", 0.5)

    def check(self, sentence: str, span: Span, passages: Sequence[Passage]) -> SentenceVerdict:
        evidence = tuple(passage.chunk.chunk_id for passage in passages if sentence in passage.context)
        return SentenceVerdict(span, True, 1.0 if evidence else 0.0, bool(evidence), evidence)


def overall(verdicts: Sequence[SentenceVerdict], info: CheckerInfo) -> Groundedness:
    """The verdict on an answer from those on its sentences: as good as the weakest claim."""
    claims = [verdict for verdict in verdicts if verdict.is_claim]
    unsupported = tuple(verdict.span for verdict in claims if not verdict.supported)
    score = min((verdict.score for verdict in claims), default=1.0)
    return Groundedness(score, not unsupported, tuple(verdicts), unsupported, info)
