"""Questions that sound like those of a collection and that it does not answer.

Made from answerable ones: another thing of the same sort is put in the place of the one that is asked about, or
something that the collection tells of other things is asked of one that it does not tell it of. Kept only where no
passage could answer: neither any chunk of the collection nor what a search for the question finds.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Callable, Iterator, Sequence

from evals.test_sets.candidates import Candidate
from evals.test_sets.table_facts import is_name
from evals.test_sets.values import FactKind
from evals.test_sets.vocabulary import Vocabulary, content_stems

TOGETHER = 0.5
"""A passage that holds the thing and this share of what is asked of it could answer."""

_MOST_DOCUMENTS = 2

Search = Callable[[str], Sequence[str]]
"""A question to the texts of the passages that a search for it finds, best first."""

_CODE = re.compile(r"\b(?:[A-Z]{1,5}-?\d{1,4}[A-Z]?|[A-Z][a-z]+ \d{1,4})\b")
_NAME = re.compile(r"\b(?:[A-Z][\w’'-]+)(?: (?:of (?:the )?|de |van |von )?[A-Z][\w’'-]+)+")
_PERSON = re.compile(r"[A-Z][a-zà-ÿ]+ [A-Z][a-zà-ÿ]+$")
_MONTH = re.compile(r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b")
_QUOTED = re.compile(r"“[^”]*”")


@dataclasses.dataclass(frozen=True, slots=True)
class Unanswerable:
    """`source` is the answerable question that it was made from; `way` is `other_thing` or `other_attribute`."""

    question: str
    source: Candidate
    way: str


def unanswerable(
    known: Sequence[Candidate], vocabulary: Vocabulary, search: Search | None, rng: random.Random
) -> Iterator[Unanswerable]:
    """As many as can be made, one a source at most, ways mixed; the caller takes what it needs.

    `search` finds passages of the collection; without it only the chunks themselves are looked at.
    """
    sources = list(known)
    rng.shuffle(sources)
    siblings, people = _attributes(sources), _people(sources)
    for source in sources:
        ways = [_other_thing, _other_attribute]
        rng.shuffle(ways)
        for way in ways:
            made = way(source, vocabulary, siblings, people, rng)
            if made is None:
                continue
            question, thing, asked = made
            if not _could_be_answered(question, thing, asked, vocabulary, search):
                yield Unanswerable(question, source, way.__name__.lstrip("_"))
                break


_Made = tuple[str, str, str]
"""The question, the thing it is about, and what is asked of it."""


def _other_thing(
    source: Candidate, vocabulary: Vocabulary, _siblings: dict[str, str], people: Sequence[str], rng: random.Random
) -> _Made | None:
    """ "Teal 400" becomes a "Teal 700" that there is not, a person another one that the collection names."""
    text = source.question
    if source.table is not None and not source.table.subject:
        return None
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    if code := _first_outside(_CODE, text, quoted):
        if _MONTH.search(code.group()):
            return None
        other = _other_code(code.group(), vocabulary, rng)
    elif code := _first_outside(_NAME, text, quoted):
        other = _other_name(code.group(), vocabulary, source, people, rng)
    else:
        return None
    if other is None or len(content_stems(text)) < 3:
        return None
    question = text[: code.start()] + other + text[code.end() :]
    return question, other, question.replace(other, " ")


def _other_attribute(
    source: Candidate, vocabulary: Vocabulary, siblings: dict[str, str], _people: Sequence[str], rng: random.Random
) -> _Made | None:
    """What another table tells, asked of the row of this one."""
    table = source.table
    if table is None or not is_name(table.subject) or not siblings:
        return None
    own = {attribute for attribute, chunk_id in siblings.items() if chunk_id == source.chunk.chunk_id}
    others = sorted(siblings.keys() - own)
    if not others:
        return None
    attribute = rng.choice(others)
    if content_stems(attribute) & content_stems(table.subject):
        return None
    about = vocabulary.documents_about(attribute)
    if len(about) > _MOST_DOCUMENTS or about & vocabulary.documents_with(table.subject):
        return None  # the answer may follow from what is told of all things of a sort
    return source.question.replace(table.attribute, attribute, 1), table.subject, attribute


def _attributes(sources: Sequence[Candidate]) -> dict[str, str]:
    """Columns of tables, each with a chunk that has it."""
    return {
        one.table.attribute: one.chunk.chunk_id
        for one in sources
        if one.table is not None and is_name(one.table.subject)
    }


def _could_be_answered(question: str, thing: str, asked: str, vocabulary: Vocabulary, search: Search | None) -> bool:
    if vocabulary.together(thing, [asked], TOGETHER):
        return True
    if search is None:
        return False
    return Vocabulary(list(search(question))).together(thing, [asked], TOGETHER)


def _first_outside(pattern: re.Pattern[str], text: str, spans: Sequence[tuple[int, int]]) -> re.Match[str] | None:
    for match in pattern.finditer(text, text.find(" ") + 1):
        if not any(start <= match.start() < end for start, end in spans):
            return match
    return None


def _other_code(code: str, vocabulary: Vocabulary, rng: random.Random) -> str | None:
    """The same with another number, which the collection does not know."""
    digits = re.search(r"\d+", code)
    if digits is None:
        return None
    value = int(digits.group())
    if 1000 <= value <= 2100:
        return None  # a year
    step = 100 if value >= 100 and value % 100 == 0 else 10 if value >= 10 and value % 10 == 0 else 1
    options = [value + step * by for by in (1, 2, 3, -1, 4, 5) if value + step * by > 0]
    rng.shuffle(options)
    for option in options:
        number = str(option).zfill(len(digits.group()))
        other = code[: digits.start()] + number + code[digits.end() :]
        if not vocabulary.holds(other):
            return other
    return None


def _other_name(
    name: str, vocabulary: Vocabulary, source: Candidate, people: Sequence[str], rng: random.Random
) -> str | None:
    """A name of the collection of the same sort that this chunk does not hold: another person, another "... Church"."""
    if name in people:
        pool: Sequence[str] = people
    else:
        last = name.split()[-1]
        pool = [other for other in vocabulary.names if other.split()[-1] == last and len(other) < 2 * len(name) + 8]
    others = sorted(
        other
        for other in set(pool)
        if other != name and other not in source.chunk.text and name not in other and not _MONTH.search(other)
    )
    return rng.choice(others) if others else None


def _people(sources: Sequence[Candidate]) -> list[str]:
    """Who is known to be a person: the collection tells what they did."""
    found = set()
    for one in sources:
        if one.fact.kind is FactKind.PERSON and one.fact.asked == "who" and _PERSON.match(one.fact.answer):
            found.add(one.fact.answer)
        elif _PERSON.match(one.fact.subject) and re.match(
            r"(?:marry|die|write|win|lead|found|become|join)\b|born\b", one.fact.predicate
        ):
            found.add(one.fact.subject)
    return sorted(found)
