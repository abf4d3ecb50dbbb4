"""Where a sentence holds names, numbers, years and dates, by rule."""

from __future__ import annotations

import dataclasses
import re

from scripts.training_data.word_lists import COMMON_STARTS, MONTHS, NUMBER_WORDS, WEEKDAYS

_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b(?!,\d)")
_NUMBER = re.compile(r"(?<![\w.,-])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w-])|(?<![\w.,-])\d+(?:\.\d+)?(?![\w-]|,\d|\.\d)")
_WORD_NUMBER = re.compile(r"\b(?:" + "|".join(NUMBER_WORDS[2:]) + r")\b", re.IGNORECASE)
_NAME = re.compile(
    r"\b[A-Z][\w’'-]*(?:(?: of| the| de| von| van| for| and)* [A-Z][\w’'-]*)*"
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Fact:
    """`[start, end)` of the sentence; `kind` is name, year, number, number word, month or weekday."""

    start: int
    end: int
    kind: str
    text: str


def facts(sentence: str) -> list[Fact]:
    """All of them in reading order, none overlapping."""
    found: list[Fact] = []

    def add(pattern: re.Pattern[str], kind: str) -> None:
        for match in pattern.finditer(sentence):
            if not any(match.start() < one.end and one.start < match.end() for one in found):
                found.append(Fact(match.start(), match.end(), kind, match.group()))

    add(_YEAR, "year")
    add(_NUMBER, "number")
    add(_WORD_NUMBER, "number word")
    add(re.compile(r"\b(?:" + "|".join(MONTHS) + r")\b"), "month")
    add(re.compile(r"\b(?:" + "|".join(WEEKDAYS) + r")\b"), "weekday")
    for match in _NAME.finditer(sentence):
        start, text = match.start(), match.group()
        first, _, rest = text.partition(" ")
        if start == 0 and not rest and not first[1:2].isupper():
            continue  # a capital that may only begin the sentence
        while first.casefold() in COMMON_STARTS and rest:
            start += len(first) + 1
            text = rest
            first, _, rest = text.partition(" ")
        if first.casefold() in COMMON_STARTS or len(text) < 3:
            continue
        text = re.sub(r"[’']s?$", "", text)
        if not any(start < one.end and one.start < start + len(text) for one in found):
            found.append(Fact(start, start + len(text), "name", text))
    return sorted(found, key=lambda one: one.start)
