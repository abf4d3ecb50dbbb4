"""The parts of a sentence that must stand in its evidence as they are: numbers, names, a denial.

Rules for English number words and negations; digits and capitalised names work in any language that has them. A number
is compared by its value, so that `1,200`, `1.2 thousand` and `twelve hundred` agree.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator

_BELOW_TWENTY = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen"""
_ORDINALS = """zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
    fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"""
_UNITS = {word: value for text in (_BELOW_TWENTY, _ORDINALS) for value, word in enumerate(text.split())}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
           "k": 1e3, "m": 1e6, "mn": 1e6, "mln": 1e6, "mil": 1e6, "bn": 1e9, "bln": 1e9}  # fmt: skip
_SPOKEN_SCALES = ("hundred", "thousand", "million", "billion", "trillion")
_SPOKEN = re.compile(
    rf"\b(?:{'|'.join([*_TENS, *_UNITS])})(?:[\s-]+(?:and\s+)?(?:{'|'.join([*_TENS, *_UNITS, *_SPOKEN_SCALES])}))*\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(
    r"(?<![\w.])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:(?:\s|-)?(hundred|thousand|million|billion|trillion|bn|bln|mn|mln|mil)\b|(k|m)\b)?",
    re.IGNORECASE,
)
_NAME = re.compile(r"\b[^\W\d_][\w’'-]*")
_WORD = re.compile(r"\w+")
_AFTER_STOP = re.compile(r"[a-z][.!?]\s$")
_WORD_WITH_MARKS = re.compile(r"\w[\w’'-]*")
_POSSESSIVE = re.compile(r"[’'][sS]?$")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|nowhere|neither|nor|without|cannot|unable|fail(?:s|ed)? to|lacks?)\b"
    r"|n[’']t\b",
    re.IGNORECASE,
)
_SHARES = {"half": 50.0, "quarter": 25.0, "third": 100 / 3, "three quarters": 75.0, "two thirds": 200 / 3}
_SHARE = re.compile(
    r"\b(?<!first )(?<!second )(?<!latter )(?<!other )(?:an?\s+|one[\s-])?"
    r"(three quarters|two thirds|half|quarter|third)\s+of\b",
    re.IGNORECASE,
)
_ROUNDED = re.compile(
    r"\b(?:about|around|roughly|approximately|nearly|almost|some|over|under|than|least|most)\s+$", re.I
)
_ROUNDING = 0.1
"""How far "nearly 50" may be from what it stands for, as a share of it."""
_CURRENCY_BEFORE = re.compile(r"([$€£¥])\s?$")
_UNIT_AFTER = re.compile(
    r"\s?(%|°\s?[CF]\b|[€£¥$])|(?:\s|-)?\b(per\s?cent|percent|percentage points?|dollars?|usd|euros?|eur|pounds|gbp|"
    r"km|kilomet(?:re|er)s?|miles?|met(?:re|er)s?|cm|mm|feet|foot|ft|inch(?:es)?|kg|kilograms?|kilos?|grams?|lbs?|"
    r"tons?|tonnes?|lit(?:re|er)s?|gallons?|seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b",
    re.IGNORECASE,
)
_UNIT_NAMES = {
    "per cent": "%", "percent": "%", "dollar": "$", "dollars": "$", "usd": "$", "euro": "€", "euros": "€", "eur": "€",
    "pounds": "£", "gbp": "£", "kilometres": "km", "kilometers": "km", "kilometre": "km", "kilometer": "km",
    "metre": "m", "meter": "m", "metres": "m", "meters": "m", "foot": "ft", "feet": "ft", "inches": "inch",
    "kilogram": "kg", "kilograms": "kg", "kilo": "kg", "kilos": "kg", "lb": "lbs", "tonne": "ton", "tonnes": "ton",
    "tons": "ton", "mile": "miles", "litre": "l", "liter": "l", "litres": "l", "liters": "l", "second": "seconds",
    "minute": "minutes", "hour": "hours", "day": "days", "week": "weeks", "month": "months", "year": "years",
}  # fmt: skip
_AMBIGUOUS = ("one", "second", "first")
"""Mostly no numbers: "one of them", "a second", "at first"."""


@dataclasses.dataclass(frozen=True, slots=True)
class Number:
    """`tolerance` is half a unit of the last place that was written: 1.8 million may be 1,791,800.

    `[start, end)` is its place in the text. `unit` is what it counts or measures, where a sign or a word for it stands
    beside it: `%`, `$`, `km`; else empty.
    """

    value: float
    tolerance: float
    start: int = 0
    end: int = 0
    unit: str = ""


