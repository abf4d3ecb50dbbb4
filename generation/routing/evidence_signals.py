"""How strong the retrieved passages are, and over how many documents they spread: what a router looks at.

A fused score only ranks the passages of one search (its best is always near 1), so strength is told by what is
comparable between searches: the cosine of question and passage, and the share of the question's words that stand there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from retrieval.passages import Passage

TOP = 5
"""The passages looked at."""

STRONG_SHARE = 0.6
"""A passage is strong when its score is at least this share of the best one's."""

_STEM = 5
_CHARACTERS_PER_TOKEN = 4
_WORD = re.compile(r"[^\W_]{3,}|\d+")
_ANY_WORD = re.compile(r"[^\W\d_]+")
_TELLING_CHARACTERS = 600
_COMMON_WORD_LISTS = {
    "en": (
        "the a an of is are was do does did what when where who which how why to in for my i and on by that be with "
    ),
    "de": (
        "der die das den dem des ein eine und ist sind war wie was wer wann wo für in mit von zu auf im nicht mein ich "
    ),
    "fr": (
        "le la les l d un une des du de et est sont quel quelle qui que quand où dans pour avec par sur à au en il "
    ),
    "es": ("el la los las un una de del y es son qué cuál quién cuándo dónde en para con por a al que se mi "),
}
_COMMON_WORDS = {name: frozenset(words.split()) for name, words in _COMMON_WORD_LISTS.items()}
_FUNCTION_WORD_LIST = """
the and for are was were has have had does did can could will would should may might must shall what when where
which who whom whose why how that this these those there their them they its his her our your you with from into
about than then also any all some not but out per via tell give show list name explain describe please many much der
die das und ist sind war wer wie was wann welche welcher welches eine einer eines einem für mit von dem den les des
une est sont qui que quel quelle quels quelles dans pour avec par sur los las una son qué cuál cuáles quién para con
por del
"""
_FUNCTION_WORDS = frozenset(_FUNCTION_WORD_LIST.split())


@dataclasses.dataclass(frozen=True, slots=True)
class EvidenceSignals:
    """Of the first `TOP` passages. `documents` counts those of the strong ones.

    `dense` is the best cosine with the question and `bm25` the best BM25 score (None where the search did not compute
    them); `gap` is how far the best score is ahead of the second, as a share of it; `covered` the share of the
    question's words that stand in these passages; `agreement` the share of the passages that dense and BM25 both rank
    in the upper half (None without both). `tokens` estimates those of all passages given whole. `same_language` is
    false where the question seems to be in another language than the passages: then `dense` and `covered` say little.
    """

    passages: int
    documents: int
    dense: float | None
    bm25: float | None
    gap: float
    covered: float
    agreement: float | None
    tokens: int
    same_language: bool = True


def evidence_signals(question: str, passages: Sequence[Passage]) -> EvidenceSignals:
    """The signals of the passages, best first, that were found for this question."""
    top = passages[:TOP]
    strong = [one for one in top if one.score >= STRONG_SHARE * top[0].score]
    scores = [one.score for one in top]
    return EvidenceSignals(
        passages=len(passages),
        documents=len({one.chunk.document_id for one in strong}),
        dense=_best(top, "dense"),
        bm25=_best(top, "bm25"),
        gap=(scores[0] - scores[1]) / scores[0] if len(scores) > 1 and scores[0] > 0 else 1.0,
        covered=_covered(question, top),
        agreement=_agreement(passages),
        tokens=sum(len(one.context) for one in passages) // _CHARACTERS_PER_TOKEN,
        same_language=not top or _language(question) == _language(top[0].context[:_TELLING_CHARACTERS]),
    )


def _best(passages: Sequence[Passage], arm: str) -> float | None:
    return max((one.scores[arm] for one in passages if arm in one.scores), default=None)


def _covered(question: str, passages: Sequence[Passage]) -> float:
    asked = stems(question)
    if not asked:
        return 1.0
    texts = (f"{one.context} {one.chunk.section} {one.chunk.document_name}" for one in passages)
    known = " ".join(texts).casefold()
    return sum(re.search(rf"\b{stem}", known) is not None for stem in asked) / len(asked)


def _language(text: str) -> str:
    """The language most of whose commonest words stand in the text; empty when none does."""
    words = _ANY_WORD.findall(text.casefold())
    counts = {name: sum(word in common for word in words) for name, common in _COMMON_WORDS.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else ""


def stems(text: str) -> set[str]:
    """The first letters of the words that mean something: "leases" and "leased" are one."""
    words = (word.casefold() for word in _WORD.findall(text))
    return {word[:_STEM] for word in words if word not in _FUNCTION_WORDS}


def _agreement(passages: Sequence[Passage]) -> float | None:
    both = [one for one in passages if "dense" in one.scores and "bm25" in one.scores]
    half = len(both) // 2
    if not half:
        return None
    upper = [
        {one.chunk.chunk_id for one in sorted(both, key=lambda one: -one.scores[arm])[:half]}
        for arm in ("dense", "bm25")
    ]
    return len(upper[0] & upper[1]) / half
