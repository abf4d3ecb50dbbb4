"""Is every sentence of an answer supported by its passages?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol

from generation.answers import CheckerInfo, Groundedness, SentenceVerdict, Span
from generation.checking.verbatim_places import verbatim_pattern, verbatim_place
from generation.language_models.model import ModelCall
from retrieval.passages import Passage


@dataclasses.dataclass(frozen=True, slots=True)
class Support:
    """How well the best place of one passage supports a sentence. `[start, end)` is that place in the document.

    `text` is the place verbatim; `score` is the probability that it supports the sentence.
    """

    passage: Passage
    start: int
    end: int
    text: str
    score: float


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """A verdict, and what it rests on: the best place of each passage that supports the sentence, best first.

    `calls` are those of language models that were made for it, and `warning` is what its reader must be told of how it
    came about, if anything.
    """

    verdict: SentenceVerdict
    supports: tuple[Support, ...]
    calls: tuple[ModelCall, ...] = ()
    warning: str = ""


class EvidenceCheck(Protocol):
    """The passages of one answer, made ready; sentences may be checked from several threads."""

    def check(self, sentence: str, span: Span) -> Checked:
        """The verdict on one sentence of the answer (without citation marks); `span` is its place in the answer."""


class Checker(Protocol):
    """Blocking and thread-safe. All implementations pass `tests/generation/checking/checker_contract.py`."""

    info: CheckerInfo

    def against(self, passages: Sequence[Passage]) -> EvidenceCheck:
        """A check against these passages. Cheap; what is dear is done at the first sentence."""


class VerbatimChecker:
    """Supported is what stands word for word in a passage: all that extractive answers need.

    White space, quotation marks and dashes may be others.
    """

    info = CheckerInfo("verbatim", "1", 0.5)

    def against(self, passages: Sequence[Passage]) -> VerbatimCheck:
        return VerbatimCheck(passages)


class VerbatimCheck:
    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages

    def check(self, sentence: str, span: Span) -> Checked:
        supports, pattern = [], verbatim_pattern(sentence)
        for passage in self._passages:
            place = verbatim_place(sentence, pattern, passage.context)
            if place is not None:
                start, end = passage.context_start + place[0], passage.context_start + place[1]
                supports.append(Support(passage, start, end, passage.context[place[0] : place[1]], 1.0))
        evidence = tuple(support.passage.chunk.chunk_id for support in supports)
        verdict = SentenceVerdict(span, True, 1.0 if evidence else 0.0, bool(evidence), evidence)
        return Checked(verdict, tuple(supports))


def overall(verdicts: Sequence[SentenceVerdict], info: CheckerInfo) -> Groundedness:
    """The verdict on an answer from those on its sentences: as good as the weakest claim."""
    claims = [verdict for verdict in verdicts if verdict.is_claim]
    short = [verdict for verdict in claims if not verdict.supported]
    unsupported = tuple(span for verdict in short for span in verdict.unsupported or (verdict.span,))
    score = min((verdict.score for verdict in claims), default=1.0)
    return Groundedness(score, not short, tuple(verdicts), unsupported, info)
