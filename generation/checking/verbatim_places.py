"""Where a sentence stands word for word in a text, whatever its white space, quotation marks and dashes look like."""

from __future__ import annotations

import re

from generation.answers import Span

_QUOTES = '"“”„‟«»'
_APOSTROPHES = "'’‘‛`"
_DASHES = "-‐‑‒–—"
_Q, _A, _D = re.escape(_QUOTES), re.escape(_APOSTROPHES), re.escape(_DASHES)
_AROUND = re.compile(rf"^(?:[-*+•▪◦‣–·]\s+|[{_Q}{_A}]|\*\*)+|(?:[{_Q}{_A}]|\*\*)+$")
_PART = re.compile(rf"\s+|[{_Q}]|[{_A}]|[{_D}]|[^\s{_Q}{_A}{_D}]+")


def verbatim_pattern(sentence: str) -> re.Pattern[str]:
    """Matches the sentence as it may be typeset elsewhere; a bullet and marks of quotation around it are left out.

    Its first and last words are whole words of the text.
    """
    bare = _AROUND.sub("", sentence.strip())
    parts = [_pattern(match.group()) for match in _PART.finditer(bare)]
    before = r"(?<!\w)" if bare[:1].isalnum() else ""
    after = r"(?!\w)" if bare[-1:].isalnum() else ""
    return re.compile(f"{before}{''.join(parts)}{after}" if parts else r"(?!)")


def verbatim_place(sentence: str, pattern: re.Pattern[str], text: str) -> Span | None:
    """`[start, end)` of the first place of the sentence in the text."""
    exact = text.find(sentence)
    if exact >= 0:
        return exact, exact + len(sentence)
    found = pattern.search(text)
    return found.span() if found else None


def _pattern(part: str) -> str:
    for group in (_QUOTES, _APOSTROPHES, _DASHES):
        if part in group:
            return f"[{re.escape(group)}]"
    return r"\s+" if part.isspace() else re.escape(part)
