"""What kind of thing a question asks for, and whether a sentence has one to offer. English rules; other languages get 0.5."""

from __future__ import annotations

import enum
import re


class QuestionKind(enum.Enum):
    NUMBER = "number"
    TIME = "time"
    NAME = "name"
    REASON = "reason"
    OTHER = "other"


_RULES = (
    (
        QuestionKind.NUMBER,
        re.compile(
            r"\bhow (?:many|much|long|often|far|fast|old|large|big|high|deep|tall|hot|cold|heavy|wide|soon)\b|\bwhat (?:percentage|percent|number|amount|price|fee|rate|factor|temperature|range|limit|distance|size|cost|share|proportion)\b|\bwhat (?:is|was) the (?:number|price|fee|rate|maximum|minimum|limit|range|cost|population|length|height|weight|depth)\b",
            re.I,
        ),
    ),
    (
        QuestionKind.TIME,
        re.compile(
            r"\bwhen\b|\b(?:what|which|in what|in which) (?:\w+ )?(?:year|date|day|month|century|decade|time|season|deadline|weekday)\b|\bby what date\b|\bhow long ago\b",
            re.I,
        ),
    ),
    (
        QuestionKind.NAME,
        re.compile(
            r"\bwho(?:m|se)?\b|\bwhere\b|\b(?:what|which) (?:\w+ )?(?:person|people|city|country|company|state|town|place|team|name|organi[sz]ation|university|river|author|king|queen|president|leader|office|department|manager)\b",
            re.I,
        ),
    ),
    (QuestionKind.REASON, re.compile(r"\bwhy\b|\bfor what reason\b|\bwhat (?:caused|causes|led)\b", re.I)),
)
_MONTH = r"January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
_NUMBER_WORD = r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|half|third|quarter|twice|once|dozen|several"
_OFFERS = {
    QuestionKind.NUMBER: re.compile(rf"\d|\b(?:{_NUMBER_WORD})\b", re.I),
    QuestionKind.TIME: re.compile(rf"\b(?:1\d|20)\d\d\b|\b(?:{_MONTH})\b|\b\d{{1,2}}[:.]\d\d\b|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\bcentur|\b\d+ ?(?:BC|AD|days?|weeks?|months?|years?|hours?|minutes?)\b|\b(?:spring|summer|autumn|winter|during|before|after|until)\b", re.I),
    QuestionKind.NAME: re.compile(r"(?<!^)(?<![.!?:] )\b[A-Z][\w’'-]+"),
    QuestionKind.REASON: re.compile(r"\bbecause\b|\bsince\b|\bdue to\b|\bas a result\b|\btherefore\b|\bso that\b|\bin order to\b|\bto (?:avoid|prevent|protect|ensure|keep)\b|\bcaused? by\b|\bowing to\b|\breason\b", re.I),
}  # fmt: skip


def question_kind(question: str) -> QuestionKind:
    """The first rule that fits; `OTHER` when none does."""
    return next((kind for kind, pattern in _RULES if pattern.search(question)), QuestionKind.OTHER)


def kind_match(question: str, sentence: str) -> float:
    """1 when the sentence has the kind of thing that is asked for beyond what the question itself says, 0 when not, 0.5
    when the question does not tell its kind."""
    kind = question_kind(question)
    if kind is QuestionKind.OTHER:
        return 0.5
    asked = question.casefold()
    return float(any(match.group().casefold() not in asked for match in _OFFERS[kind].finditer(sentence)))
