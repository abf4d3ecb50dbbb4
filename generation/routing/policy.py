"""The thresholds of the router, as plain values that can be written to a file and replayed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generation.routing.evidence_signals import EvidenceSignals
from generation.routing.intents import Intent, IntentKind
from runtime.errors import InvalidInput


@dataclasses.dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """All thresholds, with the defaults that were chosen by measurement (docs/experiments.md).

    `*_documents`, `*_parts`, `*_words`: from this many on the powerful model goes first (0: never). `*_ratio`: how many
    times fewer tokens of evidence than were found; `most_ratio` is the most that a cost limit may press it to.
    `weak_dense` and `weak_covered`: out of scope is a question whose best passage is less similar than the one and in
    whose passages a smaller share of its words stands than the other. `*_tokens` are the expected lengths of answers.
    `room` is by what share an answer may be longer than expected without breaking a cost limit.
    """

    comparison_documents: int = 2
    multi_part_parts: int = 3
    multi_part_documents: int = 3
    long_question_words: int = 80
    cascade: bool = True
    weak_dense: float = 0.3
    weak_covered: float = 0.5
    look_up_ratio: float = 4.0
    comparison_ratio: float = 2.0
    multi_part_ratio: float = 3.0
    format_ratio: float = 2.0
    most_ratio: float = 8.0
    chat_tokens: int = 40
    look_up_tokens: int = 90
    comparison_tokens: int = 300
    multi_part_tokens: int = 220
    format_tokens: int = 300
    room: float = 1.0

    def ratio(self, kind: IntentKind) -> float:
        by_kind = {
            IntentKind.COMPARISON: self.comparison_ratio,
            IntentKind.MULTI_PART: self.multi_part_ratio,
            IntentKind.FORMAT: self.format_ratio,
        }
        return by_kind.get(kind, self.look_up_ratio)

    def tokens(self, kind: IntentKind) -> int:
        """Completion tokens of a usual answer."""
        by_kind = {
            IntentKind.CHAT: self.chat_tokens,
            IntentKind.COMPARISON: self.comparison_tokens,
            IntentKind.MULTI_PART: self.multi_part_tokens,
            IntentKind.FORMAT: self.format_tokens,
        }
        return by_kind.get(kind, self.look_up_tokens)

    def hard(self, intent: Intent, evidence: EvidenceSignals | None) -> str:
        """Why the powerful model should go first; empty when the fast one may begin."""
        documents = evidence.documents if evidence else 0
        if intent.kind is IntentKind.COMPARISON and _reached(documents, self.comparison_documents):
            return f"comparison ({intent.compares!r}) over {documents} documents"
        if _reached(intent.parts, self.multi_part_parts):
            return f"{intent.parts} questions in one"
        if intent.kind is IntentKind.MULTI_PART and _reached(documents, self.multi_part_documents):
            return f"{intent.parts} questions in one over {documents} documents"
        if intent.kind is not IntentKind.CHAT and _reached(intent.words, self.long_question_words):
            return f"a question of {intent.words} words"
        return ""

    def weak(self, evidence: EvidenceSignals) -> str:
        """Why the passages cannot hold an answer; empty when they may."""
        if not evidence.passages:
            return "nothing was found"
        if evidence.dense is None or not evidence.same_language:
            return ""
        if evidence.dense >= self.weak_dense or evidence.covered >= self.weak_covered:
            return ""
        return (
            f"the best passage has similarity {evidence.dense:.2f} (below {self.weak_dense:g}) and "
            f"{evidence.covered:.0%} of the question's words were found (below {self.weak_covered:.0%})"
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RoutingPolicy:
        """A policy from some of its fields; the others keep their defaults. Raises `InvalidInput`."""
        known: dict[str, type] = {name: type(value) for name, value in dataclasses.asdict(cls()).items()}
        values: dict[str, Any] = {}
        for name, value in data.items():
            if name not in known:
                raise InvalidInput(f"{name!r} is no threshold of a routing policy; there are: {', '.join(known)}.")
            wanted = known[name]
            number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
            if not (isinstance(value, bool) if wanted is bool else number and (wanted is float or value == int(value))):
                raise InvalidInput(f"{name} of the routing policy cannot be {value!r}; it is a {wanted.__name__} >= 0.")
            values[name] = wanted(value)
        policy = cls(**values)
        ratios = (policy.look_up_ratio, policy.comparison_ratio, policy.multi_part_ratio, policy.format_ratio)
        if min(*ratios, policy.most_ratio) < 1:
            raise InvalidInput("A packing ratio of the routing policy is below 1: evidence can only be made shorter.")
        return policy

    @classmethod
    def read(cls, file: Path) -> RoutingPolicy:
        """A policy from a JSON file. Raises `InvalidInput`."""
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise InvalidInput(f"{file} is not a routing policy: it is not JSON ({error}).") from error
        if not isinstance(data, dict):
            raise InvalidInput(f"{file} is not a routing policy: a JSON object of thresholds is expected.")
        return cls.from_json(data)


def _reached(value: int, threshold: int) -> bool:
    return 0 < threshold <= value
