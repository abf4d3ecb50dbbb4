"""Whether two questions ask the same, by everything that near vectors do not tell apart.

An embedding puts "before 2019" beside "before 2020", and a question beside its negation. Here two questions agree only
when nothing is left over: each word of content has its counterpart (the same word, or one of `question_words.SAME`),
names and numbers letter by letter, with the same prepositions, in the same order but for the ways in which English
moves a phrase without changing what is asked. An unknown word agrees with itself alone. When in doubt they do not
agree: the price of a miss is an answer made anew, that of a false hit is a wrong one.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

from generation.cache import question_words as words
from generation.cache.question_reading import Reading, Term, ground_forms, read

MAX_TERMS = 40
_ALIKE_MARKERS = ({"to", ""}, {"to", "into"}, {"to", "for"}, {"on", "onto"}, {"between", "of"}, {"between", ""})
_IDLE_AT_THE_END = frozenset({"", "to", "of", "at", "in", "on", "with"})
_FRONTING = frozenset({"of", "for", "in", "on", "at", ""})


def agree(first: str, second: str) -> bool:
    """Whether an answer to the one question answers the other."""
    return disagreement(first, second) is None


def disagreement(first: str, second: str) -> str | None:
    """A word for what sets two questions apart; None when they agree.

    `kind`, `tense`, `modal`, `negation`, `owner`, `words`, `names_or_numbers`, `prepositions`, `order`, `long`.
    """
    one, other = read(first), read(second)
    if len(one.terms) > MAX_TERMS or len(other.terms) > MAX_TERMS:
        same = first.split() == second.split()
        return None if same else "long"
    if one.negations != other.negations:
        return "negation"
    if not _same_kind(one, other):
        return "kind"
    if not _same_tense(one, other):
        return "tense"
    if not _same_modal(one, other):
        return "modal"
    if one.owner and other.owner and set(one.owner) != set(other.owner):
        return "owner"
    if one.dangling != other.dangling and not {one.dangling, other.dangling} <= _IDLE_AT_THE_END:
        return "prepositions"
    return _terms(one, other)


def _same_kind(one: Reading, other: Reading) -> bool:
    kinds = {one.kind, other.kind}
    if len(kinds) == 1:
        return True
    return kinds in (
        {"when", "time year"},
        {"when", "time date"},
        {"when", "time time"},
        {"when", "time day"},
        {"time date", "time day"},
        {"name", "what"},
        {"name", "who"},
        {"name", "who of them"},
        {"what", "who of them"},
        {"who", "who of them"},
    )


def _same_tense(one: Reading, other: Reading) -> bool:
    if one.tense == other.tense or "" in (one.tense, other.tense):
        return True
    # "Who is the author" says what "who wrote" says; but "who was the author" may ask for another.
    return one.tenseless != other.tenseless and "future" not in (one.tense, other.tense)


def _same_modal(one: Reading, other: Reading) -> bool:
    modals = {one.modal, other.modal}
    if len(modals) == 1:
        return True
    if one.kind == "how":
        return modals in ({"", "can"}, {"", "should"})
    if one.kind in {"what", "where", "who", "who of them"}:
        return modals == {"", "can"}
    return False


def _terms(one: Reading, other: Reading) -> str | None:
    left, right = _without_people(one, other)
    pairs = _pairs(left, right)
    if pairs is None:
        exact = sorted(term.base for term in left if term.exact) == sorted(term.base for term in right if term.exact)
        return "words" if exact else "names_or_numbers"
    aligned = [right[position] for position in pairs]
    agent = one.agent_asked or other.agent_asked or any(term.marker == "by" for term in (*left, *right))
    passive = one.agent_asked != other.agent_asked or any(
        a.passive != b.passive and (agent or a.base not in words.ERGATIVE) for a, b in zip(left, aligned, strict=True)
    )
    if passive:
        return _by_roles(one, other)
    if any(not _same_marker(a.marker, b.marker) for a, b in zip(left, aligned, strict=True)):
        return "prepositions"
    return None if _same_order(left, right, pairs, one, other) else "order"


def _without_people(one: Reading, other: Reading) -> tuple[list[Term], list[Term]]:
    """ "Which company" asks no other thing than "who", when the other question says only "who"."""
    left, right = list(one.terms), list(other.terms)
    if {one.kind, other.kind} == {"who", "who of them"}:
        (left if one.kind == "who of them" else right).pop(0)
    return left, right


def _pairs(left: Sequence[Term], right: Sequence[Term]) -> list[int] | None:
    """For each term of the one the position of its counterpart in the other; None when a term is left over."""
    if len(left) != len(right):
        return None
    free = list(range(len(right)))
    pairs = []
    for term in left:
        fitting = [position for position in free if _same_word(term, right[position])]
        if not fitting:
            return None
        # Of several the one that says it in the same word and behind the same preposition.
        chosen = min(
            fitting, key=lambda position: (right[position].base != term.base, right[position].marker != term.marker)
        )
        free.remove(chosen)
        pairs.append(chosen)
    return pairs


def _same_word(one: Term, other: Term) -> bool:
    if one.surface == other.surface or one.base == other.base:
        return not (one.exact and other.exact) or one.surface == other.surface
    if one.exact or other.exact:
        return False
    mine, others = ground_forms(one.base), ground_forms(other.base)
    mine, others = (*mine, *ground_forms(one.surface)), (*others, *ground_forms(other.surface))
    if set(mine) & set(others):
        return True
    return bool(_groups(mine) & _groups(others))


def _groups(forms: Sequence[str]) -> frozenset[int]:
    return frozenset().union(*(words.SAME.get(form, frozenset()) for form in forms))


def _same_marker(one: str, other: str) -> bool:
    if one == other or (one in words.NEUTRAL and other in words.NEUTRAL):
        return True
    return {one, other} in (
        {"to", ""},
        {"to", "into"},
        {"to", "for"},
        {"on", "onto"},
        {"between", "of"},
        {"between", ""},
    )


def _same_order(
    left: Sequence[Term], right: Sequence[Term], pairs: Sequence[int], one: Reading, other: Reading
) -> bool:
    """Whether the terms stand in the same order, but for what may move."""
    still = [position for position, term in enumerate(left) if not term.movable]
    a = [left[position] for position in still]
    b = [right[pairs[position]] for position in still]
    ranks = sorted(pairs[position] for position in still)
    order = [ranks.index(pairs[position]) for position in still]
    if _sorted(order):
        return True
    if any(_sorted(swapped) for swapped in _joined_swapped(order, a, b)):
        return True
    return any(_sorted(moved) for moved in _moved(order, a, b, one, other))


def _sorted(order: Sequence[int]) -> bool:
    return all(first < second for first, second in itertools.pairwise(order))


def _joined_swapped(order: list[int], a: Sequence[Term], b: Sequence[Term]) -> Iterator[list[int]]:
    """ "A and B" is "B and A": neighbours exchanged where both questions join them."""
    for position in range(len(a) - 1):
        if a[position + 1].joined and b[position].joined:
            yield [*order[:position], order[position + 1], order[position], *order[position + 2 :]]


def _moved(order: list[int], a: Sequence[Term], b: Sequence[Term], one: Reading, other: Reading) -> Iterator[list[int]]:
    """The orders that one allowed exchange of two neighbouring phrases gives."""
    size = len(order)
    for start in range(size):
        for middle in range(start + 1, size):
            for end in range(middle + 1, size + 1):
                if _may_change_places(start, middle, end, a, b, one, other):
                    yield [*order[:start], *order[middle:end], *order[start:middle], *order[end:]]


def _may_change_places(
    start: int, middle: int, end: int, a: Sequence[Term], b: Sequence[Term], one: Reading, other: Reading
) -> bool:
    # A phrase behind its preposition may stand before or after the rest: "in Spain", "from Oslo", "after 6 pm".
    for position, stop in ((start, middle), (middle, end)):
        if a[position].marker not in {"", "of"} and a[position].marker == b[position].marker:
            return True
        binds = a[position].base in words.BINDING and a[position].base == b[position].base and stop - position > 1
        if binds and {start, end} & {0, len(a)}:
            return True
    # "The planet is closest" and "the closest planet".
    if (start, end) == (0, 2) and {one.front, other.front} == {0, 1} and any(map(_ranks, a[:2])):
        return one.kind == "what" and all(x.marker == y.marker for x, y in zip(a, b, strict=True))
    # "price of the plan" and "plan price", "plan's price"; also "what does the plan cost".
    bound, loose = (a, b) if a[middle].marker in _FRONTING - {""} else (b, a)
    head = middle if bound is a else start
    if bound[head].marker not in _FRONTING - {""} or loose[head].marker not in {"", bound[head].marker}:
        return False
    # Only that one preposition may differ, or "the average of the maximum" would be "the maximum of the average".
    if any(x.marker != y.marker for position, (x, y) in enumerate(zip(a, b, strict=True)) if position != head):
        return False
    return _no_subject_moved(start, end, a, b, one, other)


def _no_subject_moved(start: int, end: int, a: Sequence[Term], b: Sequence[Term], one: Reading, other: Reading) -> bool:
    """Not "what does X cause" for "cause of X": of a verb with subject and object neither may take the other's place.

    A helping verb in only one of the questions shows that one has a subject where the other has a noun.
    """
    if one.subject_asked != other.subject_asked:
        return False
    if one.fronted == other.fronted and one.kind != "yes or no":
        front = one.front - sum(term.movable for term in one.terms[: one.front])
        return not one.fronted or end <= front or start >= front
    moved = [*a[start:end], *b[start:end]]
    return one.kind not in {"who", "who of them"} and any(
        term.base in words.INTRANSITIVE or term.surface in words.INTRANSITIVE for term in moved
    )


def _ranks(term: Term) -> bool:
    return (
        term.base.startswith("ordinal ")
        or term.surface in {"last", "best", "worst"}
        or (
            term.surface.endswith("est")
            and len(term.surface) > 5
            and term.surface not in {"interest", "request", "harvest"}
        )
    )


def _by_roles(one: Reading, other: Reading) -> str | None:
    """One question in the passive: both are brought into the order agent, verb, object and must then be alike."""
    left, right = _active(one), _active(other)
    if _attributive(one, other) or _attributive(other, one):
        left, right = [term for term in left if term != _ASKED], [term for term in right if term != _ASKED]
    pairs = _pairs(left, right)
    if pairs is None:
        return "order"
    aligned = [right[position] for position in pairs]
    if any(not _same_marker(a.marker, b.marker) for a, b in zip(left, aligned, strict=True)):
        return "prepositions"
    still = [position for position, term in enumerate(left) if not term.movable]
    order = [pairs[position] for position in still]
    if _sorted(order):
        return None
    a = [left[position] for position in still]
    b = [right[pairs[position]] for position in still]
    for start in range(len(a)):
        for middle in range(start + 1, len(a)):
            for end in range(middle + 1, len(a) + 1):
                fixed = any(
                    a[position].marker not in {"", "of"} and a[position].marker == b[position].marker
                    for position in (start, middle)
                )
                if fixed and _sorted([*order[:start], *order[middle:end], *order[start:middle], *order[end:]]):
                    return None
    return "order"


def _attributive(one: Reading, other: Reading) -> bool:
    """ "Which dose is recommended" asks for "the recommended dose": the same participle behind its noun and before."""
    passive = next((term for term in one.terms if term.passive), None)
    return (
        passive is not None
        and one.front > 0
        and other.front == 0
        and other.terms[0].surface == passive.surface
        and not any(term.passive or term.marker == "by" for term in other.terms)
        and not (one.agent_asked or other.agent_asked or any(term.marker == "by" for term in one.terms))
    )


_ASKED = Term("?", "?")


def _ends_agent(first: Term, term: Term) -> bool:
    return bool(term.marker) or term.base in words.BINDING or (first.exact and not term.exact)


def _active(reading: Reading) -> list[Term]:
    """Agent, verb, object: the passive turned round, the question word's phrase put where its answer would stand."""
    terms = list(reading.terms)
    asks = reading.kind in {"who", "what", "name", "who of them"}
    front = terms[: reading.front]
    if reading.kind == "who of them" and front:
        front = front[1:]
    rest = terms[reading.front :]
    if asks:
        front = [_ASKED, *front]
    verb = next((position for position, term in enumerate(rest) if term.passive), None)
    if verb is None:
        return [*rest, *front] if reading.fronted else [*front, *rest]
    before, after = rest[:verb], rest[verb + 1 :]
    plain = dataclasses.replace(rest[verb], passive=False)
    by = next((position for position, term in enumerate(after) if term.marker == "by"), None)
    if reading.agent_asked:
        return [*front, plain, *before, *after]
    if by is None:
        return [plain, *front, *before, *after]
    stop = next((at for at in range(by + 1, len(after)) if _ends_agent(after[by], after[at])), len(after))
    agent = [dataclasses.replace(after[by], marker=""), *after[by + 1 : stop]]
    return [*agent, plain, *front, *before, *after[:by], *after[stop:]]
