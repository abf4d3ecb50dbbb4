"""A drawn answer as a judge sees it: its sentences, each with the passages that may carry it."""

from __future__ import annotations

import collections
import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from generation.answers import Span

NEAREST = 3

_MARK = re.compile(r" ?\[\d{1,3}\]")
_WORD = re.compile(r"\w+")


@dataclasses.dataclass(frozen=True, slots=True)
class SentenceView:
    """`nearest`: places in the answer's passages, best first. `supported` and `unsupported` are the checker's."""

    text: str
    span: Span
    is_claim: bool
    nearest: tuple[int, ...]
    supported: bool
    unsupported: tuple[Span, ...]


def without_marks(answer: str) -> str:
    """The answer with blanks for its citation marks, so that places in it stay."""
    return _MARK.sub(lambda found: " " * len(found[0]), answer)


def sentence_views(answer: Mapping[str, Any]) -> list[SentenceView]:
    """The checked sentences of an answer in the form of the outward contract."""
    text = without_marks(answer["answer"])
    passages = [_words(passage["text"]) for passage in answer["passages"]]
    groundedness = answer["groundedness"] or {"sentences": []}
    return [
        SentenceView(
            text=text[sentence["span"][0] : sentence["span"][1]],
            span=(sentence["span"][0], sentence["span"][1]),
            is_claim=sentence["is_claim"],
            nearest=nearest_passages(text[slice(*sentence["span"])], passages),
            supported=sentence["supported"],
            unsupported=tuple((start, end) for start, end in sentence.get("unsupported", ())),
        )
        for sentence in groundedness["sentences"]
    ]


def nearest_passages(sentence: str, passages: Sequence[frozenset[str]]) -> tuple[int, ...]:
    """The passages that share most words with the sentence, words that few passages have counting more."""
    seen = collections.Counter(word for words in passages for word in words)
    wanted = _words(sentence)
    shared = [sum(math.log(1 + len(passages) / seen[word]) for word in sorted(wanted & words)) for words in passages]
    ranked = sorted(range(len(passages)), key=lambda place: (-shared[place], place))
    return tuple(place for place in ranked[:NEAREST] if shared[place] > 0)


def _words(text: str) -> frozenset[str]:
    return frozenset(word[:7] for word in _WORD.findall(text.casefold()))
