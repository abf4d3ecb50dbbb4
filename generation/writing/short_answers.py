"""A check of sentences that say little without their question: "28 days.", "In Basel.", `"days": 28`."""

from __future__ import annotations

import dataclasses

from generation.answers import Span
from generation.checking.checker import Checked, EvidenceCheck

SPEAKS_FOR_ITSELF = 6
"""Words from which on a sentence is a statement of its own."""


def with_question(sentence: str, question: str) -> str:
    """One text of both. The sentence goes first: a capital at the beginning is no name."""
    return f"{sentence.rstrip(' .!')}: {question[:1].lower()}{question[1:].rstrip(' ?')}"


class ShortAnswers:
    """Satisfies `EvidenceCheck`: what is short and not supported alone is checked again together with its question."""

    def __init__(self, question: str, check: EvidenceCheck) -> None:
        self._question = question
        self._check = check

    def check(self, sentence: str, span: Span) -> Checked:
        """The verdict on the sentence, or on question and sentence together where that is the better one."""
        alone = self._check.check(sentence, span)
        short = len(sentence.split()) < SPEAKS_FOR_ITSELF
        if not short or alone.verdict.supported or not alone.verdict.is_claim:
            return alone
        together = self._check.check(with_question(sentence, self._question), span)
        calls = (*alone.calls, *together.calls)
        if together.verdict.score <= alone.verdict.score:
            return dataclasses.replace(alone, calls=calls)
        # Places in that text are none of the answer.
        verdict = dataclasses.replace(together.verdict, unsupported=())
        return dataclasses.replace(together, verdict=verdict, calls=calls)
