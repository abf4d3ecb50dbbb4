"""What may be quoted from a passage: its sentences, list items and table rows, but not its headings.

A table row says little without its header row, and a short line little without its heading, so each candidate has a
second text for scoring: the row with its column names, under the heading of its section. The quote stays verbatim.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence

from ingestion.sentences import sentence_spans
from retrieval.passages import Passage

MAX_PASSAGES = 6

_RULE_ROW = re.compile(r"\|?[\s:|-]*-{2,}[\s:|-]*\|?")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_SENTENCE_END = re.compile(r"[.!?…。！？:;][\"'”’»)\]]*$")
_CONTENTS_LINE = re.compile(r"\.{3}\s*\d+$")
_BULLET = re.compile(r"^(?:[-*+•▪◦‣–·]|\(?\w{1,3}[.)])\s+")
_HEADING_WORDS = 8
_SPEAKS_FOR_ITSELF = 8
"""Words from which on a line is scored without its heading, which would make all sentences of a section alike."""
_LINES_OF_A_LIST = 3
_SHORT_LINE = 90


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
    header: list[str] = []
    for start, end in _pieces(context):
        text = context[start:end]
        if text.startswith("|"):
            lines = text.split("\n")
            if any(_RULE_ROW.fullmatch(line) for line in lines):
                header = _cells(lines[0]) if not _RULE_ROW.fullmatch(lines[0]) else header
                continue
            if _is_header(context, end):
                header = _cells(text)
                continue
            start, end = _without_bars(context, start, end)
            if _LETTER_OR_DIGIT.search(context[start:end]):
                yield start, end, _row_with_names(header, _cells(text))
            continue
        header = []
        if _LETTER_OR_DIGIT.search(text) and not _CONTENTS_LINE.search(text) and not _is_heading(context, start, end):
            yield start, end, text


def _pieces(context: str) -> Iterator[tuple[int, int]]:
    """Sentences; a block of short lines (a table without rules, an address, the head of a mail) line by line."""
    for start, end in sentence_spans(context):
        lines = context[start:end].split("\n")
        short = sum(len(line) < _SHORT_LINE and not _SENTENCE_END.search(line) for line in lines[:-1])
        if len(lines) < _LINES_OF_A_LIST or short < len(lines) / 2 or lines[0].startswith("|"):
            yield start, end
            continue
        position = start
        for line in lines:
            kept = line.strip()
            if kept:
                yield context.index(kept, position), context.index(kept, position) + len(kept)
            position += len(line) + 1


def _is_heading(context: str, start: int, end: int) -> bool:
    """A short line of its own without a stop, a figure or a bullet."""
    text = context[start:end]
    alone = (end == len(context) or context[end] == "\n") and (start == 0 or context[start - 1] == "\n")
    plain = not _SENTENCE_END.search(text) and not _BULLET.match(text) and not any(c.isdigit() for c in text)
    return alone and plain and ":" not in text and len(text.split()) <= _HEADING_WORDS


def _is_header(context: str, end: int) -> bool:
    following = context[end:].lstrip("| \t\n").split("\n", 1)[0]
    return bool(following) and bool(_RULE_ROW.fullmatch(following))


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def _row_with_names(header: list[str], cells: list[str]) -> str:
    if len(header) != len(cells):
        return ", ".join(cell for cell in cells if cell)
    return "; ".join(f"{name} {cell}".strip() for name, cell in zip(header, cells, strict=True) if cell)


def _without_bars(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in "| \t":
        start += 1
    while end > start and text[end - 1] in "| \t":
        end -= 1
    return start, end
