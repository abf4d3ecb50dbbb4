"""English inflection by rule and WordNet's exception lists: a base form and its ending, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_DOUBLED = re.compile(r"[^aeiou][aeiou][bdglmnprt]$")
_SIBILANT = ("s", "x", "z", "ch", "sh")


def bases(word: str, pos: str, exceptions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Possible (base form, ending) of a lower-case word; pos is n, v, a or r. Endings: "", s, ed, ing, er, est."""
    yield word, ""
    if word in exceptions:
        base = exceptions[word]
        if pos == "n":
            yield base, "s"
        elif pos == "a":
            yield base, "est" if word.endswith("st") else "er"
        elif pos == "v":
            yield base, "ing" if word.endswith("ing") else "ed"
        return
    endings = {"n": ("s",), "v": ("s", "ed", "ing"), "a": ("er", "est"), "r": ()}[pos]
    for ending in endings:
        if not word.endswith(ending) or len(word) - len(ending) < 2 or word.endswith("ss"):
            continue
        stem = word[: -len(ending)]
        yield stem, ending
        if ending == "s":
            if stem.endswith("ie"):
                yield stem[:-2] + "y", ending
            if stem.endswith("e"):
                yield stem[:-1], ending
            continue
        yield stem + "e", ending
        if len(stem) > 2 and stem[-1] == stem[-2]:
            yield stem[:-1], ending
        if stem.endswith("i"):
            yield stem[:-1] + "y", ending


def inflect(base: str, ending: str, pos: str, irregular: Mapping[str, tuple[str, ...]]) -> str | None:
    """The form of a one-word base with this ending; `None` where the verb is irregular in more than one way."""
    if not ending:
        return base
    if pos == "n":
        known = irregular.get(base, ())
        return known[0] if known else _with_s(base)
    if pos == "a":
        if base in irregular:
            return next((one for one in irregular[base] if one.endswith(ending)), None)
        if len(base) > 6 or base.endswith(("ous", "ful", "ing", "ed", "ic", "al")):
            return ("more " if ending == "er" else "most ") + base
        return _joined(base, ending)
    if ending == "s":
        return _with_s(base)
    if ending == "ed":
        past = {one for one in irregular.get(base, ()) if not one.endswith("ing")}
        if past:
            return past.pop() if len(past) == 1 else None
        return _joined(base, "ed")
    doubled = next((one for one in irregular.get(base, ()) if one.endswith("ing")), None)
    return doubled or _joined(base, "ing")


def _with_s(base: str) -> str:
    if base.endswith("y") and len(base) > 1 and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + ("es" if base.endswith(_SIBILANT) else "s")


def _joined(base: str, ending: str) -> str:
    if base.endswith("e") and not (ending == "ing" and base.endswith(("ee", "oe", "ye"))):
        return base[:-1] + ending
    if base.endswith("y") and len(base) > 1 and base[-2] not in "aeiou" and ending != "ing":
        return base[:-1] + "i" + ending
    if _DOUBLED.search(base) and len(base) <= 4:
        return base + base[-1] + ending
    return base + ending
