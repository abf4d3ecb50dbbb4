"""Passages cut into chunks that fit a model's input, and the place in a chunk that a claim rests on.

For checkers that read evidence as text: a chunk is a run of neighbouring sentences, list items and table rows of one
passage (rows with the names of their columns). A claim is supported as well as by the best chunk, as in SummaC (Laban
et al., 2022) and MiniCheck (Tang et al., 2024). The last sentence of a chunk begins the next, so that neighbours always
stand together once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from generation.checking.checker import Support
from generation.extraction.passage_pieces import PieceKind, pieces
from generation.extraction.sentence_features import Bm25
from generation.prompting.packing_units import distinct_contexts
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage

LONGEST_PLACE = 3
"""Sentences that are shown, at most, as what a claim rests on."""

_LONGEST_PIECE = 600
_EXTRA_SENTENCE = 0.02
"""Share of the claim's terms that each further sentence of a place must add to be worth its length."""


@dataclasses.dataclass(frozen=True, slots=True)
class EvidencePiece:
    """`[start, end)` of the document; `read` is what a model reads; `apart`: it begins a line."""

    source: int
    start: int
    end: int
    read: str
    apart: bool
    terms: frozenset[int]


@dataclasses.dataclass(frozen=True, slots=True)
class EvidenceChunk:
    """The pieces `[first, after)`, all of the passage at position `source`, as one text."""

    source: int
    first: int
    after: int
    text: str


class EvidencePieces:
    """Not changed once made, so it may be read from several threads."""

    def __init__(self, passages: Sequence[Passage], lexical: LexicalEncoder) -> None:
        self.passages = passages
        self._lexical = lexical
        self.pieces = [piece for source in distinct_contexts(passages) for piece in self._pieces(source)]

    def chunks(self, lengths: Sequence[int], budget: int) -> list[EvidenceChunk]:
        """Runs of pieces whose `lengths` add up to the budget at most; a longer piece is a chunk of its own."""
        found: list[EvidenceChunk] = []
        first = used = 0
        for position, piece in enumerate(self.pieces):
            if position and piece.source != self.pieces[position - 1].source:
                found.append(self._chunk(first, position))
                first, used = position, 0
            elif position > first and used + lengths[position] > budget:
                found.append(self._chunk(first, position))
                repeated = position - 1 > first and lengths[position - 1] + lengths[position] <= budget
                first = position - 1 if repeated else position
                used = lengths[first] if repeated else 0
            used += lengths[position]
        if self.pieces:
            found.append(self._chunk(first, len(self.pieces)))
        return found

    def best(self, claim: str, chunks: Sequence[EvidenceChunk], most: int) -> list[EvidenceChunk]:
        """The chunks most like the claim by BM25, at most so many, in reading order."""
        if len(chunks) <= most:
            return list(chunks)
        terms = self._lexical.terms(claim)
        scores = Bm25([self._lexical.terms(chunk.text) for chunk in chunks]).scores(terms)
        return [chunks[position] for position in sorted(np.argsort(-scores, kind="stable")[:most].tolist())]

    def place(self, claim: str, chunk: EvidenceChunk, score: float) -> Support:
        """The few sentences of the chunk that hold most of the claim's terms: what to show for a verdict on it."""
        wanted = frozenset(self._lexical.terms(claim))
        first, after = max(
            ((first, after) for first in range(chunk.first, chunk.after) for after in _ends(first, chunk.after)),
            key=lambda run: self._held(wanted, *run) - _EXTRA_SENTENCE * (run[1] - run[0]),
        )
        passage = self.passages[chunk.source]
        start, end = self.pieces[first].start, self.pieces[after - 1].end
        text = passage.context[start - passage.context_start : end - passage.context_start]
        return Support(passage, start, end, text, score)

    @property
    def sources(self) -> list[int]:
        """Positions of the passages that hold any evidence."""
        return list(dict.fromkeys(piece.source for piece in self.pieces))

    def whole(self, source: int) -> EvidenceChunk:
        """All of a passage as one chunk."""
        own = [position for position, piece in enumerate(self.pieces) if piece.source == source]
        return self._chunk(own[0], own[-1] + 1)

    def _held(self, wanted: frozenset[int], first: int, after: int) -> float:
        held = frozenset[int]().union(*(piece.terms for piece in self.pieces[first:after]))
        return len(wanted & held) / max(1, len(wanted))

    def _chunk(self, first: int, after: int) -> EvidenceChunk:
        own = self.pieces[first:after]
        text = own[0].read + "".join(("\n" if one.apart else " ") + one.read for one in own[1:])
        return EvidenceChunk(own[0].source, first, after, text)

    def _pieces(self, source: int) -> Iterator[EvidencePiece]:
        passage = self.passages[source]
        text, at = passage.context, passage.context_start
        last = 0
        for piece in pieces(text):
            apart = "\n" in text[last : piece.start]
            last = piece.end
            if piece.kind is PieceKind.MARKS:
                continue
            whole = piece.end - piece.start <= _LONGEST_PIECE
            for start, end in [(piece.start, piece.end)] if whole else _parts(text, piece.start, piece.end):
                read = piece.scored if whole else text[start:end]
                terms = frozenset(self._lexical.terms(read))
                yield EvidencePiece(source, at + start, at + end, read, apart, terms)
                apart = False


def _ends(first: int, after: int) -> range:
    return range(first + 1, min(first + LONGEST_PLACE, after) + 1)


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A long piece (speech without a stop, a clause of half a page) cut at white space."""
    while end - start > _LONGEST_PIECE:
        cut = max(text.rfind(" ", start, start + _LONGEST_PIECE), text.rfind("\n", start, start + _LONGEST_PIECE))
        cut = cut if cut > start else start + _LONGEST_PIECE
        yield start, cut
        start = cut + (text[cut : cut + 1].isspace())
    if start < end:
        yield start, end
