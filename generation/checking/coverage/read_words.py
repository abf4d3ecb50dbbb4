"""A text as a row of words with their places, stems and whether they carry content: what the structured checks read."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable

from generation.checking.contradiction.stated_facts import Number, numbers, places_of_names
from retrieval.lexical import LexicalEncoder

_WORD = re.compile(r"\w+(?:[’'-]\w+)*")
_POSSESSIVE = re.compile(r"[’'][sS]$")
_CUE = re.compile(r"(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|.*n[’']t)$")
_KNOWN_WORDS = 32768
_NEAR = 2
"""Content words to either side that tell which place a number or a name stands in."""


@dataclasses.dataclass(frozen=True, slots=True)
class ReadWord:
    """`folded` is the word in lower case without a possessive ending; `stem` is None for stop words.

    `is_cue` marks words of negation.
    """

    folded: str
    start: int
    end: int
    stem: int | None
    is_cue: bool


@dataclasses.dataclass(frozen=True, slots=True)
class ReadText:
    """A claim or a sentence of the evidence, read once."""

    words: tuple[ReadWord, ...]
    numbers: tuple[Number, ...]
    names: tuple[tuple[str, int, int], ...]

    def stems(self) -> frozenset[int]:
        return frozenset(word.stem for word in self.words if word.stem is not None)

    def neighbours(self, start: int, end: int) -> frozenset[int]:
        """Stems of the content words next to `[start, end)`."""
        before = [word.stem for word in self.words if word.end <= start and word.stem is not None]
        after = [word.stem for word in self.words if word.start >= end and word.stem is not None]
        return frozenset((*before[-_NEAR:], *after[:_NEAR]))


class WordReader:
    """Reads texts in the language of a lexical encoder. Thread-safe; the stems of the last words are kept."""

    def __init__(self, lexical: LexicalEncoder) -> None:
        self.stem: Callable[[str], int | None] = functools.lru_cache(_KNOWN_WORDS)(functools.partial(_stem, lexical))

    def read(self, text: str) -> ReadText:
        return ReadText(tuple(self._words(text)), tuple(numbers(text)), tuple(places_of_names(text)))

    def _words(self, text: str) -> list[ReadWord]:
        found = []
        for match in _WORD.finditer(text):
            folded = _POSSESSIVE.sub("", match.group()).casefold()
            cue = bool(_CUE.match(folded))
            found.append(ReadWord(folded, match.start(), match.end(), None if cue else self.stem(folded), cue))
        return found


def _stem(lexical: LexicalEncoder, word: str) -> int | None:
    terms = lexical.encode_query(word).indices
    return int(terms[0]) if len(terms) else None
