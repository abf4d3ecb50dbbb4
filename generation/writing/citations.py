"""Which places of the documents a sentence may cite: what the model named, checked, mended or dropped."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from generation.answers import Citation, Span
from generation.checking.checker import Checked, Support

MOST_PER_SENTENCE = 3
CLEARLY_BETTER = 0.15
"""Another passage must support a sentence by this much more before it is added to those that the model named."""


@dataclasses.dataclass(frozen=True, slots=True)
class CitationCounts:
    """What became of the marks of a model. `mended`: another passage is cited than was named, or none had been."""

    kept: int = 0
    mended: int = 0
    dropped: int = 0
    invented: int = 0

    def __add__(self, other: CitationCounts) -> CitationCounts:
        return CitationCounts(
            self.kept + other.kept,
            self.mended + other.mended,
            self.dropped + other.dropped,
            self.invented + other.invented,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Cited:
    """The places to cite, best first, and what became of the marks."""

    supports: tuple[Support, ...]
    counts: CitationCounts


def verified(checked: Checked, named: Sequence[str | None], threshold: float) -> Cited:
    """Check the marks of one sentence against what supports it.

    `named` are the chunk ids of the passages that the model named, None for a number that no passage has. A mark stays
    when its passage supports the sentence (score of `threshold` or more). When none of them does, or the model named
    none, the passage that supports the sentence best takes their place; when no passage does, nothing is cited.
    """
    supporting = [support for support in checked.supports if support.score >= threshold]
    invented = sum(chunk_id is None for chunk_id in named)
    wanted = {chunk_id for chunk_id in named if chunk_id is not None}
    kept = [support for support in supporting if support.passage.chunk.chunk_id in wanted]
    if kept:
        best = supporting[0]
        if best not in kept and best.score >= kept[0].score + CLEARLY_BETTER:
            kept.insert(0, best)
        dropped = len(wanted) - sum(support.passage.chunk.chunk_id in wanted for support in kept)
        mended = sum(support.passage.chunk.chunk_id not in wanted for support in kept)
        counts = CitationCounts(len(kept) - mended, mended, dropped, invented)
        return Cited(tuple(kept[:MOST_PER_SENTENCE]), counts)
    if supporting and checked.verdict.is_claim and checked.verdict.supported:
        return Cited((supporting[0],), CitationCounts(0, 1, len(wanted), invented))
    return Cited((), CitationCounts(0, 0, len(wanted), invented))


class CitationList:
    """The citations of one answer. A quote has one mark, however often it is cited."""

    def __init__(self) -> None:
        self.citations: list[Citation] = []
        self._marks: dict[tuple[str, int, int], int] = {}

    def add(self, supports: Sequence[Support], answer_span: Span) -> tuple[int, ...]:
        """Cite these places for a sentence of the answer; returns their marks."""
        marks = []
        for support in supports:
            chunk = support.passage.chunk_at(support.start)
            mark = self._marks.setdefault((chunk.document_id, support.start, support.end), len(self._marks) + 1)
            marks.append(mark)
            self.citations.append(
                Citation(
                    marker=mark,
                    document_id=chunk.document_id,
                    document_name=chunk.document_name,
                    chunk_id=chunk.chunk_id,
                    page=chunk.page_at(support.start),
                    quote=support.text,
                    quote_span=(support.start, support.end),
                    answer_span=answer_span,
                )
            )
        return tuple(marks)


def with_marks(sentence: str, marks: Sequence[int]) -> str:
    """The sentence with its marks behind it; in a table's row they stand in the last cell."""
    shown = "".join(f" [{mark}]" for mark in marks)
    if marks and sentence.startswith("|") and sentence.endswith("|"):
        return f"{sentence[:-1].rstrip()}{shown} |"
    return sentence + shown
