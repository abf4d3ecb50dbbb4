"""Do two answers say the same? A number in 0..1 and, where they differ, in what."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

from generation.answers import Answer
from generation.checking.contradiction.stated_facts import denies, names, numbers, stands_among, words

ALIKE = (0.45, 0.85)
"""Cosine similarity of two answers' vectors below which they count as unrelated, and from which as the same."""

CITED_WEIGHT = 0.2
AGREES_FROM = 0.5
CONFLICTING_AT_MOST = 0.2
"""Answers that state different facts look alike to a model of meaning: 28 days, 30 days."""

_MARK = re.compile(r"\s*\[\d{1,3}\]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """`score` in 0..1, from `AGREES_FROM` the answers agree; `differences` say in what they do not."""

    score: float
    differences: tuple[str, ...]

    @property
    def agree(self) -> bool:
        return self.score >= AGREES_FROM


def compare(one: Answer, other: Answer, similarity: float) -> Compared:
    """Agreement of two answers to one question, over the same documents.

    `similarity`: cosine of the answers' vectors. Two refusals agree fully, a refusal and an answer not at all. Else
    the score is 0.8 of the meaning (the similarity, stretched over `ALIKE`) and 0.2 of the citations (the Jaccard index
    of the cited passages), at most `CONFLICTING_AT_MOST` when the facts conflict: each states a number or a name that
    the other does not, or one of two answers with the same words denies what the other says. A fact that only one of
    them states is a detail, not a conflict.
    """
    if one.refused or other.refused:
        both = one.refused and other.refused
        return Compared(float(both), () if both else ("refusal: one answers, one refuses",))
    here, there = without_marks(one.answer), without_marks(other.answer)
    conflicts = (*_number_conflict(here, there), *_name_conflict(here, there), *_denial(here, there, similarity))
    low, high = ALIKE
    meaning = min(1.0, max(0.0, (similarity - low) / (high - low)))
    cited = _overlap(one, other)
    score = (1 - CITED_WEIGHT) * meaning + CITED_WEIGHT * cited
    if conflicts:
        return Compared(min(score, CONFLICTING_AT_MOST), conflicts)
    differences = [] if score >= AGREES_FROM else [f"meaning: similarity {similarity:.2f}"]
    if not cited:
        differences.append("citations: no passage in common")
    return Compared(score, tuple(differences))


def _number_conflict(here: str, there: str) -> Iterable[str]:
    mine, theirs = numbers(here), numbers(there)
    only_mine = [number.value for number in mine if not stands_among(number, theirs)]
    only_theirs = [number.value for number in theirs if not stands_among(number, mine)]
    if only_mine and only_theirs:
        yield f"number: {_listed([f'{value:g}' for value in only_mine])} / " + _listed(
            [f"{value:g}" for value in only_theirs]
        )


def _name_conflict(here: str, there: str) -> Iterable[str]:
    only_mine = sorted(_names(here) - words(there))
    only_theirs = sorted(_names(there) - words(here))
    if only_mine and only_theirs:
        yield f"name: {_listed(only_mine)} / {_listed(only_theirs)}"


def _names(text: str) -> frozenset[str]:
    """Of each sentence: what stands first in one may be capitalised for that alone."""
    return frozenset().union(*(names(sentence) for sentence in _SENTENCE_END.split(text)))


def _denial(here: str, there: str, similarity: float) -> Iterable[str]:
    if denies(here) != denies(there) and similarity >= ALIKE[1]:
        yield "negation: one denies what the other says"


def _overlap(one: Answer, other: Answer) -> float:
    """Jaccard index of the cited passages; 1 when neither cites."""
    mine, theirs = ({citation.chunk_id for citation in answer.citations} for answer in (one, other))
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 1.0


def without_marks(text: str) -> str:
    """An answer without its citation marks, whose numbers state nothing."""
    return _MARK.sub("", text)


def _listed(values: Sequence[str], most: int = 3) -> str:
    unique = list(dict.fromkeys(values))
    return ", ".join(unique[:most]) + (", …" if len(unique) > most else "")
