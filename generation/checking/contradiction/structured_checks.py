"""What differs between a claim and the place that it is aligned with: facts in which a copied sentence can be wrong.

Each check compares the claim with a window of the evidence that speaks of the same things, and yields the places in the
claim that the window does not carry or contradicts. Rules for English words; numbers and names in any language.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable, Iterator, Sequence

from generation.answers import Span
from generation.checking.contradiction.opposites import OPPOSITES, prefixed
from generation.checking.contradiction.stated_facts import Number, same_unit, stands_among
from generation.checking.coverage.read_words import ReadText, ReadWord

_SCOPE = 4
"""Words after a negation that it may concern."""

_COUNTED = 3
"""A writer may count so many things that the evidence only names: "two friends"."""

_SAME_ROOT = 4
"""Letters at the beginning that tell a name from its adjective: China, Chinese."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CERTAIN = _words("will must shall definitely certainly always proves proven is are was were")
_POSSIBLE = _words("may might could possibly perhaps potentially probably likely sometimes")
_ALL = _words("all every each always entire entirely everyone everything only solely exclusively whole")
_SOME = _words("some several many most few often sometimes usually generally partly partially mostly")
_TURNS = frozenset(("by", "from", "of", "was", "were", "been", "being"))


class Mismatch(enum.StrEnum):
    """What a place of the claim has that its evidence has not."""

    NUMBER_DIFFERS = "number_differs"
    NUMBER_ABSENT = "number_absent"
    UNIT_DIFFERS = "unit_differs"
    NAME_DIFFERS = "name_differs"
    NAME_ABSENT = "name_absent"
    NEGATION = "negation"
    OPPOSITE = "opposite"
    CERTAINTY = "certainty"
    QUANTIFIER = "quantifier"
    ROLES = "roles"
    INSERTED = "inserted"


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """`span` is a place in the claim."""

    kind: Mismatch
    span: Span


Stem = Callable[[str], int | None]
"""A word to the id of its stem, None for stop words."""

Check = Callable[[ReadText, Sequence[ReadText], Stem], Iterable[Found]]


def number_checks(claim: ReadText, window: Sequence[ReadText], _: Stem) -> Iterator[Found]:
    """A number that the window has not; "differs" where the window has another one in that place."""
    for number in claim.numbers:
        span = (number.start, number.end)
        if _is_list_mark(claim, number):
            continue
        equal = [other for one in window for other in one.numbers if stands_among(number, (other,))]
        if equal:
            if not any(same_unit(number, other) for other in equal):
                yield Found(Mismatch.UNIT_DIFFERS, span)
            continue
        near = claim.neighbours(*span)
        rival = any(
            same_unit(number, other) and (near & one.neighbours(other.start, other.end))
            for one in window
            for other in one.numbers
        )
        if rival:
            yield Found(Mismatch.NUMBER_DIFFERS, span)
        elif number.value > _COUNTED:
            yield Found(Mismatch.NUMBER_ABSENT, span)


def _is_list_mark(claim: ReadText, number: Number) -> bool:
    """Whether the number counts the sentence: "3) ...", "2. ..."."""
    return not claim.words or (number.end <= claim.words[0].end and claim.words[0].folded.isdigit())


def name_checks(claim: ReadText, window: Sequence[ReadText], stem: Stem) -> Iterator[Found]:
    """A name that the window has not; "differs" where the window has another one in that place."""
    stems = frozenset().union(*(one.stems() for one in window)) if window else frozenset()
    folded = {word.folded for one in window for word in one.words}
    parts = {part for word in folded for part in word.split("-")}
    claimed = {name for name, _, _ in claim.names}
    for whole, start, end in claim.names:
        name = whole.split("-")[0] if "-" in whole else whole  # AI-based
        if whole in folded or name in folded or name in parts or stem(name) in stems or _known_otherwise(name, parts):
            continue
        near = claim.neighbours(start, end)
        rival = any(
            other not in claimed and (near & one.neighbours(first, last))
            for one in window
            for other, first, last in one.names
        )
        yield Found(Mismatch.NAME_DIFFERS if rival else Mismatch.NAME_ABSENT, (start, end))


