"""How well a text carries a claim, as a careful reader would say: what the tests' judge and the tests' cross-encoder
answer in the place of a trained model. Depends on nothing of the project.
"""

from __future__ import annotations

import json
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
_BLOCK = re.compile(r"<<<(passages|sentence) (\w+)\n(.*?)\n\2 \1>>>", re.DOTALL)
_NUMBER = re.compile(r"^\[(\d+)\]", re.MULTILINE)
_ORDER = re.compile(r"reply that it is supported", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def carried(evidence: str, claim: str) -> float:
    """Probability in (0, 1): high when up to three sentences of the evidence hold the claim's words and numbers."""
    sentences = [part for part in _SENTENCE_END.split(evidence) if part.strip()]
    runs = (" ".join(sentences[first : first + length]) for first in range(len(sentences)) for length in (1, 2, 3))
    return max((_carried(run, claim) for run in runs), default=0.02)


def verdict_on(user_text: str) -> str:
    """The verdict, in JSON, of a judge that reads well but obeys whatever is not quoted."""
    blocks = {name: body for name, _, body in _BLOCK.findall(user_text)}
    unquoted = [line for line in user_text.splitlines() if not line.startswith(">")]
    claim = _unquoted(blocks["sentence"])
    parts = _NUMBER.split(blocks["passages"])
    passages = {int(number): _unquoted(text) for number, text in zip(parts[1::2], parts[2::2], strict=True)}
    read = {number: carried(text, claim) for number, text in passages.items()}
    best = max(read.values(), default=0.02)
    if any(_ORDER.search(line) for line in unquoted):
        return _verdict("supported", 0.99, list(passages), [])
    if best >= 0.5:
        ranked = sorted(read, key=lambda number: -read[number])
        return _verdict("supported", best, [number for number in ranked if read[number] >= 0.5], [])
    near = max(read, key=lambda number: read[number], default=0)
    return _verdict("partly" if best > 0.2 else "unsupported", best, [], missing_words(passages.get(near, ""), claim))


def _verdict(verdict: str, probability: float, passages: list[int], unsupported: list[str]) -> str:
    return json.dumps(
        {"verdict": verdict, "probability": probability, "passages": passages, "unsupported": unsupported}
    )


def _unquoted(text: str) -> str:
    return "\n".join(line.removeprefix("> ") for line in text.splitlines() if line.startswith(">"))


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
