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
    in the upper half (None without both). `tokens` estimates those of all passages given whole.
    """

    passages: int
    documents: int
    dense: float | None
    bm25: float | None
    gap: float
    covered: float
    agreement: float | None
    tokens: int


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
