"""Citation recall and precision of one answer, as ALCE defines them (Gao et al., 2023, arXiv:2305.14627, section 3).

A statement's citations are recalled when the passages that it cites, taken together, entail it. A citation is precise
when its statement is recalled and it is needed: its passage entails the statement alone, or the others without it do
not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

Entails = Callable[[Sequence[str], str], bool]
"""Whether these cited passages (by id), taken together, entail this statement."""


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that claims something, and the ids of the passages that it cites, without repeats."""

    text: str
    cited: tuple[str, ...]


def citation_scores(statements: Sequence[Statement], entails: Entails) -> tuple[float, float] | None:
    """Recall (share of statements) and precision (share of citations; 0 without any); `None` without statements."""
    if not statements:
        return None
    recalled = precise = citations = 0
    for statement in statements:
        citations += len(statement.cited)
        if statement.cited and entails(statement.cited, statement.text):
            recalled += 1
            precise += sum(_is_needed(passage, statement, entails) for passage in statement.cited)
    return recalled / len(statements), precise / citations if citations else 0.0


def _is_needed(passage: str, statement: Statement, entails: Entails) -> bool:
    others = [other for other in statement.cited if other != passage]
    return not others or entails([passage], statement.text) or not entails(others, statement.text)
