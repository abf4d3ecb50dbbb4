"""Several models answer one question: how far they agree, and which answer stands."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from generation.answers import Answer
from generation.batches.agreement import Compared, compare, without_marks
from retrieval.embedding import Embedder
from runtime.errors import ToldError

REFUSAL_SUPPORT = 0.5
"""A refusal outweighs an answer that is more likely wrong than right, and no other."""


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """What one model of the ensemble said, or why it said nothing."""

    model: str
    answer: Answer | None
    error: ToldError | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Consensus:
    """`agreement` is the mean over all pairs of answers (`agreement.compare`), None with fewer than two.

    `majority`: how many answers, the chosen one included, say the same as the chosen one.
    """

    chosen: Answer
    agreement: float | None
    majority: int
    members: tuple[Member, ...]
    disagreements: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "agreement": self.agreement,
            "majority": self.majority,
            "answers": [_member_to_json(member) for member in self.members],
            "disagreements": list(self.disagreements),
        }


class Ensemble:
    """Blocking and thread-safe: it embeds the answers."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def consensus(self, members: Sequence[Member]) -> Consensus:
        """At least one member must have answered.

        Answers that agree with each other form groups; the largest speaks, of equals the better supported one. In it
        the answer with the best groundedness is chosen, the earlier member's of equals. The observed agreement over
        pairs is that of Fleiss, "Measuring nominal scale agreement among many raters" (1971), with graded instead of
        yes-or-no pairs.
        """
        answered = [(member.model, member.answer) for member in members if member.answer is not None]
        answers = [answer for _, answer in answered]
        pairs = self._compared(answers)
        groups = _groups(len(answers), pairs)
        best = max(groups, key=lambda group: (len(group), sum(_support(answers[one]) for one in group), -group[0]))
        chosen = max(best, key=lambda one: (_support(answers[one]), -one))
        told = []
        for (one, other), compared in pairs.items():
            told += [f"{difference} ({answered[one][0]} / {answered[other][0]})" for difference in compared.differences]
        return Consensus(
            chosen=answers[chosen],
            agreement=round(float(np.mean([pair.score for pair in pairs.values()])), 4) if pairs else None,
            majority=len(best),
            members=tuple(members),
            disagreements=tuple(told),
        )

    def _compared(self, answers: Sequence[Answer]) -> dict[tuple[int, int], Compared]:
        """Every pair, by the answers' places."""
        vectors = [one.dense for one in self._embedder.embed_passages([without_marks(one.answer) for one in answers])]
        return {
            (one, other): compare(answers[one], answers[other], float(vectors[one] @ vectors[other]))
            for one, other in itertools.combinations(range(len(answers)), 2)
        }


def _groups(count: int, pairs: Mapping[tuple[int, int], Compared]) -> list[list[int]]:
    """Each answer joins the first group with all of whose answers it agrees."""
    groups: list[list[int]] = []
    for one in range(count):
        for group in groups:
            if all(pairs[other, one].agree for other in group):
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


def _support(answer: Answer) -> float:
    return REFUSAL_SUPPORT if answer.groundedness is None else answer.groundedness.score


def _member_to_json(member: Member) -> dict[str, Any]:
    answer = member.answer
    if answer is None:
        return (
            {"model": member.model, "error": {"code": member.error.code, "message": member.error.message}}
            if (member.error)
            else {"model": member.model}
        )
    return {
        "model": member.model,
        "answer_id": answer.answer_id,
        "answered_by": answer.model.name,
        "answer": answer.answer,
        "refused": answer.refused,
        "groundedness": None if answer.groundedness is None else answer.groundedness.score,
    }
