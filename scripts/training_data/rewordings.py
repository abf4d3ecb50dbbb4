"""Changes to a sentence that keep what it says, or say less: each gives the new text, or `None` where it cannot apply.

They are made for both classes alike, so that words that differ from the evidence say nothing about the label.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from scripts.training_data.word_lists import NO_NAMES, NUMBER_WORDS, SAME
from scripts.training_data.wordnet import WordNet

_SAME_BY_WORD = {
    phrase: [other for other in group if other != phrase] for group in SAME for phrase in group
}  # fmt: skip
_ONE_WAY = frozenset(
    ("including", "as", "but", "to", "over", "under", "came from", "in", "some", "too", "better", "cut")
)
_PHRASES = re.compile(
    r"\b(?:" + "|".join(sorted((re.escape(p) for p in _SAME_BY_WORD if p not in _ONE_WAY and p != "%"), key=len,
                               reverse=True)) + r")\b", re.IGNORECASE)  # fmt: skip
_WORD = re.compile(r"(?<![\w'’-])[a-z]{4,}(?![\w'’-])")
_FRONTED = re.compile(
    r"^((?:In|During|On|After|Before|Since|By|At|Within|Under|From|Despite|With) [^,.;:]{3,45}), (.{20,}?)\.?$"
)
_TRAILING = re.compile(
    r"^([A-Z][^,;:]{15,}?) ((?:in|during|on|after|before|since|by|at) (?:[^,;:. ]+ ){0,4}(?:\d{4}|[A-Z]\w+))\.$"
)
_ASIDE = re.compile(
    r" \([^()]{2,80}\)| ?\[\d+\]|, (?:which|who|whose|where) [^,;:.]{5,90},(?= )"
    r"|, [a-z][^,;:.]{4,60},(?= (?:is|was|were|are|has|had) )"
)
_TAIL = re.compile(
    r"(?:, (?:and|but|while|which|who|although|with|where|including|such as)\b|;| because | although ).{8,}$"
)
_LEADING = re.compile(
    r"^(?:However|Moreover|Furthermore|In addition|For example|For instance|Therefore|Thus|Additionally|Also|Meanwhile"
    r"|Similarly|Finally|Then|Nevertheless|In fact|As a result), "
)
PASSIVE = re.compile(
    r"^((?:The |A |An |His |Her |Its |Their )?[\w’' -]{3,40}?) (was|were) (\w+ed) by "
    r"((?:the |a |an )?[\w’' -]{3,40})\.$"
)
_FRAMES = ("The passage says that {}", "According to the text, {}", "The text states that {}", "It is stated that {}",
           "The document notes that {}", "According to the source, {}", "It says that {}")  # fmt: skip
_FULL_NAME = re.compile(r"\b([A-Z][a-z]+(?: [A-Z]\.)?) ([A-Z][a-z]{2,})\b(?! [A-Z])")
_ADVERB = re.compile(r" (?:\w{3,}ly|also|very|quite|just|still|even)(?= [a-z])")
_SMALL = re.compile(r"\b(?:" + "|".join(NUMBER_WORDS[2:]) + r")\b")
_DIGITS = re.compile(r"(?<![\w.,$£€-])(\d{1,2})(?![\w.,%-]|\.\d)")
_MILLIONS = re.compile(r"\b(\d{1,3})(?:,(\d)00)?,000,000\b")
_SPOKEN_MILLIONS = re.compile(r"\b(\d{1,3})(?:\.(\d))? million\b")

Rewording = Callable[[str, random.Random], str | None]


class Rewordings:
    """All kinds; `reword` applies some of them."""

    def __init__(self, words: WordNet) -> None:
        self._wordnet = words
        self._kinds: tuple[tuple[Rewording, float], ...] = (
            (self.synonym, 5.0), (phrase, 4.0), (clause_order, 2.0), (without_aside, 2.0), (without_tail, 1.0),
            (without_adverb, 0.7), (number_form, 2.0), (short_name, 1.0), (active, 2.0), (framed, 0.4),
            (self.wider, 0.5), (without_opening, 1.0),
        )  # fmt: skip

    def reword(self, sentence: str, count: int, rng: random.Random) -> tuple[str, int]:
        """The sentence after up to `count` changes, and how many there were."""
        done, text = 0, sentence
        kinds = list(self._kinds)
        while done < count and kinds:
            kind, weight = rng.choices(kinds, [one[1] for one in kinds])[0]
            changed = kind(text, rng)
            if changed is None or changed == text or rng.random() < 0.2 * (kind not in (phrase, self.synonym)):
                kinds.remove((kind, weight))
            else:
                text, done = changed, done + 1
        return text, done

    def shorten(self, sentence: str, rng: random.Random) -> str:
        """Without what can be left out."""
        for kind in (without_opening, without_aside, without_tail, without_adverb):
            sentence = kind(sentence, rng) or sentence
        return sentence

    def synonym(self, sentence: str, rng: random.Random) -> str | None:
        return self._replaced(sentence, rng, wider=False)

    def wider(self, sentence: str, rng: random.Random) -> str | None:
        return self._replaced(sentence, rng, wider=True)

    def _replaced(self, sentence: str, rng: random.Random, *, wider: bool) -> str | None:
        choices = []
        for match in _WORD.finditer(sentence):
            senses = self._wordnet.senses(match.group())
            options = (senses.wider if wider else senses.same) if senses else ()
            choices += [(match, option) for option in options[:3]]
        if not choices:
            return None
        match, option = rng.choice(choices)
        return with_article(sentence[: match.start()], option, sentence[match.end() :])


def with_article(before: str, word: str, after: str) -> str:
    """The three joined, `a` or `an` before the word made to fit it."""
    article = re.search(r"\b([Aa])(n?) $", before)
    if article:
        before = before[: article.start()] + article.group(1) + ("n " if word[0].lower() in "aeiou" else " ")
    return before + word + after


def phrase(sentence: str, rng: random.Random) -> str | None:
    found = [one for one in _PHRASES.finditer(sentence) if one.start() == 0 or one.group()[0].islower()]
    if not found:
        return None
    match = rng.choice(found)
    other = rng.choice(_SAME_BY_WORD[match.group().lower()])
    if match.group()[0].isupper():
        other = other[0].upper() + other[1:]
    before = sentence[: match.start()].rstrip() if other == "%" else sentence[: match.start()]
    return with_article(before, other, sentence[match.end() :])


def clause_order(sentence: str, rng: random.Random) -> str | None:
    """`In 1990, X left.` to `X left in 1990.` and back."""
    fronted = _FRONTED.match(sentence)
    if fronted and rng.random() < 0.8:
        adjunct, rest = fronted.groups()
        return f"{capitalised(rest)} {adjunct[0].lower()}{adjunct[1:]}."
    trailing = _TRAILING.match(sentence)
    if trailing:
        rest, adjunct = trailing.groups()
        first = rest.split()[0]
        lower = rest[0].lower() + rest[1:] if first in ("The", "A", "An", "It", "He", "She", "They", "This") else rest
        return f"{adjunct[0].upper()}{adjunct[1:]}, {lower}."
    return None


def without_aside(sentence: str, rng: random.Random) -> str | None:
    found = list(_ASIDE.finditer(sentence))
    if not found:
        return None
    match = rng.choice(found)
    return sentence[: match.start()] + sentence[match.end() :]


def without_tail(sentence: str, _rng: random.Random) -> str | None:
    match = _TAIL.search(sentence)
    if (
        match is None
        or match.start() < 40
        or "(" in sentence
        or '"' in sentence
        or sentence[: match.start()].count(",") > 0
    ):
        return None
    return sentence[: match.start()] + "."


def without_opening(sentence: str, _rng: random.Random) -> str | None:
    match = _LEADING.match(sentence)
    return capitalised(sentence[match.end() :]) if match else None


def without_adverb(sentence: str, rng: random.Random) -> str | None:
    found = [
        one
        for one in _ADVERB.finditer(sentence)
        if one.group().strip()
        not in (
            "only",
            "early",
            "family",
            "nearly",
            "hardly",
            "rarely",
            "barely",
            "reply",
            "supply",
            "apply",
            "July",
            "Italy",
        )
    ]
    if not found:
        return None
    match = rng.choice(found)
    return sentence[: match.start()] + sentence[match.end() :]


def number_form(sentence: str, rng: random.Random) -> str | None:
    """Digits to words and back, `2,000,000` to `2 million` and back."""
    options = [(m, str(NUMBER_WORDS.index(m.group()))) for m in _SMALL.finditer(sentence)]
    options += [(m, NUMBER_WORDS[int(m.group(1))]) for m in _DIGITS.finditer(sentence) if 1 < int(m.group(1)) <= 20]
    options += [
        (m, f"{m.group(1)}{'.' + m.group(2) if m.group(2) else ''} million") for m in _MILLIONS.finditer(sentence)
    ]
    options += [(m, f"{m.group(1)},{m.group(2) or '0'}00,000") for m in _SPOKEN_MILLIONS.finditer(sentence)]
    if not options:
        return None
    match, other = rng.choice(options)
    return sentence[: match.start()] + other + sentence[match.end() :]


def short_name(sentence: str, rng: random.Random) -> str | None:
    """`Barack Obama` to `Obama`; only behind the first word, where a capital is a name's."""
    found = [one for one in _FULL_NAME.finditer(sentence) if one.start() > 0 and one.group(1) != "The"]
    if not found:
        return None
    match = rng.choice(found)
    return sentence[: match.start()] + match.group(2) + sentence[match.end() :]


def active(sentence: str, _rng: random.Random) -> str | None:
    """`X was founded by Y.` to `Y founded X.`"""
    match = PASSIVE.match(sentence)
    if match is None:
        return None
    patient, _, verb, agent = match.groups()
    return f"{capitalised(agent)} {verb} {lowered(patient)}."


def framed(sentence: str, rng: random.Random) -> str | None:
    if len(sentence) > 200 or any(sentence.startswith(one.split("{")[0]) for one in _FRAMES):
        return None
    return rng.choice(_FRAMES).format(lowered(sentence))


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def lowered(text: str) -> str:
    """The first letter lower case where the first word is no name."""
    first = re.split(r"[ ,]", text, maxsplit=1)[0]
    return text[0].lower() + text[1:] if first in NO_NAMES else text
