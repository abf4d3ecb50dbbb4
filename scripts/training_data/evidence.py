"""The part of a passage that says most about a claim."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"\w{3,}")


def packed(sentences: Sequence[str], claim: str, longest: int) -> str:
    """Sentences in reading order, chosen one after the other for the words of the claim that none before had.

    At most `longest` characters, but at least one sentence.
    """
    missing = {word[:5] for word in _WORD.findall(claim.lower())}
    words = [{word[:5] for word in _WORD.findall(one.lower())} for one in sentences]
    chosen: list[int] = []
    while len(chosen) < len(sentences):
        rest = [at for at in range(len(sentences)) if at not in chosen]
        best = max(rest, key=lambda at: (len(words[at] & missing) + 0.3 * (at - 1 in chosen), -at))
        used = sum(len(sentences[at]) for at in chosen)
        if chosen and (used + len(sentences[best]) > longest or len(chosen) > 5):
            break
        chosen.append(best)
        missing -= words[best]
    return " ".join(sentences[at] for at in sorted(chosen))
