"""The words of a statement that can answer a question: numbers with what they count, dates, times, names. English."""

from __future__ import annotations

import enum
import re

from evals.test_sets.english import MONTHS, NUMBER, WEEKDAYS, words_of


class FactKind(enum.StrEnum):
    COUNT = "count"
    MONEY = "money"
    PERCENTAGE = "percentage"
    DURATION = "duration"
    MEASURE = "measure"
    DATE = "date"
    TIME = "time"
    FREQUENCY = "frequency"
    PERSON = "person"
    NAME = "name"
    PLACE = "place"
    DEFINITION = "definition"
    TABLE = "table"


def _any(*texts: str) -> str:
    return "(?:" + "|".join(word for text in texts for word in text.split()) + ")"


MONTH = "|".join(MONTHS)
PERIOD = _any("second minute hour day week month year decade centur(?:y|ie) quarter night shift")
_UNIT = _any(
    "km kilomet(?:er|re)s? cm centimet(?:er|re)s? mm millimet(?:er|re)s? m met(?:er|re)s? miles? feet foot ft",
    "inch(?:es)? yards? kg kilograms? g grams? mg tonnes? tons? pounds lb l lit(?:er|re)s? ml gallons?",
    "°C °F K W kW MW GW watts? V volts? A mA Hz kHz MHz GHz bars? Pa hPa kPa MPa psi bytes? [kKMGT]i?B bits?",
    r"degrees(?:\sCelsius|\sFahrenheit)?",
    "[kKMG]bit/s ppm FNU NTU mS/cm mg/l µg/l acres? hectares? ha km2 m2 m³ km/h mph knots? Beaufort ohms? dB",
    r"sq(?:uare)?\s(?:miles?|kilomet(?:er|re)s?|met(?:er|re)s?|feet)",
)
_HEDGES = (
    "at least|at most|up to|more than|less than|fewer than|over|only|about|around|approximately|roughly|nearly|almost"
    "|some|exactly|as many as|as much as|no more than|a further|another|the first|the last|the next"
)
KEPT_HEDGES = frozenset(
    (
        *("at least", "at most", "up to", "more than", "less than", "fewer than", "over"),
        *("as many as", "as much as", "no more than"),
    )
)
"""They belong to the answer: "at least 14"."""
ORDINAL_HEDGES = frozenset(("a further", "another", "the first", "the last", "the next"))
"""They make a number a part of something larger."""

DAY_OR_MONTH = rf"\d{{1,2}} (?:{MONTH})(?: \d{{4}})?|(?:{MONTH}) \d{{1,2}}(?:, \d{{4}})?|(?:{MONTH}) \d{{4}}"
_YEAR = r"(?:1\d{3}|20\d\d)"
_DATE = rf"{DAY_OR_MONTH}|(?:(?<=in )|(?<=since )|(?<=until )){_YEAR}|{'|'.join(WEEKDAYS)}"
_TIME = r"\d{1,2}[:.]\d\d(?: ?[ap]\.?m\.?)?|\d{1,2} ?[ap]\.m\.|\d{1,2} o[’']clock|noon|midnight"
_CURRENCY = r"(?:euros?|dollars?|pounds sterling|cents|EUR|USD|GBP|francs|yen)"
_MONEY = rf"(?:US\$|[€$£¥]) ?{NUMBER}(?: per [a-z]+)?|{NUMBER} {_CURRENCY}"
_SORT_OF_DAY = _any("working calendar business full consecutive more further school")
_DURATION = rf"(?P<number>{NUMBER}) (?P<noun>(?:{_SORT_OF_DAY} )?{PERIOD}s?)\b"
_MEASURE = rf"(?P<number>{NUMBER}) ?(?P<noun>{_UNIT})(?![\w/])"
_COUNT = rf"(?P<number>{NUMBER}) (?P<noun>(?:[a-zA-Z][\w-]*(?: of)? ){{0,3}}?[a-z][\w-]*)"


def _typed(core: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.,€$£-])(?:(?P<hedge>{_HEDGES}) )?(?P<core>{core})(?![\w-]|[.,]\d)")


TYPED = {
    FactKind.DATE: _typed(_DATE),
    FactKind.TIME: _typed(_TIME),
    FactKind.MONEY: _typed(_MONEY),
    FactKind.PERCENTAGE: _typed(rf"{NUMBER}(?:%| %| percent| per cent)"),
    FactKind.DURATION: _typed(_DURATION),
    FactKind.MEASURE: _typed(_MEASURE),
    FactKind.COUNT: _typed(_COUNT),
}
"""In the order in which they are looked for: what one has taken, the next leaves alone."""

FREQUENCY = re.compile(
    rf"(?P<core>(?:once|twice|{NUMBER} times)(?: (?:a|an|per|every|each) {PERIOD}| every (?:{NUMBER} )?{PERIOD}s?)"
    rf"|every (?:{NUMBER}|second|other) {PERIOD}s?)\b"
)
NUMBER_HEAD = re.compile(
    rf"^(?P<number>{NUMBER}|{_any('Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve')}) (?P<noun>.+)$"
)
LEADING_DATE = re.compile(rf"(?P<preposition>In|On|By|Since|Until|From|After|Before) (?P<core>\d{{4}}|{DAY_OR_MONTH})")

NAME = r"(?:[A-Z][\w’'.-]*[\w](?: (?:of|the|de|von|van|der|and|for) (?=[A-Z]))?(?: (?=[A-Z]))?)+"
BY_NAME = re.compile(rf"\bby (?P<core>{NAME})")
AT_NAME = re.compile(rf"\b(?P<preposition>in|at|near) (?P<core>(?:the )?{NAME}(?:, {NAME})?)$")

_TITLE = _any("Dr Mr Mrs Ms Sir King Queen Pope Emperor President General Prince Princess Lord Lady Saint St")
_FURTHER_NAME = r"(?:[A-Z]\.|van|von|de|der|la|al|bin|[A-Z][a-zà-ÿ'’-]+)"
_PERSON = re.compile(rf"^(?:{_TITLE}\.? )?[A-Z][a-zà-ÿ]+(?: {_FURTHER_NAME}){{1,3}}$")
_NO_PERSON = frozenset(
    words_of(
        """
        University College Company Corporation Institute Church Party Army Navy Empire Kingdom Republic City County
        River Lake Mountain Island War Battle Treaty Act Court Council Congress Parliament House Museum Theatre Theater
        Park School Hospital Station Airport League Cup Club Award Prize Union Association Society Agency Department
        Ministry Office Bank Group System Program Project Network Street Road Bridge Tower Castle Palace Cathedral
        North South East West New United Great American British French German Roman Greek Chinese Indian Instruments
        Series Model Policy Plan Premium Handbook Desk Team Service
        """
    )
)
_ROLE = re.compile(
    r"\b"
    + _any(
        "person man woman president director manager king queen author owner founder leader head chair chairman",
        "governor minister mayor bishop captain coach composer writer inventor editor officer secretary emperor pope",
        "architect designer engineer chief successor wife husband son daughter brother father mother",
    )
    + r"\b"
)


def may_be_person(name: str) -> bool:
    """Whether a name has the form of a person's and no word that one of something else has."""
    return bool(_PERSON.match(name)) and not _NO_PERSON.intersection(name.split())


def names_a_role(words: str) -> bool:
    """ "the director of": who, not what."""
    return bool(_ROLE.search(words))
