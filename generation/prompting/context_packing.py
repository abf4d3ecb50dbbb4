"""Retrieved passages to a prompt's worth of evidence: the sentences that answer, within a budget of tokens.

Extractive compression as in RECOMP (Xu et al., 2023, arXiv:2310.04408), without a trained compressor: each sentence is
scored against the question by BM25, and by how well its passage and its chunk were found (MiniLM and BM25 together, as
the search had them already: embedding the sentences too gained nothing and took three times as long,
docs/experiments.md). A heading and a table's header rows come along with what stands under them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generation.extraction.passage_pieces import PieceKind
from generation.prompting.packing_scores import lexical_scores
from generation.prompting.packing_units import Unit, units_of
from generation.prompting.token_estimate import estimate_tokens
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage

GAP = " … "
_LINE_GAP = " …\n"
_NEVER_ALONE = (PieceKind.MARKS, PieceKind.HEADING)


@dataclasses.dataclass(frozen=True, slots=True)
class PackedPassage:
    """What is kept of a passage's context. `number` is how the prompt names it, from 1.

    `text` holds the kept sentences verbatim, with " … " where some are left out; `spans` are the places of the unbroken
    pieces of it in the document, `[start, end)`.
    """

    number: int
    passage: Passage
    text: str
    spans: tuple[tuple[int, int], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Packed:
    """`tokens_before` are those of all contexts given whole, each place of a document once.

    Both are estimates (`generation.prompting.token_estimate`).
    """

    passages: tuple[PackedPassage, ...]
    tokens: int
    tokens_before: int


class ContextPacker:
    """Blocking and thread-safe."""

    def __init__(self, lexical: LexicalEncoder) -> None:
        self._lexical = lexical

    def pack(
        self, question: str, passages: Sequence[Passage], *, budget_tokens: int, ratio: float, least_tokens: int = 0
    ) -> Packed:
        """At most `budget_tokens`, and at most the share `1 / ratio` of the tokens of all contexts.

        The ratio asks for no fewer than `least_tokens`: of one short document a quarter is half a sentence.

        Documents in the order of their best passage, what is kept of one document in reading order. Raises `ValueError`
        for a ratio below 1.
        """
        if ratio < 1:
            raise ValueError(f"a ratio of {ratio} would lengthen the passages: 1 is the least")
        units = units_of(passages)
        costs = np.array([estimate_tokens(unit.text) for unit in units], dtype=np.int64)
        before = int(costs.sum())
        limit = min(budget_tokens, max(least_tokens, int(before / ratio)))
        if before <= limit:
            kept = list(range(len(units)))
        else:
            scores = lexical_scores(question, passages, units, self._lexical)
            order = [int(one) for one in np.argsort(-scores, kind="stable") if units[int(one)].kind not in _NEVER_ALONE]
            kept = within(limit, order, costs, units)
        return Packed(_assembled(passages, units, kept), int(costs[kept].sum()), before)


def within(limit: int, order: Sequence[int], costs: NDArray[np.int64], units: Sequence[Unit]) -> list[int]:
    """Positions of the first units that fit into `limit` tokens, sorted; what they stand under comes along.

    A limit below the cost of any unit keeps nothing.
    """
    kept: set[int] = set()
    left = limit
    for position in order:
        wanted = {position, *units[position].under} - kept
        cost = int(costs[list(wanted)].sum()) if wanted else 0
        if cost <= left:
            kept |= wanted
            left -= cost
    return sorted(kept)


def _assembled(passages: Sequence[Passage], units: Sequence[Unit], kept: Sequence[int]) -> tuple[PackedPassage, ...]:
    by_source: dict[int, list[int]] = {}
    for position in kept:
        by_source.setdefault(units[position].source, []).append(position)
    documents = list(dict.fromkeys(passages[source].chunk.document_id for source in by_source))
    order = sorted(
        by_source, key=lambda one: (documents.index(passages[one].chunk.document_id), passages[one].context_start)
    )
    packed = []
    for number, source in enumerate(order, start=1):
        text, spans = _joined(passages[source], units, by_source[source])
        packed.append(PackedPassage(number, passages[source], text, spans))
    return tuple(packed)


def _joined(passage: Passage, units: Sequence[Unit], kept: Sequence[int]) -> tuple[str, tuple[tuple[int, int], ...]]:
    spans: list[tuple[int, int]] = []
    text, last = "", -1
    for position in kept:
        unit = units[position]
        if position == last + 1 and spans:
            between = passage.context[spans[-1][1] - passage.context_start : unit.start - passage.context_start]
            spans[-1] = (spans[-1][0], unit.end)
            text += between + unit.text
        else:
            text += _gap(units[last], unit) + unit.text if spans else unit.text
            spans.append((unit.start, unit.end))
        last = position
    return text, tuple(spans)


def _gap(before: Unit, after: Unit) -> str:
    """A table with rows left out is still a table; anything else tells that something is missing."""
    if after.kind is PieceKind.TABLE_ROW and before.kind in (PieceKind.TABLE_ROW, PieceKind.TABLE_HEADER):
        return "\n" if after.under[:1] == (before.under or after.under)[:1] else _LINE_GAP
    return GAP if before.kind is after.kind is PieceKind.SENTENCE else _LINE_GAP
