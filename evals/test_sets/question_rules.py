"""A fact to questions, in several phrasings; each template has a name, so that a set can be split by template."""

from __future__ import annotations

import dataclasses
import re

from evals.test_sets.english import CLAUSE_WORDS, DETERMINERS
from evals.test_sets.facts import Fact

LONGEST_QUESTION = 26
"""Words."""

_NO_END = CLAUSE_WORDS | DETERMINERS | {"of", "to", "from", "by", "with", "at", "and", "or", "for", "between"}


@dataclasses.dataclass(frozen=True, slots=True)
class Phrasing:
    template: str
    text: str


_INDIRECT = (
    ("tell_me", "Can you tell me {clause}?"),
    ("know", "Do you know {clause}?"),
    ("like_to_know", "I would like to know {clause}."),
    ("find_out", "Please find out {clause}."),
    ("need_to_know", "I need to know {clause}."),
    ("documents_say", "What do the documents say about {clause}?"),
    ("according", "According to the documents, {direct}?"),
    ("look_up", "Could you look up {clause}?"),
    ("explain", "Would you let me know {clause}?"),
    ("asked", "Somebody asked me {clause}."),
    ("unsure", "I am not sure {clause}. Can you help?"),
    ("say", "Say {clause}."),
)


def question(fact: Fact) -> str | None:
    """The plain question of a fact; None when it would be too long to be anyone's."""
    text = _direct(fact)
    if text.split()[-1].lower() in _NO_END:
        return None
    if len(text.split()) > LONGEST_QUESTION or not re.search(r"[^\W\d_]{3}", text.partition(" ")[2]):
        return None
    return _tidy(text[0].upper() + text[1:]) + "?"


def phrasings(fact: Fact) -> tuple[Phrasing, ...]:
    """The fact asked in all ways that there are: the plain one first, then those of other templates."""
    direct = question(fact)
    if direct is None:
        return ()
    clause = _tidy(_indirect(fact))
    plain = direct[:-1]
    inner = plain[0].lower() + plain[1:]
    return (
        Phrasing("plain", direct),
        *(Phrasing(name, _tidy(form.format(clause=clause, direct=inner))) for name, form in _INDIRECT),
    )


def _direct(fact: Fact) -> str:
    if not fact.auxiliary:
        return f"{fact.asked} {fact.stated}"
    return f"{fact.asked} {fact.auxiliary} {fact.subject} {fact.predicate}"


def _indirect(fact: Fact) -> str:
    """ "how many books a member may borrow": the order of a statement."""
    if not fact.auxiliary:
        return f"{fact.asked} {fact.stated}"
    return f"{fact.asked} {fact.subject} {fact.stated}"


def _tidy(text: str) -> str:
    return re.sub(r"\s+([,.?])", r"\1", " ".join(text.split()))