def _known_otherwise(name: str, known: Iterable[str]) -> bool:
    """Whether a word is the name's plural, singular or adjective."""
    bare = name.rstrip("s")
    return any(
        bare == other.rstrip("s")
        or (name[:_SAME_ROOT] == other[:_SAME_ROOT] and len(name) > _SAME_ROOT and abs(len(name) - len(other)) < 4)
        for other in known
    )


def negation_check(claim: ReadText, window: Sequence[ReadText], _: Stem) -> Iterator[Found]:
    """A word that the claim denies and the window affirms, or the other way round."""
    here = list(_denied(claim))
    perhaps_here = {word.stem for _, scope in here for word in scope}
    there, perhaps_there, affirmed = set[int | None](), set[int | None](), set[int | None]()
    for one in window:
        scopes = list(_denied(one))
        denied = {word.stem for _, scope in scopes for word in scope}
        there |= {scope[0].stem for _, scope in scopes}
        perhaps_there |= denied
        affirmed |= one.stems() - denied
    for cue, scope in here:
        if scope[0].stem in affirmed and not perhaps_there & {word.stem for word in scope}:
            yield Found(Mismatch.NEGATION, (cue.start, scope[0].end))
            return
    for word in claim.words:
        if word.stem in there and word.stem not in affirmed and word.stem not in perhaps_here:
            yield Found(Mismatch.NEGATION, (word.start, word.end))
            return


def _denied(text: ReadText) -> Iterator[tuple[ReadWord, list[ReadWord]]]:
    """Each negation with the content words in its scope, where there are any."""
    for position, cue in enumerate(text.words):
        if cue.is_cue:
            following = text.words[position + 1 : position + 1 + _SCOPE]
            scope = [word for word in following if word.stem is not None]
            if scope:
                yield cue, scope


def opposite_check(claim: ReadText, window: Sequence[ReadText], stem: Stem) -> Iterator[Found]:
    """A word that the window has not, while it has the opposite beside the same words."""
    folded = {word.folded for one in window for word in one.words}
    stems = frozenset().union(*(one.stems() for one in window)) if window else frozenset()
    for word in claim.words:
        if word.folded in folded or (word.stem is not None and word.stem in stems):
            continue
        others = {other for _, known in _opposites_of(word, stem) for other in known} | set(prefixed(word.folded))
        other_stems = {stem(other) for other in others} - {None}
        near = claim.neighbours(word.start, word.end)
        if any(
            (rival.folded in others or rival.stem in other_stems) and near & one.neighbours(rival.start, rival.end)
            for one in window
            for rival in one.words
        ):
            yield Found(Mismatch.OPPOSITE, (word.start, word.end))


def _opposites_of(word: ReadWord, stem: Stem) -> Iterator[tuple[str, frozenset[str]]]:
    if word.folded in OPPOSITES:
        yield word.folded, OPPOSITES[word.folded]
    elif word.stem is not None:
        for base in (word.folded.removesuffix(ending) for ending in ("s", "es", "ed", "d", "ing", "ly")):
            for known in (base, f"{base}e"):
                if known in OPPOSITES and stem(known) == word.stem:
                    yield known, OPPOSITES[known]
                    return


def certainty_check(claim: ReadText, window: Sequence[ReadText], _: Stem) -> Iterator[Found]:
    """Stated as certain what the window calls possible, before the same word."""
    yield from _marked_otherwise(claim, window, _CERTAIN, _POSSIBLE, Mismatch.CERTAINTY)


def quantifier_check(claim: ReadText, window: Sequence[ReadText], _: Stem) -> Iterator[Found]:
    """Stated of all what the window says of some, or of these alone."""
    yield from _marked_otherwise(claim, window, _ALL, _SOME, Mismatch.QUANTIFIER)
    folded = {word.folded for one in window for word in one.words}
    for word in claim.words:
        if word.folded in ("only", "solely", "exclusively", "all", "every", "always") and not folded & _ALL:
            yield Found(Mismatch.QUANTIFIER, (word.start, word.end))


