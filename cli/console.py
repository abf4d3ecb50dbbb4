"""What commands write to the terminal: results on standard output, progress and complaints on standard error."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

# Documents are written by strangers; an escape sequence in one must not drive the reader's terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def printable(text: str) -> str:
    """`text` without control characters, bidirectional overrides and lone surrogates; tabs and line feeds stay."""
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def one_line(text: str) -> str:
    """`text` in one line, runs of white space as one space."""
    return " ".join(printable(text).split())


def shortened(text: str, width: int) -> str:
    """`text` in one line of at most `width` characters, cut at a word."""
    line = one_line(text)
    if len(line) <= width:
        return line
    return line[: width - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def out() -> Console:
    """Standard output, in words and colours where it is a terminal."""
    return _console(stderr=False)


def err() -> Console:
    """Standard error, for progress and complaints."""
    return _console(stderr=True)


def print_json(value: Any) -> None:
    """Exactly one JSON object on standard output."""
    # A file name that is not UTF-8 reaches us with surrogates, which only ASCII JSON can carry.
    text = json.dumps(value, ensure_ascii=False, indent=2)
    sys.stdout.write((json.dumps(value, indent=2) if _SURROGATE.search(text) else text) + "\n")
    sys.stdout.flush()


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    # Emoji codes and markup are off: `[1]` and `:warning:` in a document are that document's words.
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=False)
