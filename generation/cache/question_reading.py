"""A question taken apart: what kind of thing it asks for, its words in order, and what binds each to the others.

Rules for English. In another language every word is one of content, so that nothing is lost, only fewer are alike.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import unicodedata

from generation.cache import question_words as words

_POLITE = re.compile(
    r"^(?:(?:hi|hello|hey|please|thanks|thank you|ok|okay|so|well|and)[ ,.!]+)*"
    r"(?:(?:could|can|would|will) you (?:please |kindly )?(?:tell|explain to|let|remind|show|give) me"
    r"(?: know)?(?: about)? "
    r"|(?:could|can|would) you (?:please |kindly )?explain (?=what|which|who|when|where|why|how)"
    r"|(?:please )?(?:tell|let|remind|give) me(?: know)? (?:about )?"
    r"|i(?:'d| would) (?:like|love|want) to (?:know|learn|ask|find out) "
    r"|i (?:want|need|wish) to (?:know|find out) |i was wondering |i wonder |i am wondering "
    r"|do you (?:happen to )?know |does anyone know |any idea |could i ask |may i ask |can i ask "
    r"|(?:what i want to know is|my question is)[ ,:]+)?(?:please )?",
    re.IGNORECASE,
)
_FAREWELL = re.compile(r"[ ,.!]+(?:please|thanks|thank you|thx|cheers)(?: in advance)?[ .!?]*$", re.IGNORECASE)
_SPELLING = re.compile(r"(?<=\w{3})(i|y)s(e|ed|es|ing|ation|ations|er|ers)$")  # organise, analyse
_DOUBLED = re.compile(r"^(travel|cancel|label|model|signal|fuel|level|total|counsel)l(ed|ing|er|ers|ation|ations)$")
_TOKEN = re.compile(
    r"\"|°[cf]\b|[%$€£°]"
    r"|[a-z]\.(?:[a-z]\.)+"
    r"|\d+(?:[.,:]\d+)*(?:st|nd|rd|th)\b"
    r"|\w+(?:[.,:/_@\-–]\w+|['’]\w+)*[+#]*",
    re.IGNORECASE,
)
_CONTRACTIONS = {
    "what's": "what is", "who's": "who is", "where's": "where is", "when's": "when is", "how's": "how is",
    "why's": "why is", "that's": "that is", "there's": "there is", "it's": "it is", "which's": "which is",
    "let's": "let us", "cannot": "can not", "can't": "can not", "won't": "will not", "shan't": "shall not",
    "i'm": "i am", "whats": "what is",
}  # fmt: skip
_ENDINGS = {"n't": "not", "'re": "are", "'ve": "have", "'ll": "will", "'d": "would"}
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?$|\d+(?:\.\d+)?$")
_NUMBER_WITH_UNIT = re.compile(r"(\d+(?:[.,]\d+)*)([a-z]{1,4})$", re.IGNORECASE)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d$")
_AUXILIARY_FIRST = words.BE | words.DO | {"have", "has", "had"} | set(words.MODALS)
_ASK_FOR_A_LIST = words.word_set("list name give show enumerate")
_TIMES = words.word_set("year date day time")
_CLOCK_NOUNS = words.word_set("departure arrival opening closing start starting end")
_PLACES = words.word_set("place location")
_PARTICLES = words.word_set("off out up down away back over")
_REWRITTEN = (
    (("number", "person", "live"), ("population",)),
    (("number", "inhabitant"), ("population",)),
    (("number", "resident"), ("population",)),
    (("number", "person", "work"), ("number", "employee")),
    (("number", "worker", "employ"), ("number", "employee")),
    (("number", "person", "employ"), ("number", "employee")),
)
_BE_SOMEWHERE = frozenset({"locate", "situate", "find", "found"})
_MONEY_VERBS = words.word_set("pay earn charge spend cost price save owe donate invest")


@dataclasses.dataclass(frozen=True, slots=True)
class Term:
    """One word of content. `base` is its ground form, `marker` the preposition before it, if any.

    `exact` words (names, identifiers, quotations) are the same only letter by letter. `movable` ones (a year, "per
    month") mean the same wherever they stand.
    """

    surface: str
    base: str
    marker: str = ""
    exact: bool = False
    passive: bool = False
    joined: bool = False
    movable: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """`kind` is what is asked for; `front` counts the terms of the question word's own phrase ("which company")."""

    kind: str
    tense: str  # of the verb; "" without one
    tenseless: bool  # a noun stands for what another question may say with a verb in the past
    modal: str
    negations: int
    owner: str
    terms: tuple[Term, ...]
    front: int
    fronted: bool  # the question word's phrase stands before a helping verb and the subject: "who did A sue"
    agent_asked: bool  # "who was A sued by"
    subject_asked: bool  # "which company sued A": no helping verb, so the first noun does something
    dangling: str  # the preposition of the question word: "against" in "what is she against"


@functools.lru_cache(maxsize=4096)
def read(question: str) -> Reading:
    """Take a question apart. Cached, because a stored question is compared again and again."""
    return _Reader(_tokens(question)).reading()


@dataclasses.dataclass(slots=True)
class _Token:
    text: str  # lower case, or a mark of question_words in capitals
    exact: bool = False


def _tokens(question: str) -> list[_Token]:
    text = unicodedata.normalize("NFKC", question).replace("’", "'").replace("“", '"').replace("”", '"').strip()
    text = _FAREWELL.sub("", _POLITE.sub("", text, count=1))
    shouting = text.upper() == text
    tokens: list[_Token] = []
    quoted, starts = False, True
    for match in _TOKEN.finditer(text):
        raw = match.group()
        if raw == '"':
            quoted = not quoted
            continue
        capital = raw[0].isupper() and not shouting
        exact = quoted or (raw != "I" and capital and (not starts or (len(raw) > 1 and raw.isupper())))
        tokens.extend(_split(raw, exact))
        starts = text[match.end() : match.end() + 1] in {".", "!", "?"}
    return _with_phrases(tokens)


def _split(raw: str, exact: bool) -> list[_Token]:
    low = raw.casefold()
    if low in words.SYMBOLS:
        return [_Token(words.SYMBOLS[low])]
    if low.replace("–", "-").replace("-", "").isalpha() and "-" in low.replace("–", "-"):
        return [_Token(part, exact) for part in low.replace("–", "-").split("-")]
    if low in _CONTRACTIONS:
        return [_Token(part) for part in _CONTRACTIONS[low].split()]
    for ending, full in _ENDINGS.items():
        if low.endswith(ending) and len(low) > len(ending):
            return [_Token(low.removesuffix(ending)), _Token(full)]
    if low.endswith("'s") and len(low) > 2:
        return [_Token(low[:-2], exact), _Token("'s")]
    if (measured := _NUMBER_WITH_UNIT.match(low)) and not re.match(r"(?:st|nd|rd|th)$", measured[2]):
        return [_Token(measured[1]), _Token(measured[2])]
    return [_Token(low.rstrip("."), exact)]


def _with_phrases(tokens: list[_Token]) -> list[_Token]:
    result: list[_Token] = []
    position = 0
    while position < len(tokens):
        for length in range(min(words.LONGEST_PHRASE, len(tokens) - position), 1, -1):
            window = tokens[position : position + length]
            replaced = words.PHRASES.get(tuple(token.text for token in window))
            if replaced is not None:
                result.extend(_Token(part) for part in replaced)
                position += length
                break
        else:
            result.append(tokens[position])
            position += 1
    return result


class _Reader:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._terms: list[Term] = []
        self._kind = ""
        self._tense = ""
        self._modal = ""
        self._negations = 0
        self._owner = ""
        self._marker = ""
        self._joined = False
        self._front = 0
        self._in_front = False
        self._fronted = False
        self._agent_asked = False
        self._be_pending = False
        self._perfect_pending = False
        self._tenseless = False
        self._copula_at = -1
        self._first_is_asked = False
        self._which = False
        self._degree_asked = False
        self._no_verb = False
        self._tense_is_told = False
        self._dangling = ""

    def reading(self) -> Reading:
        tokens = self._tokens
        if tokens and not any(token.text in words.WH and not token.exact for token in tokens):
            first = tokens[0].text
            if first in _AUXILIARY_FIRST:
                self._kind = "yes or no"
            else:
                self._kind = "what"
                self._no_verb = True
                if first in _ASK_FOR_A_LIST:
                    tokens = self._tokens = tokens[2:] if tokens[1:2] and tokens[1].text == "me" else tokens[1:]
        position = 0
        while position < len(tokens):
            position += self._take(position)
        self._dangling = self._dangling or self._marker
        if self._marker == "by":
            self._agent_asked = True
        self._settle()
        return Reading(
            self._kind,
            self._tense,
            self._tenseless,
            self._modal,
            self._negations,
            self._owner,
            tuple(self._terms),
            self._front,
            self._fronted,
            self._agent_asked,
            self._in_front,
            "" if self._dangling == "by" else self._dangling,
        )

    def _take(self, position: int) -> int:
        """Take in the token at `position`; how many tokens were used."""
        token = self._tokens[position]
        text = token.text
        follower = self._tokens[position + 1].text if position + 1 < len(self._tokens) else ""
        if token.exact and not (text in words.WH or text in words.ARTICLES or text in words.MARKERS):
            self._word(text, exact=True)
            return 1
        if text in words.WH:
            return self._question_word(text, follower, position)
        if text in words.ARTICLES and self._copula_at >= 0:
            self._be_pending, self._copula_at = False, -1
        if text in words.ARTICLES or text in words.EMPTY or text == "'s":
            self._joined = self._joined or text == "and"
            return 1
        if text == "PER" or text == "per":
            self._add(f"per {_base(follower)}", movable=True)
            return 2
        if text in words.PER:
            self._add(f"per {words.PER[text]}", movable=True)
            return 1
        if text == "THIS":
            self._add(f"this {follower}", movable=True)
            return 2
        if text in words.NOW:
            self._add("currently" if text == "current" else "now", marker=self._marker)
            return 1
        if text in words.NEGATIONS:
            self._negations += 1
            if text in {"nobody", "nothing", "nowhere", "none"}:
                self._add(text)
            return 1
        if text in words.MODALS:
            self._helping(words.MODALS[text])
            return 1
        if text in words.BE or text in words.DO or text in words.HAVE:
            self._auxiliary(text, position)
            return 1
        if text in words.GENERIC_PERSONS and not (text == "one" and self._marker):
            return 1
        if text in words.POSSESSIVES:
            self._owner += words.POSSESSIVES[text]
            return 1
        if text in words.MARKERS:
            self._marker = text
            return 1
        return self._content(position, text, follower)

    def _question_word(self, text: str, follower: str, position: int) -> int:
        if self._kind:
            if text in {"when", "where", "how", "why"}:
                self._add("if" if text == "when" else text)
            return 1
        if self._marker == "by" and text in {"who", "whom", "what", "which"}:
            self._agent_asked = True
        self._dangling, self._marker = self._marker, ""
        if self._terms and text != "which":
            self._kind = "what"  # settled below for the single words
        kinds = {"who": "who", "whom": "who", "whose": "whose", "when": "when", "where": "where", "why": "why"}
        self._in_front = True
        if text in kinds:
            self._kind = kinds[text]
            return 1
        if text == "how":
            if follower == "many":
                self._kind = "what"
                self._add("number")
                return 2
            if follower == "much":
                self._kind = "what"
                after = self._tokens[position + 2].text if position + 2 < len(self._tokens) else ""
                if after in words.BE | words.DO | set(words.MODALS) | words.HAVE:
                    self._add("HOWMUCH")
                return 2
            if follower in words.DEGREES:
                self._kind = "what"
                self._add(words.DEGREES[follower])
                self._degree_asked = True
                return 2
            self._kind = "how"
            return 1
        self._kind = "what"
        if follower in _TIMES:
            self._kind = f"time {follower}"
            return 2
        if follower in _PLACES:
            self._kind = "where"
            return 2
        self._which = text == "which"
        self._first_is_asked = not self._terms and bool(follower)
        if follower in words.ARTICLES | words.BE | words.DO | words.HAVE | set(words.MODALS):
            self._first_is_asked = False
        return 1

    def _helping(self, modal: str) -> None:
        self._modal = modal if not self._modal or self._modal == modal else f"{self._modal} {modal}"
        if modal == "will":
            self._tense, self._modal = "future", self._modal.removesuffix("will").strip()
        self._close_front(inverted=True)

    def _auxiliary(self, text: str, position: int) -> None:
        self._close_front(inverted=text in words.DO)
        # A helping verb tells the tense better than the form of a word before it: "before the war ended, is it ...".
        told = self._tense if self._tense_is_told else ""
        if text in words.HAVE:
            following = [token.text for token in self._tokens[position + 1 : position + 5]]
            if text == "had" or "been" in following or any(map(_is_participle, following[:3])):
                self._tense, self._tense_is_told = told or "past", True
            return
        if text in words.PAST or text in words.PRESENT:
            self._tense, self._tense_is_told = told or ("past" if text in words.PAST else "present"), True
        if text in words.BE:
            self._be_pending = True
            # "What is X called" has a passive, "what is the goal scored" has none: a noun stands between.
            copula = position and not self._terms and self._tokens[position - 1].text in {"what", "who", "which"}
            self._copula_at = position if copula else -1

    def _close_front(self, *, inverted: bool) -> None:
        if self._in_front:
            self._in_front = False
            self._front = len(self._terms)
            self._fronted = inverted

    def _content(self, position: int, text: str, follower: str) -> int:
        if text == "over" and follower[:1].isdigit():
            text = "ABOVE"
        elif text == "under" and follower[:1].isdigit():
            text = "BELOW"
        elif text in {"above", "below"}:
            text = text.upper()
        number, used = _number(self._tokens, position)
        if used:
            if _YEAR.match(number) and self._terms and self._terms[-1].surface == "year":
                self._marker = self._marker or self._terms.pop().marker  # "in the year 2012"
            self._add(number, exact=True, movable=bool(_YEAR.match(number)) and self._marker in {"", "in", "of"})
            return used
        if text in words.ORDINALS:
            self._add(f"ordinal {words.ORDINALS[text]}")
        elif ordinal := re.match(r"(\d+)(?:st|nd|rd|th)$", text):
            self._add(f"ordinal {ordinal[1]}")
        elif any(character.isdigit() for character in text):
            self._word(text, exact=True)
        elif text in words.MONTHS:
            self._word(words.MONTHS[text], exact=False)
        else:
            self._word(text, exact=False)
        return 1

    def _word(self, text: str, *, exact: bool) -> None:
        text = words.PRONOUNS.get(text, text)
        # "Which endangered species": right behind "which" it is no verb; "what happened": there it is.
        verb_may_follow = bool(self._terms) or not self._which
        past = not exact and verb_may_follow and (text in words.PASTS or _regular_past(text))
        if self._in_front and past:
            self._tense = self._tense or "past"
        if self._copula_at >= 0 and self._terms:
            self._be_pending, self._copula_at = False, -1
        passive = self._be_pending and not exact and _is_participle(text)
        if passive:
            self._be_pending = False
        elif not self._tense and self._kind and past:
            self._tense = "past"
        if text in words.AGENTS:
            self._tenseless = True
        base = text if exact else _base(text)
        self._terms.append(Term(text, base, self._marker, exact, passive, self._joined))
        self._marker, self._joined = "", False

    def _add(self, base: str, *, marker: str | None = None, exact: bool = False, movable: bool = False) -> None:
        own = self._marker if marker is None else marker
        self._terms.append(Term(base, base, "" if movable else own, exact, False, self._joined, movable))
        self._marker, self._joined = "", False

    def _settle(self) -> None:
        """What only the whole question tells."""
        self._money()
        bases = [term.base for term in self._terms]
        if self._kind == "what" and "date" in bases:
            self._kind, self._tenseless = "time date", True
            self._drop(bases.index("date"))
        elif self._kind == "what" and "time" in bases and bases.index("time") > 0:
            before = bases.index("time") - 1
            if self._terms[before].surface in _CLOCK_NOUNS:
                self._kind, self._tenseless = "time time", True
                self._drop(before + 1)
        elif self._kind == "what" and bases[:1] == ["cause"] and not self._fronted and not self._terms[0].passive:
            self._kind = "why"
            self._drop(0)
        elif self._kind == "where" and (verbs := [i for i, base in enumerate(bases) if base in _BE_SOMEWHERE]):
            self._drop(verbs[0])
        elif self._kind == "what" and bases[:1] == ["name"] and len(self._terms) > 1 and self._terms[1].marker == "of":
            self._kind = "name"
            self._drop(0)
        elif self._kind == "what" and self._first_is_asked and bases[:1] and bases[0] in words.PEOPLE:
            self._kind = "who of them"
        self._differences()
        self._effects()
        for asked, into in _REWRITTEN:
            self._rewrite(asked, into)
        if bases[:1] in (["height"], ["size"]) and words.QUANTITIES & set(bases[1:]) and self._degree_asked:
            self._drop(0)
        self._routes()
        self._forget_now()
        if not self._tense and not self._no_verb:
            self._tense = "present"

    def _money(self) -> None:
        """ "How much is X" asks what it costs; "how much did X pay" what X paid."""
        bases = [term.base for term in self._terms]
        if "HOWMUCH" not in bases:
            return
        position = bases.index("HOWMUCH")
        if any(base in _MONEY_VERBS for base in bases):
            self._drop(position)
        elif self._front == 1 and not self._fronted:
            self._terms[position] = dataclasses.replace(self._terms[position], surface="cost", base="cost")
            if len(self._terms) > 1 and not self._terms[1].marker:
                self._terms[1] = dataclasses.replace(self._terms[1], marker="of")

    def _differences(self) -> None:
        """ "How does A differ from B" asks for the difference between A and B."""
        position = next((i for i, term in enumerate(self._terms) if term.base in {"differ", "different"}), None)
        if self._kind != "how" or position is None or len(self._terms) < 3:
            return
        compared = self._terms[:position] + self._terms[position + 1 :]
        compared = [
            dataclasses.replace(term, marker="", joined=True) if term.marker == "from" else term for term in compared
        ]
        compared[0] = dataclasses.replace(compared[0], marker="between")
        self._kind, self._front, self._fronted = "what", 0, False
        self._terms = [Term("difference", "difference"), *compared]

    def _effects(self) -> None:
        """ "How does A affect B" asks what effect A has on B."""
        position = next((i for i, term in enumerate(self._terms) if term.base in {"affect", "influence"}), 0)
        if self._kind != "how" or not position or self._terms[position].passive or not self._terms[position + 1 :]:
            return
        subject, target = self._terms[:position], self._terms[position + 1 :]
        subject[0] = dataclasses.replace(subject[0], marker="of")
        target[0] = dataclasses.replace(target[0], marker="on")
        self._kind, self._front, self._fronted = "what", 0, False
        self._terms = [Term("effect", "effect"), *subject, *target]

    def _routes(self) -> None:
        """ "The Oslo to Bergen flight" goes from Oslo."""
        for position in range(1, len(self._terms)):
            start, end = self._terms[position - 1], self._terms[position]
            if start.exact and end.exact and end.marker == "to" and start.marker in {"", "of", "for", "on"}:
                self._terms[position - 1] = dataclasses.replace(start, marker="from")

    def _forget_now(self) -> None:
        """Who is the head is who is the head now; but current assets are not all assets."""
        if self._tense in {"", "present"} and not self._modal:
            forgotten = {"now", "currently"} if self._kind in {"who", "name", "who of them"} else {"now"}
            for position in reversed(range(len(self._terms))):
                if self._terms[position].base in forgotten:
                    after = position + 1
                    if after < len(self._terms) and not self._terms[after].marker:
                        marker = self._terms[position].marker
                        self._terms[after] = dataclasses.replace(self._terms[after], marker=marker)
                    self._drop(position)

    def _drop(self, position: int) -> None:
        del self._terms[position]
        if position < self._front:
            self._front -= 1

    def _rewrite(self, bases: tuple[str, ...], into: tuple[str, ...]) -> None:
        found = [term.base for term in self._terms]
        for start in range(len(found) - len(bases) + 1):
            if tuple(found[start : start + len(bases)]) == bases:
                self._terms[start : start + len(bases)] = [
                    Term(base, base, self._terms[start].marker if not place else "") for place, base in enumerate(into)
                ]
                self._front = min(self._front, start + len(into))
                return


def _number(tokens: list[_Token], position: int) -> tuple[str, int]:
    """A number in digits or words, with the scale after it, and how many tokens it takes ("", 0 when it is none)."""
    text = tokens[position].text
    if _NUMBER.match(text):
        value, used = float(text.replace(",", "")), 1
    elif text in words.NUMBERS and text != "one":
        value, used = words.NUMBERS[text], 1
        after = tokens[position + 1].text if position + 1 < len(tokens) else ""
        if value >= 20 and 0 < words.NUMBERS.get(after, 0) < 10:
            value, used = value + words.NUMBERS[after], 2
    elif text == "one":
        value, used = 1.0, 1
    else:
        return "", 0
    while position + used < len(tokens) and tokens[position + used].text in words.SCALES:
        value *= words.SCALES[tokens[position + used].text]
        used += 1
    return (f"{value:.0f}" if value.is_integer() else repr(value)), used


def _is_participle(text: str) -> bool:
    return text in words.PARTICIPLES or (text.endswith("ed") and len(text) > 3 and text not in words.WHOLE)


def _regular_past(text: str) -> bool:
    return text.endswith("ed") and len(text) > 3 and text not in words.WHOLE


@functools.lru_cache(maxsize=16384)
def ground_forms(word: str) -> tuple[str, ...]:
    """Singular or infinitive, the likeliest first: "rated" may be of "rate" or "rat", "stopped" only of "stop".

    Comparison and derivation (-er, -est, -ment) are meaning and stay.
    """
    word = _DOUBLED.sub(r"\1\2", _SPELLING.sub(r"\1z\2", word))
    if word in words.BASE:
        return (words.BASE[word],)
    if word in words.WHOLE or len(word) < 4 or not word.isascii():
        return (word,)
    if word.endswith(("ies", "ied")) and len(word) > 4:
        return (word[:-3] + "y", word[:-1])
    if word.endswith("ses") and word[:-2] in words.WHOLE:
        return (word[:-2],)
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return (word[:-2], word[:-1])
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return (words.BASE.get(word[:-1], word[:-1]),)
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 1 and re.search("[aeiouy]", stem):
            if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsz":
                return (stem[:-1],)
            forms = (stem, stem + "e", stem[:-1]) if stem[-2:] == "ll" else (stem, stem + "e")
            return tuple(sorted(forms, key=lambda form: form not in words.SAME))
    return (word,)


def _base(word: str) -> str:
    return ground_forms(word)[0]
