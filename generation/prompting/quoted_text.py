"""Untrusted text made fit to be quoted inside a prompt: it cannot look like a fence, a citation or a turn of a chat."""

from __future__ import annotations

import re

MARK = "> "
"""Stands before every quoted line, as in an e-mail that quotes another."""

_HEADER_CHARACTERS = 160

_CITATION = re.compile(r"[\[【［]\s*(\^?\d[\d\s,;–-]*)[\]】］]")
_FENCE = re.compile(r"<{3,}|>{3,}")
_CONTROL = re.compile(  # chat templates' own marks: ChatML and Llama 3, Llama 2, Gemma
    r"<\|([^<>‹›|\n]{1,40})\|>|<<(/?SYS)>>|\[(/?INST)\]|<(/?s|(?:start|end)_of_turn)>"
)
_INVISIBLE = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")


def quoted(text: str) -> list[str]:
    """The text's lines, blank ones left out, each marked as quotation."""
    return [f"{MARK}{line.strip()}" for line in neutral(text).splitlines() if line.strip()]


def one_line(text: str, longest: int = _HEADER_CHARACTERS) -> str:
    """The text on one line, at most `longest` characters: for names and titles, which are untrusted too."""
    line = " ".join(neutral(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def neutral(text: str) -> str:
    """The same words without what has a meaning in our prompts: `[3]` reads `(3)`, `<<<` reads `<<`.

    Marks of chat templates keep their name alone (`<|im_start|>` reads `‹im_start›`); invisible characters, in which
    instructions can hide, are dropped.
    """
    text = _INVISIBLE.sub("", text)
    text = _CONTROL.sub(lambda match: f"‹{next(group for group in match.groups() if group)}›", text)
    text = _CITATION.sub(lambda match: f"({match.group(1).strip()})", text)
    return _FENCE.sub(lambda match: match.group()[:2], text)
