"""How well a text carries a claim, as a careful reader would say: what the tests' judge and the tests' cross-encoder
answer in the place of a trained model. Depends on nothing of the project.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+")
_SMALL = _WORD.findall(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = _WORD.findall("twenty thirty forty fifty sixty seventy eighty ninety")
_VALUES = {word: value for value, word in enumerate(_SMALL)} | {word: 10 * n for n, word in enumerate(_TENS, start=2)}
_STOP = frozenset(
    _WORD.findall(
        "a an and are as at be by for from has have how i if in into is it its of on or our so that the their them then "
        "there these they this to was were what when where which who will with you your says say"
    )
)
_DENIALS = frozenset(["no", "not", "never", "nobody", "none", "without"])
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:-[^\W\d_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def carried(evidence: str, claim: str) -> float:
    """Probability in (0, 1): high when up to three sentences of the evidence hold the claim's words and numbers."""
    sentences = [part for part in _SENTENCE_END.split(evidence) if part.strip()]
    runs = (" ".join(sentences[first : first + length]) for first in range(len(sentences)) for length in (1, 2, 3))
    return max((_carried(run, claim) for run in runs), default=0.02)


def missing_words(evidence: str, claim: str) -> list[str]:
    """The claim's words and numbers that stand nowhere in the evidence, as they stand in the claim."""
    known = _words(evidence)
    return [match.group() for match in _TOKEN.finditer(claim) if _of(match.group()) and not _of(match.group()) <= known]


def _carried(evidence: str, claim: str) -> float:
    known, wanted = _words(evidence), _words(claim)
    if not wanted or any(word[0].isdigit() and word not in known for word in wanted):
        return 0.02
    if bool(known & _DENIALS) != bool(wanted & _DENIALS):
        return 0.05
    share = len(wanted & known) / len(wanted)
    return 0.97 if share >= 0.75 else max(0.02, 0.6 * share)


def _words(text: str) -> frozenset[str]:
    return frozenset().union(*(_of(match.group()) for match in _TOKEN.finditer(text)))


def _of(token: str) -> frozenset[str]:
    """A word by its first letters, a number by its value; nothing of a stop word."""
    word = token.casefold()
    if word[0].isdigit():
        return frozenset([word.replace(",", "")])
    parts = word.split("-")
    if all(part in _VALUES for part in parts):
        return frozenset([str(sum(_VALUES[part] for part in parts))])
    return frozenset(part[:5] for part in parts if part not in _STOP)
