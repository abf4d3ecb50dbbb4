"""Cut what no sentence rule could cut: run-on sentences by llama-index, unbroken runs of characters evenly."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingestion.token_counting import TokenCounter

_UNBROKEN_RUN = re.compile(r"\S{200,}")
_BLOCK_CHARACTERS = 2_000
_PHRASE_MARKS = ",.;:|。？！，、；："
_PHRASE = f"[^{_PHRASE_MARKS}]+[{_PHRASE_MARKS}]?|[{_PHRASE_MARKS}]"


def split_long_sentence(text: str, limit: int, counter: TokenCounter) -> list[tuple[int, int]]:
    """Offsets of pieces of `text` of at most `limit` tokens each, ends of phrases preferred; only whitespace is left
    out. Takes time in proportion to the length: llama-index's `SentenceSplitter` sees blocks of 2,000 characters, and
    never a run without a space, which it would cut character by character."""
    pieces: list[tuple[int, int]] = []
    position = 0
    for run in _UNBROKEN_RUN.finditer(text):
        pieces += _split_wordy(text, position, run.start(), limit, counter)
        pieces += _split_unbroken(text, run.start(), run.end(), limit, counter)
        position = run.end()
    return pieces + _split_wordy(text, position, len(text), limit, counter)


def _split_wordy(text: str, start: int, end: int, limit: int, counter: TokenCounter) -> list[tuple[int, int]]:
    blocks = list(_blocks(text, start, end))
    sizes = counter.sizes([text[a:b] for a, b in blocks])
    if all(size <= limit for size in sizes):
        return blocks

    from llama_index.core.node_parser import SentenceSplitter  # takes 2 s to import, and few documents need it

    splitter = SentenceSplitter(
        chunk_size=limit,
        chunk_overlap=0,
        # Both are given so that neither nltk's nor tiktoken's data is looked for.
        tokenizer=lambda piece: range(counter.sizes([piece])[0]),
        chunking_tokenizer_fn=lambda piece: [piece],
        secondary_chunking_regex=_PHRASE,
    )
    pieces = []
    for (block_start, block_end), size in zip(blocks, sizes, strict=True):
        if size <= limit:
            pieces.append((block_start, block_end))
            continue
        position = block_start
        for piece in splitter.split_text(text[block_start:block_end]):
            position = text.index(piece, position, block_end)
            pieces.append((position, position + len(piece)))
            position += len(piece)
    return pieces


def _blocks(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Trimmed stretches of at most `_BLOCK_CHARACTERS`, cut behind a phrase near their end, else at a whitespace."""
    while start < end:
        if text[start].isspace():
            start += 1
            continue
        stop = min(start + _BLOCK_CHARACTERS, end)
        if stop < end:
            while not text[stop].isspace():
                stop -= 1
            near = range(stop, start + _BLOCK_CHARACTERS * 3 // 4, -1)
            stop = next((at for at in near if text[at].isspace() and text[at - 1] in _PHRASE_MARKS), stop)
        length = len(text[start:stop].rstrip())
        yield start, start + length
        start = stop


def _split_unbroken(text: str, start: int, end: int, limit: int, counter: TokenCounter) -> list[tuple[int, int]]:
    waiting = list(_even_cuts(text, start, end, -(-(end - start) // (4 * limit))))
    done: list[tuple[int, int]] = []
    while waiting:
        sizes = counter.sizes([text[a:b] for a, b in waiting])
        too_long: list[tuple[int, int]] = []
        for (a, b), size in zip(waiting, sizes, strict=True):
            if size <= limit or b - a == 1:
                done.append((a, b))
            else:
                too_long += _even_cuts(text, a, b, size // limit + 1)
        waiting = too_long
    return sorted(done)


def _even_cuts(text: str, start: int, end: int, parts: int) -> Iterator[tuple[int, int]]:
    """About `parts` pieces of the same length, each moved back to the end of a phrase where one is near."""
    length = max(1, -(-(end - start) // parts))
    while start < end:
        stop = min(start + length, end)
        if stop < end:
            near = range(stop, stop - length // 4, -1)
            stop = next((at for at in near if text[at - 1] in _PHRASE_MARKS), stop)
        yield start, stop
        start = stop