def _marked_otherwise(
    claim: ReadText, window: Sequence[ReadText], strong: frozenset[str], weak: frozenset[str], kind: Mismatch
) -> Iterator[Found]:
    weakly = {following for one in window for following, _ in _marked(one, weak)}
    strongly = {following for one in window for following, _ in _marked(one, strong)}
    for following, marker in _marked(claim, strong):
        if following in weakly and following not in strongly:
            yield Found(kind, (marker.start, marker.end))


def _marked(text: ReadText, markers: frozenset[str]) -> Iterator[tuple[int, ReadWord]]:
    """The first content word after each marker."""
    for position, marker in enumerate(text.words):
        if marker.folded in markers:
            following = next((word.stem for word in text.words[position + 1 : position + 3] if word.stem), None)
            if following is not None:
                yield following, marker


def roles_check(claim: ReadText, window: Sequence[ReadText], _: Stem) -> Iterator[Found]:
    """Two words stand around a third in the other order, and neither sentence is passive."""
    triples = set(_triples(claim))
    for one in window:
        others = set(_triples(one))
        for first, between, last in sorted(triples - others):
            if (last, between, first) in others and not any(_turned(text, first, last) for text in (claim, one)):
                places = [word for word in claim.words if word.stem in (first, between, last)]
                yield Found(Mismatch.ROLES, (places[0].start, places[-1].end))
                return


def _turned(text: ReadText, one: int, other: int) -> bool:
    """Whether a word that turns a relation round stands between these two."""
    places = [word.start for word in text.words if word.stem in (one, other)]
    return any(word.folded in _TURNS and places[0] < word.start < places[-1] for word in text.words)


def _triples(text: ReadText) -> Iterator[tuple[int, int, int]]:
    content = [word.stem for word in text.words if word.stem is not None]
    for first, between, last in zip(content, content[1:], content[2:], strict=False):
        if len({first, between, last}) == 3:
            yield first, between, last


def inserted_check(claim: ReadText, window: Sequence[ReadText], _: Stem) -> Iterator[Found]:
    """A run of three or more content words of which the window has none."""
    stems = frozenset().union(*(one.stems() for one in window)) if window else frozenset()
    run: list[ReadWord] = []
    for word in (*(word for word in claim.words if word.stem is not None), None):
        if word is not None and word.stem not in stems:
            run.append(word)
            continue
        if len(run) >= 3:
            yield Found(Mismatch.INSERTED, (run[0].start, run[-1].end))
        run = []


_CHECKS: tuple[tuple[Check, frozenset[Mismatch]], ...] = (
    (number_checks, frozenset((Mismatch.NUMBER_DIFFERS, Mismatch.NUMBER_ABSENT, Mismatch.UNIT_DIFFERS))),
    (name_checks, frozenset((Mismatch.NAME_DIFFERS, Mismatch.NAME_ABSENT))),
    (negation_check, frozenset((Mismatch.NEGATION,))),
    (opposite_check, frozenset((Mismatch.OPPOSITE,))),
    (certainty_check, frozenset((Mismatch.CERTAINTY,))),
    (quantifier_check, frozenset((Mismatch.QUANTIFIER,))),
    (roles_check, frozenset((Mismatch.ROLES,))),
    (inserted_check, frozenset((Mismatch.INSERTED,))),
)


def mismatches(claim: ReadText, evidence: Sequence[ReadText], kinds: Sequence[Mismatch], stem: Stem) -> Iterator[Found]:
    """What of these kinds the claim says otherwise than the evidence, with the place in the claim."""
    wanted = frozenset(kinds)
    for check, own in _CHECKS:
        if wanted & own:
            yield from (found for found in check(claim, evidence, stem) if found.kind in wanted)
