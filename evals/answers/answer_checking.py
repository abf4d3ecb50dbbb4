"""A given answer, checked as the platform checks the answers that it writes itself."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

from evals.groundedness.groundedness_cases import GroundednessCase
from generation.answers import SentenceVerdict, Span
from generation.checking.checker import Checked, Checker, EvidenceCheck, overall
from generation.writing.sentence_stream import without_marks
from generation.writing.short_answers import ShortAnswers
from ingestion.sentences import sentence_spans
from retrieval.passages import Passage

_LONGEST_QUOTE = 400


def verify(checker: Checker, case: GroundednessCase, passages: Sequence[Passage]) -> dict[str, Any]:
    """The checker's part of a record; spans are places in the answer, `latency_ms` the wall time of the check.

    The answer is cut into sentences without its citation marks; short ones are read together with the question, where
    there is one. `quote` of a sentence is the place that supports it best. `warnings` are the checker's: that another
    one took its place, say.
    """
    start = time.perf_counter()
    checked = _check(checker.against(passages), case)
    found = overall([one.verdict for one in checked], checker.info)
    elapsed_ms = 1000 * (time.perf_counter() - start)
    return {
        "score": found.score,
        "supported": found.supported,
        "sentences": [_sentence(one) for one in checked],
        "unsupported_spans": [list(span) for span in found.unsupported_spans],
        "latency_ms": elapsed_ms,
        "warnings": list(dict.fromkeys(one.warning for one in checked if one.warning)),
    }


def _check(evidence: EvidenceCheck, case: GroundednessCase) -> list[Checked]:
    check = ShortAnswers(case.question, evidence) if case.question else evidence
    text, places = without_marks(case.answer)
    found = []
    for start, end in sentence_spans(text):
        checked = check.check(text[start:end], (start, end))
        found.append(dataclasses.replace(checked, verdict=_in_answer(checked.verdict, places)))
    return found


def _in_answer(verdict: SentenceVerdict, places: Sequence[int]) -> SentenceVerdict:
    """The verdict with places in the answer as it was given, marks included."""

    def moved(span: Span) -> Span:
        return places[span[0]], places[span[1] - 1] + 1

    return SentenceVerdict(
        moved(verdict.span),
        verdict.is_claim,
        verdict.score,
        verdict.supported,
        verdict.evidence,
        tuple(moved(span) for span in verdict.unsupported if span[1] > span[0]),
    )


def _sentence(checked: Checked) -> dict[str, Any]:
    verdict = checked.verdict
    sentence: dict[str, Any] = {
        "span": list(verdict.span),
        "is_claim": verdict.is_claim,
        "score": verdict.score,
        "supported": verdict.supported,
    }
    if checked.supports:
        quote = checked.supports[0].text
        sentence["quote"] = quote if len(quote) <= _LONGEST_QUOTE else f"{quote[: _LONGEST_QUOTE - 1]}…"
    return sentence
