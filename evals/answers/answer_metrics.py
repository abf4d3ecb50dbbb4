"""How well an answer's words agree with the gold answers, and how well refusals fall on unanswerable questions.

Normalisation, exact match and F1 are those of the SQuAD evaluation script (Rajpurkar et al., 2016, 2018).
"""

from __future__ import annotations

import dataclasses
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CITATION_MARK = re.compile(r"\s*\[\d{1,3}\]")


def without_citation_marks(answer: str) -> str:
    """The answer's words without `[1]`, `[2]`, ..., which no gold answer has."""
    return _CITATION_MARK.sub("", answer)


def normalise(text: str) -> str:
    """Lower case, without punctuation, English articles and extra white space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, gold_answers: Sequence[str]) -> bool:
    """Whether the answer equals one of the gold answers after normalisation."""
    return normalise(answer) in {normalise(gold) for gold in gold_answers}


def contains_gold(answer: str, gold_answers: Sequence[str]) -> bool:
    """Whether the words of a gold answer stand in the answer, in order and next to one another.

    Whole words: "art" is not in "party". A gold answer that normalises to nothing ("The") is compared as it stands.
    """
    padded = f" {normalise(answer)} "
    return any(
        f" {words} " in padded if (words := normalise(gold)) else bool(gold) and gold.lower() in answer.lower()
        for gold in gold_answers
    )


def token_f1(answer: str, gold_answers: Sequence[str]) -> float:
    """F1 of the normalised words of the answer and of the gold answer that fits best, 0..1.

    When either is empty after normalisation, 1 if both are and 0 otherwise.
    """
    return max((_f1(normalise(answer).split(), normalise(gold).split()) for gold in gold_answers), default=0.0)


def _f1(answer: Sequence[str], gold: Sequence[str]) -> float:
    if not answer or not gold:
        return float(list(answer) == list(gold))
    common = sum((Counter(answer) & Counter(gold)).values())
    return 2.0 * common / (len(answer) + len(gold))


@dataclasses.dataclass(frozen=True, slots=True)
class RefusalCounts:
    """Refusals against what could be answered."""

    refused_unanswerable: int
    refused_answerable: int
    answered_unanswerable: int
    answered_answerable: int

    @property
    def precision(self) -> float | None:
        """Share of the refusals that were right; `None` when nothing was refused."""
        return _share(self.refused_unanswerable, self.refused_unanswerable + self.refused_answerable)

    @property
    def recall(self) -> float | None:
        """Share of the unanswerable questions that were refused; `None` when there are none."""
        return _share(self.refused_unanswerable, self.refused_unanswerable + self.answered_unanswerable)

    @property
    def false_refusal_rate(self) -> float | None:
        """Share of the answerable questions that were refused; `None` when there are none."""
        return _share(self.refused_answerable, self.refused_answerable + self.answered_answerable)

    @property
    def false_answer_rate(self) -> float | None:
        """Share of the unanswerable questions that were answered; `None` when there are none."""
        return _share(self.answered_unanswerable, self.refused_unanswerable + self.answered_unanswerable)


def count_refusals(outcomes: Iterable[tuple[bool, bool]]) -> RefusalCounts:
    """Count (refused, answerable) pairs."""
    counts = Counter(outcomes)
    return RefusalCounts(counts[True, False], counts[True, True], counts[False, False], counts[False, True])


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
