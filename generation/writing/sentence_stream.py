"""A model's text, as it comes, cut into sentences; citation marks are taken out of it and kept beside it.

A sentence is complete when the first word after it is, since that word decides whether a full stop ended anything, and
since a mark may follow the full stop. Until then nothing behind a possible end is shown.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import TypeAlias

from ingestion.sentences import sentence_spans

_NUMBERS = r"\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*"
_MARK = re.compile(rf"[ \t]*(?:\[\^?({_NUMBERS})\^?\]|【({_NUMBERS})[^】]*】)")
_MARK_BEGUN = re.compile(r"[ \t]*(?:\[\^?[\d\s,;–-]*\^?|【[^】]{0,40})$")
_POSSIBLE_END = re.compile(r"[.!?…。！？][\"'”’»)\]*_]*(?=\s|$)|\s*\n")
_RANGE = re.compile(r"(\d+)\s*[–-]\s*(\d+)")
_LONGEST_RANGE = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """More text of the sentence that is being written, without marks."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class WrittenSentence:
    """`lead` is the whitespace before the sentence, `cited` the passage numbers it names.

    `shown` is how many characters of `lead + text` went out as `Shown` before.
    """

    lead: str
    text: str
    cited: tuple[int, ...]
    shown: int


SentencePart: TypeAlias = Shown | WrittenSentence


class SentenceStream:
    """Feed pieces, then `close`. All that is shown and all leads and texts together are the text without its marks."""

    def __init__(self) -> None:
        self._raw = ""
        self._clean = ""
        self._marks: list[tuple[int, tuple[int, ...]]] = []  # place in the clean text, numbers
        self._shown = 0

    def feed(self, piece: str) -> Iterator[SentencePart]:
        self._take(piece)
        yield from self._complete(final=False)
        end = self._showable()
        if end > self._shown:
            text, self._shown = self._clean[self._shown : end], end
            yield Shown(text)

    def close(self) -> Iterator[SentencePart]:
        """What is left counts as finished."""
        self._clean += self._raw
        self._raw = ""
        yield from self._complete(final=True)

    def _take(self, piece: str) -> None:
        text = self._raw + piece
        position = 0
        for match in _MARK.finditer(text):
            self._clean += text[position : match.start()]
            self._marks.append((len(self._clean), _numbers(match.group(1) or match.group(2))))
            position = match.end()
        rest = text[position:]
        begun = _MARK_BEGUN.search(rest)
        # Blanks at the very end may belong to a mark that comes next.
        kept = begun.start() if begun else len(rest.rstrip(" \t"))
        self._clean += rest[:kept]
        self._raw = rest[kept:]

    def _complete(self, *, final: bool) -> Iterator[WrittenSentence]:
        while True:
            decided = len(self._clean) if final else _last_whole_word(self._clean)
            spans = sentence_spans(self._clean[:decided])
            if not spans or (len(spans) < 2 and not final):
                return
            start, end = spans[0]
            following = spans[1][0] if len(spans) > 1 else None
            yield self._cut(start, end, following)

    def _cut(self, start: int, end: int, following: int | None) -> WrittenSentence:
        """Take the first sentence off; marks up to the next one are its own."""
        limit = len(self._clean) if following is None else following
        own = [numbers for place, numbers in self._marks if place <= limit and (place < limit or following is None)]
        sentence = WrittenSentence(
            lead=self._clean[:start],
            text=self._clean[start:end],
            cited=tuple(dict.fromkeys(number for numbers in own for number in numbers)),
            shown=min(self._shown, end),
        )
        self._clean = self._clean[end:]
        self._marks = [(place - end, numbers) for place, numbers in self._marks[len(own) :]]
        self._shown = max(0, self._shown - end)
        return sentence

    def _showable(self) -> int:
        text = self._clean
        if text.lstrip().startswith("|"):
            return self._shown  # the marks of a table's row go inside its last cell
        ended = _POSSIBLE_END.search(text, len(text) - len(text.lstrip()))
        return ended.end() if ended and ended.group().strip() else ended.start() if ended else len(text.rstrip())


def without_marks(text: str) -> tuple[str, list[int]]:
    """A whole text without its citation marks, and the place in `text` of each character that is left."""
    places: list[int] = []
    position = 0
    for match in _MARK.finditer(text):
        places.extend(range(position, match.start()))
        position = match.end()
    places.extend(range(position, len(text)))
    return "".join(text[place] for place in places), places


def _last_whole_word(text: str) -> int:
    """Up to here nothing can change any more: the last word may be unfinished."""
    return max(text.rfind(" "), text.rfind("\n"), text.rfind("\t"), 0)


def _numbers(marks: str) -> tuple[int, ...]:
    """`1, 3-5` is 1, 3, 4, 5."""
    found: list[int] = []
    for part in re.split(r"[,;]", marks):
        if span := _RANGE.fullmatch(part.strip()):
            first, last = int(span[1]), int(span[2])
            found.extend(range(first, min(last, first + _LONGEST_RANGE) + 1))
        elif part.strip().isdigit():
            found.append(int(part))
    return tuple(found)
