"""The words of a collection: how each is written, which chunks hold it, and the names that occur."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from evals.test_sets.english import words_of

_WORD = re.compile(r"[^\W_]+(?:[-’'][^\W_]+)*")
_NAME = re.compile(
    r"(?<![.!?:|] )(?<!^)(?<!\| )\b[A-Z][\w’'-]+(?: (?:of (?:the )?|de |van |von )?[A-Z][\w’'-]+)+", re.MULTILINE
)
_STEM = 5
FUNCTION_WORDS = frozenset(
    words_of(
        """
        a about above after all also an and any are as at be been before below between both but by can could did do
        does during each every for from had has have how if in into is it its least less long many may might more
        most much must no not of often on only or other our over per she should some since such than that the their
        them then there these they this those to under until up upon was we were what when where which while who
        whom whose why will with within would year years
        """
    )
)


def content_stems(text: str) -> frozenset[str]:
    """The words that carry meaning, cut to their first letters so that forms of a word agree."""
    return frozenset(
        word[:_STEM] for match in _WORD.finditer(text) if (word := match.group().casefold()) not in FUNCTION_WORDS
    )


class Vocabulary:
    """Built once over all texts of a collection; each text is one place (a chunk), in one of the `documents`."""

    def __init__(self, texts: Sequence[str], documents: Sequence[str] = ()) -> None:
        self._stems = [content_stems(text) for text in texts]
        self._documents = list(documents) or [str(place) for place in range(len(texts))]
        self._folded = [text.casefold() for text in texts]
        self._small: Counter[str] = Counter()
        self._capital: Counter[str] = Counter()
        names: Counter[str] = Counter()
        for text in texts:
            for match in _WORD.finditer(text):
                word = match.group()
                if word[0].islower():
                    self._small[word] += 1
                elif not _begins_sentence(text, match.start()):
                    self._capital[word.lower()] += 1
            names.update(match.group() for match in _NAME.finditer(text))
        self.names = tuple(name for name, _ in names.most_common())

    def is_common(self, word: str) -> bool | None:
        """Whether a word that begins a sentence is written small within others; None when it does not occur there."""
        low = word.lower()
        small = self._small[low] + (self._small[low[:-1]] if low.endswith("s") else 0)
        if small == self._capital[low] == 0:
            return None
        return small > self._capital[low]

    def holds(self, phrase: str) -> bool:
        """Whether a phrase occurs anywhere, in any case."""
        folded = phrase.casefold()
        return any(folded in text for text in self._folded)

    def together(self, phrase: str, words: Iterable[str], share: float) -> bool:
        """Whether some place holds the phrase and at least this share of the words."""
        stems = {stem for word in words for stem in content_stems(word)}
        folded = phrase.casefold()
        for place, text in enumerate(self._folded):
            if folded in text and len(stems & self._stems[place]) >= share * len(stems):
                return True
        return False

    def documents_with(self, phrase: str) -> frozenset[str]:
        """The documents in which a phrase occurs, in any case."""
        folded = phrase.casefold()
        return frozenset(
            document for document, text in zip(self._documents, self._folded, strict=True) if folded in text
        )

    def documents_about(self, words: str) -> frozenset[str]:
        """The documents with a place that holds all these words, in any form."""
        stems = content_stems(words)
        return frozenset(
            document for document, known in zip(self._documents, self._stems, strict=True) if stems <= known
        )


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 3) : start].rstrip(" \"'“‘(*_")
    return start == 0 or not before or before[-1] in ".!?:\n|-•"
