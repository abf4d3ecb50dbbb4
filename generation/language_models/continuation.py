"""Joins what one model wrote with what another writes after it, without saying anything twice."""

from __future__ import annotations

import re

# What a stream must not break in: a word, a number, a citation mark. Scripts without spaces may be cut anywhere.
_UNFINISHED = re.compile(r"[^\s\u0e00-\u0e7f\u3000-\u303f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]{1,60}\Z")
_OPENING = re.compile(r"\s*[,.;:!?%)\]}»”’]")


class WholeWords:
    """Passes text on up to its last space, so that a broken stream ends between words."""

    def __init__(self) -> None:
        self.held = ""

    def feed(self, text: str) -> str:
        text = self.held + text
        unfinished = _UNFINISHED.search(text)
        end = unfinished.start() if unfinished else len(text)
        self.held = text[end:]
        return text[:end]

    def rest(self) -> str:
        rest, self.held = self.held, ""
        return rest


class Continuation:
    """The new part of a text that goes on after `written`, but may repeat its end or begin it again.

    It is fed in whole words. Letters are compared without white space. As long as all that has come stands in `written`
    too, it is held back; when it goes on beyond the end of `written`, what it repeated is cut, provided that the
    repetition begins and ends between words.
    """

    def __init__(self, written: str) -> None:
        self._written = written
        self._old, self._old_at = _squeezed(written)
        self._text = ""
        self._decided = False

    def feed(self, text: str) -> str:
        """The text that is new by now, perhaps none."""
        if self._decided:
            return text
        self._text += text
        new, _ = _squeezed(self._text)
        if not new or new in self._old:
            return ""
        return self._decide()

    def rest(self) -> str:
        """At the end: what was held back, unless it only repeated."""
        if self._decided:
            return ""
        new, _ = _squeezed(self._text)
        return "" if new in self._old else self._decide()

    def _decide(self) -> str:
        self._decided = True
        rest = self._text[self._repeated() :]
        if self._written[-1:].isspace():
            return rest.lstrip(" ")
        if not rest or rest[0].isspace() or _OPENING.match(rest):
            return rest
        return f" {rest}" if self._written and _spaced(self._written[-1]) and _spaced(rest[0]) else rest

    def _repeated(self) -> int:
        """Characters of the new text that `written` ends with."""
        new, new_at = _squeezed(self._text)
        for length in range(min(len(new), len(self._old)), 0, -1):
            if self._old.endswith(new[:length]):
                begins = self._old_at[len(self._old) - length]
                ends = new_at[length - 1] + 1
                if _between_words(self._written, begins) and _between_words(self._text, ends):
                    return ends
        return 0


def _squeezed(text: str) -> tuple[str, list[int]]:
    """The text without white space, and where each character stood."""
    places = [place for place, character in enumerate(text) if not character.isspace()]
    return "".join(text[place] for place in places), places


def _between_words(text: str, place: int) -> bool:
    before, after = text[max(0, place - 1) : place], text[place : place + 1]
    if not before.isalnum() or not _spaced(before):
        return True
    goes_on = after in ".,'’-" and text[place + 1 : place + 2].isalnum()  # 1,000 and 3.5 are one word each
    return not (after and (after.isalnum() or goes_on))


def _spaced(character: str) -> bool:
    """Whether its script puts spaces between words."""
    return _UNFINISHED.match(character) is not None
