"""The text of the retrieved passages in units that packing keeps or leaves out."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence

from generation.extraction.passage_pieces import Piece, PieceKind, cells, pieces
from retrieval.passages import Passage

LONGEST_UNIT = 400
"""Characters from which on a piece without a stop (speech, a clause of half a page) is cut at a comma or a space."""

_CUT = re.compile(r"[,;:]\s|\s")


@dataclasses.dataclass(frozen=True, slots=True)
class Unit:
    """`text` is verbatim, at `[start, end)` of the document; `scored` is what the question is compared with.

    `source` is the position, among the given passages, of the one from whose context it is taken. `rank` counts the
    passages from 0: that of the best one whose chunk it lies in, `None` when it was not found itself but only lies
    around what was. `under` are the positions, among the units, of what it cannot be understood without: the heading
    above a sentence; the header rows and the last row that heads a section of the table above a table row.
    """

    text: str
    scored: str
    source: int
    rank: int | None
    start: int
    end: int
    kind: PieceKind
    under: tuple[int, ...] = ()


def units_of(passages: Sequence[Passage]) -> list[Unit]:
    """Units in reading order within each context, contexts as ranked; each place of a document once."""
    found: list[Unit] = []
    for source in distinct_contexts(passages):
        passage = passages[source]
        hits = _hits(passage, passages)
        heads = _Heads()
        for piece in pieces(passage.context):
            under = heads.above(piece, passage.context, len(found))
            for start, end in _parts(piece, passage.context):
                text = passage.context[start:end]
                start, end = passage.context_start + start, passage.context_start + end
                rank = next((rank for rank, first, last in hits if start < last and first < end), None)
                scored = text if piece.kind is PieceKind.SENTENCE else piece.scored
                found.append(Unit(text, scored, source, rank, start, end, piece.kind, under))
    return found


def distinct_contexts(passages: Sequence[Passage]) -> Iterator[int]:
    """Positions of the passages whose contexts do not lie within that of a better one."""
    taken: list[tuple[str, int, int]] = []
    for position, passage in enumerate(passages):
        document, start = passage.chunk.document_id, passage.context_start
        end = start + len(passage.context)
        if not any(document == other and first <= start and end <= last for other, first, last in taken):
            yield position
            taken.append((document, start, end))


class _Heads:
    """Which units stand above the next one."""

    def __init__(self) -> None:
        self._heading: tuple[int, ...] = ()
        self._table: tuple[int, ...] = ()
        self._section: tuple[int, ...] = ()

    def above(self, piece: Piece, context: str, position: int) -> tuple[int, ...]:
        """What the piece, which becomes the unit at `position`, is under; then it may itself be above others."""
        if piece.kind is PieceKind.TABLE_HEADER:
            self._table, self._section = (*self._table, position), ()
            return ()
        if piece.kind is PieceKind.TABLE_ROW:
            if not any(cells(context[piece.start : piece.end])[1:]):
                self._section = (position,)
                return self._table
            return (*self._table, *self._section)
        self._table = self._section = ()
        if piece.kind is PieceKind.HEADING:
            self._heading = (position,)
            return ()
        return self._heading


def _hits(passage: Passage, passages: Sequence[Passage]) -> list[tuple[int, int, int]]:
    """(rank, start, end) of the chunks that were found in this passage's document, best first."""
    chunks = enumerate(one.chunk for one in passages)
    return [(rank, one.start, one.end) for rank, one in chunks if one.document_id == passage.chunk.document_id]


def _parts(piece: Piece, text: str) -> Iterator[tuple[int, int]]:
    start = piece.start
    while piece.kind is PieceKind.SENTENCE and piece.end - start > LONGEST_UNIT:
        cuts = list(_CUT.finditer(text, start + LONGEST_UNIT // 2, start + LONGEST_UNIT))
        if not cuts:
            break
        cut = ([match for match in cuts if not match.group().isspace()] or cuts)[-1]
        yield start, cut.end() - 1
        start = cut.end()
    yield start, piece.end
