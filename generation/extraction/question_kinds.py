"""What kind of thing a question asks for, and whether a sentence has one to offer.

Rules for English; a question in another language is of kind `OTHER`, about which they say nothing (0.5).
"""

from __future__ import annotations

import enum
import re


class QuestionKind(enum.Enum):
    NUMBER = "number"
    TIME = "time"
    NAME = "name"
    REASON = "reason"
    OTHER = "other"


def _any(words: str) -> str:
    return "(?:" + "|".join(words.split()) + ")"


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"\b{one}\b" for one in alternatives), re.IGNORECASE)


_HOW = _any("many much long often far fast old large big high deep tall hot cold heavy wide soon")
_AMOUNT = _any(
    "percentage percent number amount price fee rate factor temperature range limit distance size cost share "
    "proportion maximum minimum population length height weight depth"
)
_SPAN = _any("year date day month century decade time season deadline weekday")
_BEARER = _any(
    "person people city country company state town place team name organi[sz]ation university river author king queen "
    "president leader office department manager"
)
_RULES = (
    (QuestionKind.NUMBER, _pattern(f"how {_HOW}", f"what {_AMOUNT}", f"what (?:is|was) the {_AMOUNT}")),
    (QuestionKind.TIME, _pattern("when", rf"(?:what|which) (?:\w+ )?{_SPAN}")),
    (QuestionKind.NAME, _pattern("who(?:m|se)?", "where", rf"(?:what|which) (?:\w+ )?{_BEARER}")),
    (QuestionKind.REASON, _pattern("why", "for what reason", "what (?:caused|causes|led)")),
)

_MONTH = _any(
    "January February March April May June July August September October November December "
    "Jan Feb Mar Apr Jun Jul Aug Sept? Oct Nov Dec"
)
_NUMERAL = _any(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand "
    "million billion half third quarter twice once dozen several"
)
_WEEKDAY = _any("Mon Tues Wednes Thurs Fri Satur Sun") + "day"
_DURATION = r"\d+ ?" + _any("BC AD days? weeks? months? years? hours? minutes?")
_OFFERS = {
    QuestionKind.NUMBER: re.compile(rf"\d|\b{_NUMERAL}\b", re.IGNORECASE),
    QuestionKind.TIME: _pattern(
        r"(?:1\d|20)\d\d", _MONTH, r"\d{1,2}[:.]\d\d", _WEEKDAY, r"centur\w+", _DURATION,
        _any("spring summer autumn winter during before after until"),
    ),
    QuestionKind.NAME: re.compile(r"(?<!^)(?<![.!?:] )\b[A-Z][\w’'-]+"),
    QuestionKind.REASON: _pattern(
        "because", "since", "due to", "as a result", "therefore", "so that", "in order to", "caused? by", "owing to",
        "reason", "to " + _any("avoid prevent protect ensure keep"),
    ),
}  # fmt: skip


def question_kind(question: str) -> QuestionKind:
    """The first rule that fits; `OTHER` when none does."""
    return next((kind for kind, pattern in _RULES if pattern.search(question)), QuestionKind.OTHER)


def kind_match(question: str, sentence: str) -> float:
    """1 when the sentence has the kind of thing that is asked for beyond what the question itself says, else 0.

    0.5 when the question does not tell its kind.
    """
    kind = question_kind(question)
    if kind is QuestionKind.OTHER:
        return 0.5
    asked = question.casefold()
    return float(any(match.group().casefold() not in asked for match in _OFFERS[kind].finditer(sentence)))
