"""Does a text give away what the model was told?"""

from __future__ import annotations

import functools
import re

RUN = 10
"""So many words in a row are no coincidence."""
SHORTEST = 6
"""A text of fewer words than `RUN` gives the prompt away when all of it stands there, from this many words on."""

_WORD = re.compile(r"\w+")


def leaks(text: str, static_prompt: str) -> bool:
    """Whether the text repeats a long run of the prompt's words (case, punctuation and line breaks aside).

    Told verbatim only: a translation or a paraphrase is not seen. For a text that grows, its last 500 characters do.
    """
    words = _words(text)
    length = min(RUN, len(words))
    if length < SHORTEST:
        return False
    runs = _runs(static_prompt, length)
    return any(words[start : start + length] in runs for start in range(len(words) - length + 1))


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold()))


@functools.lru_cache(maxsize=32)
def _runs(prompt: str, length: int) -> frozenset[tuple[str, ...]]:
    words = _words(prompt)
    return frozenset(words[start : start + length] for start in range(len(words) - length + 1))
