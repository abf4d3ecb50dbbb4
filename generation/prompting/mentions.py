"""Things a text speaks of: noun phrases and names, found by form alone. English.

Without a tagger some phrases take in a word too much; for a search that does no harm.
"""

from __future__ import annotations

import dataclasses
import re

_FUNCTION_WORDS = (
    "is are was were be been being am do does did done has have had having can could will would shall should may "
    "might must and or but nor if when where who whom whose which what why how that than then there this these those "
    "it its they them their he him his she her we our us you your i my me in on at by to from into onto of for with "
    "without about against between among during before after since until under over per via as not no so because "
    "while also only ever still yet already all any some each every both "
)
_VERBS = """
covers ends starts begin begins lasts apply applies include includes contain contains require requires says said
mention mentions opens close closes expire expires pay pays take takes happen happens mean means needs works become
becomes became get gets give gives go goes make makes made write wrote sign signs signed found founded build built buy
bought sell sold own owns reported grow grew changed fell rose offers provide provides lose lost live lives belong
belongs uses used allow allows allowed increased decreased reject rejected approve approved come comes forbid forbids
prohibit prohibits permits governs govern located called named based differ differs decide decided
"""
_VERBS_OR_NOUNS = """
cover end start last cost report change work use need offer increase decrease rise fall state permit open say win won
claim plan order charge
"""
_STOPS = frozenset((_FUNCTION_WORDS + _VERBS).split())
_VERBS_ALONE = frozenset(_VERBS.split())
_AMBIGUOUS = frozenset(_VERBS_OR_NOUNS.split())
_BEFORE_SUBJECT = frozenset(("do", "does", "did", "can", "could", "will", "would", "should", "must", "may", "might"))
NO_THINGS = _STOPS | _AMBIGUOUS
"""Words that are no things: function words and common verbs."""
_OPENING = (
    "the a an compare list name show tell explain describe summarize summarise give please ok okay yes find define "
    "state according however therefore thus also here hello hi thanks whether hence moreover"
)
_NOT_NAMES = _STOPS | frozenset(_OPENING.split())
_TOKEN = re.compile(r"[^\W_][\w’'&./-]*[^\W_]|[^\W_]")
_DETERMINERS = frozenset(("the", "a", "an", "our", "my", "your"))
_LINKS = frozenset(("of", "for", "with", "between"))
_LONGEST = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Mention:
    """`text` is at `[start, end)`; `head` is its main noun in lower case; `name`: it begins with a capital."""

    text: str
    start: int
    end: int
    head: str
    plural: bool
    name: bool


def simple_mentions(text: str) -> list[Mention]:
    """Noun phrases without what is attached by "of" and the like, and names, in the order of the text."""
    tokens = [(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
    found: list[Mention] = []
    position = 0
    while position < len(tokens):
        word = tokens[position][0]
        length = 0
        if word.casefold() in _DETERMINERS:
            length = _phrase_length(text, tokens, position + 1)
            length = length + 1 if length else 0
        elif word.casefold() in ("which", "what") and position + 1 < len(tokens):
            length = _phrase_length(text, tokens, position + 1)
            if length and tokens[position + length][0].casefold().endswith("s"):
                found.append(_asked_for(text, tokens, position, length))
            length = 0
        elif _is_name(word):
            length = _name_length(text, tokens, position)
        if length:
            found.append(_mention(text, tokens[position][1], tokens[position + length - 1][2]))
        position += max(1, length)
    return found


def mentions(text: str) -> list[Mention]:
    """The same with what is attached to them: "the notice period of the Basel lease", "Apple and Microsoft"."""
    merged: list[Mention] = []
    for one in simple_mentions(text):
        before = merged[-1] if merged else None
        between = text[before.end : one.start].strip().casefold() if before else ""
        if before is not None and between in _LINKS:
            merged[-1] = dataclasses.replace(before, text=text[before.start : one.end], end=one.end)
        elif before is not None and between in ("and", "or", ", and") and before.name and one.name:
            merged[-1] = dataclasses.replace(before, text=text[before.start : one.end], end=one.end, plural=True)
        else:
            merged.append(one)
    return merged


def is_plural(word: str) -> bool:
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "ics"))


def _phrase_length(text: str, tokens: list[tuple[str, int, int]], first: int) -> int:
    length, verb_follows = 0, False
    while length < _LONGEST and first + length < len(tokens):
        word, start, _ = tokens[first + length]
        if length and text[tokens[first + length - 1][2] : start].strip():
            break
        if word.casefold() in _STOPS:
            verb_follows = word.casefold() in _VERBS_ALONE
            break
        length += 1
    # "does the plan cover": after an auxiliary a verb must come; the last word that can be one is it.
    if not verb_follows and first > 1 and tokens[first - 2][0].casefold() in _BEFORE_SUBJECT:
        for position in range(length - 1, 0, -1):
            if tokens[first + position][0].casefold() in _AMBIGUOUS:
                return position
    return length


def _name_length(text: str, tokens: list[tuple[str, int, int]], first: int) -> int:
    length = 1
    while first + length < len(tokens):
        word, start, _ = tokens[first + length]
        if not _is_name(word) or text[tokens[first + length - 1][2] : start].strip():
            break
        length += 1
    if tokens[first + length - 1][0].endswith(("'s", "’s")):  # "Acme's contract"
        length += _phrase_length(text, tokens, first + length)
    return length


def _is_name(word: str) -> bool:
    return word[0].isupper() and word.casefold() not in _NOT_NAMES


def _mention(text: str, start: int, end: int) -> Mention:
    phrase = text[start:end]
    if phrase.split()[0].casefold() in _DETERMINERS:
        phrase = phrase[0].lower() + phrase[1:]  # it will stand inside another sentence
    words = phrase.split()
    first_content = words[1] if len(words) > 1 and words[0].casefold() in _DETERMINERS else words[0]
    head = words[-1].casefold()
    determined = words[0].casefold() in _DETERMINERS
    name = first_content[0].isupper() and not determined
    return Mention(phrase, start, end, head, is_plural(head) and not name, name)


def _asked_for(text: str, tokens: list[tuple[str, int, int]], position: int, length: int) -> Mention:
    """ "Which contracts ...": later on these are "the contracts"."""
    start, end = tokens[position + 1][1], tokens[position + length][2]
    words = text[start:end]
    return Mention(f"the {words}", start, end, words.split()[-1].casefold(), True, False)
