"""Changes to a sentence that make it say something its evidence does not carry: each gives the new text or `None`."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Callable, Sequence

from scripts.training_data.facts import Fact, facts
from scripts.training_data.rewordings import PASSIVE, capitalised, lowered, with_article
from scripts.training_data.word_lists import CONTRARY, MONTHS, NUMBER_WORDS, SCALES, WEEKDAYS
from scripts.training_data.wordnet import WordNet

_CONTRARIES: dict[str, list[str]] = {}
for _group in CONTRARY + SCALES:
    for _one in _group:
        _CONTRARIES.setdefault(_one, []).extend(other for other in _group if other != _one)
for _phrase in ("like", "for", "with", "over", "up", "left", "right", "second", "m", "g", "people", "fast", "last"):
    _CONTRARIES.pop(_phrase, None)
_CONTRARY_PHRASE = re.compile(
    r"\b(?:" + "|".join(sorted((re.escape(p) for p in _CONTRARIES), key=len, reverse=True)) + r")\b"
)
_WORD = re.compile(r"(?<![\w'’-])[a-z]{3,}(?![\w'’-])")
_AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|has been|have been|had been|can|could|will|would|should|may|might|must|does|do|did|has|have"
    r"|had)\b(?! not|n't| no )(?= [a-z])"
)
_NEGATED = re.compile(r" not\b|n[’']t\b| never\b| no longer\b")
_PAST = re.compile(r"(?<=[a-z] )([a-z]{2,}ed)(?= (?:the|a|an|to|in|by|at|his|her|their|its|that|from|with|on)\b)")
_ADJUNCT = re.compile(
    r"(?:,? (?:in|on|at|by|from|during|after|before|because of|due to|with|without|for|under|since|through) "
    r"(?:(?:the|a|an|his|her|its|their|about|over|more than) )?[\w’'-]+(?: (?:of|and|the|[\w’'-]+)){0,5}"
    r"|, (?:and|but|which|who|while|as|although) [^,;:.]{8,90})(?=[.;]$|[.;] )"
)
_PLACE = re.compile(r"(?<=[a-z0-9])(?=[.]$|, | (?:and|but|which|who|because|while) )")


@dataclasses.dataclass(frozen=True, slots=True)
class Surroundings:
    """What wrong values may come from: the evidence beside the sentence, and the rest of its document."""

    evidence: str
    nearby: Sequence[str]


Edit = Callable[[str, Surroundings, random.Random], str | None]


class Edits:
    """All kinds; `edit` applies one."""

    def __init__(self, words: WordNet) -> None:
        self._wordnet = words
        self.kinds: dict[str, tuple[Edit, float]] = {
            "name": (name_swap, 7.0), "number": (number_change, 7.0), "date": (date_change, 5.0),
            "negation": (negation, 3.0), "contrary": (contrary, 4.5), "antonym": (self.antonym, 3.0),
            "co-hyponym": (self.other_of_its_sort, 3.5), "roles": (roles, 2.5), "insertion": (insertion, 2.0),
            "wrong word": (self.wrong_word, 2.0),
        }  # fmt: skip

    def edit(self, sentence: str, around: Surroundings, rng: random.Random) -> tuple[str, str] | None:
        """(edited sentence, kind of edit), by whichever kind applies."""
        kinds = list(self.kinds)
        while kinds:
            kind = rng.choices(kinds, [self.kinds[one][1] for one in kinds])[0]
            changed = self.kinds[kind][0](sentence, around, rng)
            if changed is not None and changed.casefold() != sentence.casefold():
                return changed, kind
            kinds.remove(kind)
        return None

    def antonym(self, sentence: str, around: Surroundings, rng: random.Random) -> str | None:
        return self._replaced(sentence, around, rng, opposite=True)

    def other_of_its_sort(self, sentence: str, around: Surroundings, rng: random.Random) -> str | None:
        return self._replaced(sentence, around, rng, opposite=False)

    def _replaced(self, sentence: str, around: Surroundings, rng: random.Random, *, opposite: bool) -> str | None:
        choices = []
        for match in _WORD.finditer(sentence):
            senses = self._wordnet.senses(match.group())
            options = (senses.opposite if opposite else senses.other) if senses else ()
            choices += [(match, option) for option in rng.sample(options, min(2, len(options)))]
        if not choices:
            return None
        match, option = rng.choice(choices)
        if re.search(rf"\b{re.escape(option)}\b", around.evidence):
            return None
        return with_article(sentence[: match.start()], option, sentence[match.end() :])

    def wrong_word(self, sentence: str, around: Surroundings, rng: random.Random) -> str | None:
        """A content word gives way to one of the same part of speech and ending from nearby."""
        own = [(m, self._wordnet.part_of_speech(m.group())) for m in _WORD.finditer(sentence) if len(m.group()) > 4]
        own = [(match, reading) for match, reading in own if reading and reading[1] in "nav"]
        if not own or not around.nearby:
            return None
        match, reading = rng.choice(own)
        others = []
        for text in rng.sample(list(around.nearby), min(4, len(around.nearby))):
            for word in _WORD.findall(text):
                other = self._wordnet.part_of_speech(word) if len(word) > 4 else None
                if other and reading and other[1:] == reading[1:] and word not in sentence:
                    others.append(word)
        if not others:
            return None
        return with_article(sentence[: match.start()], rng.choice(others), sentence[match.end() :])


def name_swap(sentence: str, around: Surroundings, rng: random.Random) -> str | None:
    own = [one for one in facts(sentence) if one.kind == "name"]
    if not own:
        return None
    fact = rng.choice(own)
    texts = [around.evidence] if rng.random() < 0.5 else list(around.nearby)
    others = {
        one.text
        for text in texts
        for one in facts(text)
        if one.kind == "name" and one.text not in sentence and fact.text not in one.text and _alike(fact, one)
    }
    return _put(sentence, fact, rng.choice(sorted(others))) if others else None


def _alike(one: Fact, other: Fact) -> bool:
    words = (one.text.count(" "), other.text.count(" "))
    return abs(words[0] - words[1]) <= 1 and one.text.isupper() == other.text.isupper()


def number_change(sentence: str, around: Surroundings, rng: random.Random) -> str | None:
    own = [one for one in facts(sentence) if one.kind in ("number", "number word")]
    if not own:
        return None
    fact = rng.choice(own)
    if fact.kind == "number word":
        value = NUMBER_WORDS.index(fact.text.lower())
        other = NUMBER_WORDS[rng.choice([n for n in range(2, 13) if n != value])]
        if str(NUMBER_WORDS.index(other)) in re.findall(r"\d+", around.evidence) or other in around.evidence.lower():
            return None
        return _put(sentence, fact, other.capitalize() if fact.text[0].isupper() else other)
    near = [one.text for one in facts(around.evidence) if one.kind == "number" and one.text != fact.text]
    if near and rng.random() < 0.4:
        return _put(sentence, fact, rng.choice(near))
    digits = fact.text.replace(",", "")
    changed = _other_digits(digits, rng)
    if "," in fact.text:
        changed = f"{int(changed.split('.')[0]):,}" + ("." + changed.split(".")[1] if "." in changed else "")
    return None if changed in around.evidence else _put(sentence, fact, changed)


def _other_digits(digits: str, rng: random.Random) -> str:
    if len(digits) <= 2 and "." not in digits:
        return str(max(2, int(digits) + rng.choice([-5, -3, -2, -1, 1, 2, 3, 5, 10, 20])))
    places = [at for at, one in enumerate(digits) if one.isdigit()]
    at = rng.choice(places[:3])
    options = [one for one in "123456789" if one != digits[at]]
    return digits[:at] + rng.choice(options) + digits[at + 1 :]


def date_change(sentence: str, around: Surroundings, rng: random.Random) -> str | None:
    own = [one for one in facts(sentence) if one.kind in ("year", "month", "weekday")]
    if not own:
        return None
    fact = rng.choice(own)
    if fact.kind == "year":
        near = [one.text for one in facts(around.evidence) if one.kind == "year" and one.text != fact.text]
        if near and rng.random() < 0.5:
            return _put(sentence, fact, rng.choice(near))
        year = int(fact.text) + rng.choice([-100, -20, -10, -5, -3, -2, -1, 1, 2, 3, 4, 5, 10, 20, 100])
        return None if str(year) in around.evidence else _put(sentence, fact, str(year))
    names = MONTHS if fact.kind == "month" else WEEKDAYS
    others = [one for one in names if one != fact.text and one not in around.evidence]
    return _put(sentence, fact, rng.choice(others or names))


def negation(sentence: str, _around: Surroundings, rng: random.Random) -> str | None:
    """A denial taken away or put in."""
    denied = _NEGATED.search(sentence)
    if denied:
        before = sentence[: denied.start()]
        if denied.group().startswith("n") and before.endswith("ca"):
            before += "n"
        elif denied.group().startswith("n") and before.endswith("wo"):
            before = before[:-2] + "will"
        return before + sentence[denied.end() :]
    places = list(_AUXILIARY.finditer(sentence))
    if places:
        place = rng.choice(places)
        first = re.match(r"\w+", place.group())
        end = place.start() + (first.end() if first else 0)
        auxiliary = sentence[place.start() : end]
        if auxiliary in ("has", "have", "had") and not re.match(r" (?:been|\w+ed|\w+en)\b", sentence[end:]):
            word = {"has": "does not have", "have": "do not have", "had": "did not have"}[auxiliary]
            return sentence[: place.start()] + word + sentence[end:]
        word = rng.choices([" not", "n't", " never", " no longer"], [6, 2, 1, 0.6])[0]
        if word == "n't" and auxiliary in ("can", "will", "may", "might", "must"):
            word = " not"
        if auxiliary == "can" and word == " not":
            word = "not"
        return sentence[:end] + word + sentence[end:]
    past = _PAST.search(sentence)
    if past and rng.random() < 0.7:
        word = past.group(1)
        return f"{sentence[: past.start()]}never {word}{sentence[past.end() :]}"
    return None


def contrary(sentence: str, _around: Surroundings, rng: random.Random) -> str | None:
    """A quantifier, comparison, modal, unit, place or other word of a small closed set gives way to another of it."""
    found = list(_CONTRARY_PHRASE.finditer(sentence))
    if not found:
        return None
    match = rng.choice(found)
    return with_article(sentence[: match.start()], rng.choice(_CONTRARIES[match.group()]), sentence[match.end() :])


def roles(sentence: str, _around: Surroundings, rng: random.Random) -> str | None:
    """Two things of one kind change places: names, numbers, years, the sides of a comparison, agent and patient."""
    agent = PASSIVE.match(sentence)
    if agent:
        first, verb, what, second = agent.groups()
        return f"{capitalised(second)} {verb} {what} by {lowered(first)}."
    own = facts(sentence)
    pairs = [
        (one, other)
        for at, one in enumerate(own)
        for other in own[at + 1 :]
        if one.kind == other.kind
        and one.text != other.text
        and one.text not in other.text
        and other.text not in one.text
        and not re.fullmatch(r"(?:,? (?:and|or)|,|/| &) ?", sentence[one.end : other.start])
    ]
    if not pairs:
        return None
    one, other = rng.choice(pairs)
    return sentence[: one.start] + other.text + sentence[one.end : other.start] + one.text + sentence[other.end :]


def insertion(sentence: str, around: Surroundings, rng: random.Random) -> str | None:
    """An adjunct or clause of another sentence that stands nowhere in the evidence."""
    texts = [one for one in around.nearby if one not in around.evidence]
    rng.shuffle(texts)
    for text in texts[:6]:
        found = [one.group() for one in _ADJUNCT.finditer(text)]
        found = [one for one in found if one.strip(" ,") not in around.evidence and len(one) > 7]
        if found:
            detail = rng.choice(found)
            places = [one.start() for one in _PLACE.finditer(sentence) if one.start() > 15]
            if not places:
                return None
            at = places[-1] if rng.random() < 0.6 else rng.choice(places)
            if detail.startswith(",") and at != len(sentence) - 1:
                detail += "," * (not sentence[at:].startswith(","))
            return sentence[:at] + detail + sentence[at:]
    return None


def _put(sentence: str, fact: Fact, other: str) -> str:
    return with_article(sentence[: fact.start], other, sentence[fact.end :]) if fact.kind == "name" else (
        sentence[: fact.start] + other + sentence[fact.end :]
    )  # fmt: skip