def numbers(text: str) -> list[Number]:
    """Numbers in digits and in words, in no particular order. Rounded ones ("nearly 50") have a wider tolerance."""
    found = []
    for match in _DIGITS.finditer(text):
        digits = match.group(1).replace(",", "")
        scale = _SCALES.get((match.group(2) or match.group(3) or "").lower(), 1.0)
        places = len(digits.partition(".")[2])
        rounded = 0.5 * 10**-places * scale if scale > 1 or places else 0.0
        found.append(_number(text, float(digits) * scale, rounded, match.start(), match.end()))
    for match in _SPOKEN.finditer(text):
        if match.group().lower() not in _AMBIGUOUS:
            found.append(_number(text, _spoken(match.group()), 0.0, match.start(), match.end()))
    for match in _SHARE.finditer(text):
        found.append(_number(text, _SHARES[match.group(1).lower()], 0.5, match.start(), match.end(), "%"))
    return found


def _number(text: str, value: float, tolerance: float, start: int, end: int, unit: str = "") -> Number:
    if _ROUNDED.search(text, max(0, start - 16), start):
        tolerance = max(tolerance, _ROUNDING * value)
    return Number(value, tolerance, start, end, unit or _unit(text, start, end))


def _unit(text: str, start: int, end: int) -> str:
    before, after = _CURRENCY_BEFORE.search(text, max(0, start - 4), start), _UNIT_AFTER.match(text, end)
    if after:
        written = (after.group(1) or after.group(2)).lower()
        return _UNIT_NAMES.get(written, written)
    return before.group(1) if before else ""


def same_unit(one: Number, other: Number) -> bool:
    """Whether two numbers may measure the same: a unit that is not written may be any."""
    return not one.unit or not other.unit or one.unit == other.unit


def stands_among(number: Number, known: Iterable[Number]) -> bool:
    """Whether one of the known numbers is this one, as far as both were written out."""
    return any(abs(number.value - other.value) <= max(number.tolerance, other.tolerance) + 1e-9 for other in known)


def names(text: str) -> frozenset[str]:
    """Capitalised words but the first of the text, case folded, without a possessive ending."""
    return frozenset(name for name, _, _ in places_of_names(text))


def places_of_names(text: str) -> list[tuple[str, int, int]]:
    """Each of `names` with its place, in the order of the text."""
    first = _WORD.search(text)
    return [
        (_bare(match.group()), match.start(), match.end())
        for match in _NAME.finditer(text)
        if first is not None
        and match.start() != first.start()
        and not _AFTER_STOP.search(text, max(0, match.start() - 3), match.start())
        and len(match.group()) > 1
        and any(letter.isupper() for letter in match.group())
    ]


def words(text: str) -> frozenset[str]:
    """All words, case folded, and the initials of runs of capitalised words (`united states`: `us`)."""
    plain = {_bare(word) for word in _WORD_WITH_MARKS.findall(text)}
    plain.update(part for word in list(plain) if "-" in word for part in word.split("-"))
    return frozenset(plain | set(_initials(text)))


def denies(text: str) -> bool:
    """Whether there is a negation in it (a double one counts as none)."""
    return len(_NEGATION.findall(text)) % 2 == 1


def _bare(word: str) -> str:
    if "'" in word or "’" in word:
        word = _POSSESSIVE.sub("", word)
    return word.casefold()


def _initials(text: str) -> Iterator[str]:
    for match in re.finditer(r"(?:\b[A-Z]\w+(?:\s+(?:of|and|the|for)\b)?[\s-]+)+[A-Z]\w+", text):
        capitals = [part[0] for part in re.split(r"[\s-]+", match.group()) if part[0].isupper()]
        for begin in range(len(capitals) - 1):
            yield "".join(capitals[begin:]).casefold()


def _spoken(text: str) -> float:
    total, current = 0.0, 0.0
    for part in re.split(r"[\s-]+", text.lower()):
        if part == "hundred":
            current = max(current, 1) * 100
        elif part in _SCALES:
            total += max(current, 1) * _SCALES[part]
            current = 0.0
        elif part in _TENS or part in _UNITS:
            current += _TENS.get(part, 0) + _UNITS.get(part, 0)
    return total + current
