"""What may be quoted from a passage: its sentences, list items and table rows, but not its headings.

A table row says little without its header row, and a short line little without its heading, so each candidate has a
second text for scoring: the row with its column names, under the heading of its section. The quote stays verbatim.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from generation.extraction.passage_pieces import PieceKind, pieces
from retrieval.passages import Passage

MAX_PASSAGES = 6

_SPEAKS_FOR_ITSELF = 8
"""Words from which on a line is scored without its heading, which would make all sentences of a section alike."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sentence:
    """`text` is verbatim, at `[start, end)` of the document; `scored` is what the question is compared with."""

    text: str
    scored: str
    passage: Passage
    rank: int
    start: int
    end: int


def candidate_sentences(passages: Sequence[Passage]) -> list[Sentence]:
    """Candidates of the best passages' contexts in reading order, each place of a document once, best passage first."""
    found: dict[tuple[str, int], Sentence] = {}
    for rank, passage in enumerate(passages[:MAX_PASSAGES]):
        for start, end, scored in _quotable(passage.context):
            offset = passage.context_start
            chunk = passage.chunk_at(offset + start)
            text = passage.context[start:end]
            if any(text.strip("#* ") == heading for heading in chunk.heading_path):
                continue
            if chunk.heading_path and (scored != text or len(text.split()) < _SPEAKS_FOR_ITSELF):
                scored = f"{chunk.heading_path[-1]}: {scored}"
            sentence = Sentence(text, scored, passage, rank, offset + start, offset + end)
            found.setdefault((chunk.document_id, offset + start), sentence)
    return list(found.values())


def _quotable(context: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, scored text) of what can be quoted."""
    for piece in pieces(context):
        if piece.kind is PieceKind.SENTENCE:
            yield piece.start, piece.end, piece.scored
        elif piece.kind is PieceKind.TABLE_ROW:
            start, end = _without_bars(context, piece.start, piece.end)
            yield start, end, piece.scored


def _without_bars(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in "| \t":
        start += 1
    while end > start and text[end - 1] in "| \t":
        end -= 1
    return start, end
