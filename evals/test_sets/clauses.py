"""A sentence as subject, verb and rest, where its form leaves no doubt; English.

Statements that are not understood with confidence are passed over: a collection has many more sentences than a test set
needs questions. What is looked for is the first finite verb behind a noun phrase that can stand as a subject.
"""

from __future__ import annotations

import dataclasses
import itertools
import re

from evals.test_sets.english import (
    AUXILIARIES,
    CLAUSE_WORDS,
    DETERMINERS,
    FORMS_OF_BE,
    MODALS,
    OPENERS,
    POINTING,
    POSSESSIVES,
    PREPOSITIONS,
    PRONOUNS,
    VerbForm,
    is_plural,
    verb_form,
)

SHORTEST, LONGEST = 5, 30
"""Words of a statement."""
LONGEST_SUBJECT = 9

_MARKER = re.compile(r"^\s*(?:[-*+•▪◦‣–>#]+\s+|\(?(?:\d{1,2}|[a-z])[.)]\s+)+")
_ASIDE = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])")
_FILLER = re.compile(
    r",?\s+(?:also|however|therefore|furthermore|moreover|then|usually|generally),?(?=\s)", re.IGNORECASE
)
_WORD = re.compile(r"\S+")
_NEGATION = re.compile(r"\b(?:not|no|never|none|neither|nor|nobody|nothing|hardly)\b|n[’']t\b", re.IGNORECASE)
_ADVERB = re.compile(
    r"[a-z]+ly|always|often|still|already|only|just|first|both|all|each|best|well|once|ever", re.IGNORECASE
)
_CUTS = re.compile(
    r"\s*;\s|\s[–—]\s|\s--\s|,?\s+(?:because|although|though|while|whereas|but|so that|such as|including|unless)\s"
    r"|,\s+(?:of which|which|who|whose|whom|where|when|so|with|as|or rather|then|not)\s|\s+and then\s|—"
    r"|,\s+(?:[a-z]+ing|[a-z]+ed (?:by|in|as))\s|,\s+(?:a|an|the|one of)\s(?!.*\b(?:and|or)\b)"
)
_AND = re.compile(r",?\s+(?:and|or)\s+")
_LEAD = re.compile(
    r"^(?:In|On|At|By|Since|Until|From|During|After|Before|Under|With|For|Within|As of|According to|Between|Every)\b"
    r"[^,]{2,60},\s+"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Clause:
    """`finite` is the verb as it stands; `base` its plain form, empty where an auxiliary of the sentence is the verb.

    `auxiliary` is what a question puts before the subject: "may", "is", "does". `rest` follows it (with an auxiliary of
    the sentence itself) or the verb. `lead` is what stood before the subject, up to a comma: "In 2009".
    """

    subject: str
    auxiliary: str
    finite: str
    base: str
    rest: str
    lead: str = ""

    @property
    def predicate(self) -> str:
        """What follows the subject in a question that begins with the auxiliary."""
        return f"{self.base} {self.rest}".strip() if self.base else self.rest

    @property
    def stated(self) -> str:
        """What follows the subject in the statement."""
        return f"{self.finite} {self.rest}".strip()


def clause_of(sentence: str) -> Clause | None:
    """The main clause of a sentence, if its form leaves no doubt; without asides and further clauses."""
    text = _MARKER.sub("", " ".join(sentence.split()))
    text = _FILLER.sub("", _ASIDE.sub("", text)).strip()
    if not text.endswith(".") or re.search(r":(?!\d)|[?!\"“”„…|*_`=<>{}\\]|\.\.|\bi\.e\.|\be\.g\.|\betc", text[:-1]):
        return None
    text = text[:-1].rstrip()
    lead = ""
    if match := _LEAD.match(text):
        lead, text = match.group().rstrip(", "), text[match.end() :]
    if cut := _CUTS.search(text):
        if ";" in cut.group() and not _begins_clause(text[cut.end() :].split()[:8]):
            return None  # a list
        text = text[: cut.start()]
    words = text.split()
    if not SHORTEST <= len(words) + len(lead.split()) <= LONGEST or _NEGATION.search(text):
        return None
    if not lead and (not words[0][0].isupper() and not words[0][0].isdigit()):
        return None
    if words[0].lower().strip(",") in OPENERS or words[0].lower() in PREPOSITIONS:
        return None
    clause = _parsed(text, lead)
    return None if clause is None or _points_elsewhere(clause) else clause


def _parsed(text: str, lead: str) -> Clause | None:
    words = text.split()
    place = _verb_place(words)
    if place is None:
        return None
    subject, word = " ".join(words[:place]), words[place].lower()
    rest = _first_clause(" ".join(words[place + 1 :]))
    if rest is None or not _is_subject(subject):
        return None
    if word in FORMS_OF_BE or word in MODALS:
        if word in MODALS and not _follows_modal(rest):
            return None
        return Clause(subject, word, word, "", rest, lead)
    if word in ("has", "have", "had") and _is_perfect(rest):
        return Clause(subject, word, word, "", rest, lead)
    form = verb_form(word)
    if form is None:
        return None
    past = form.past and not (form.plain and is_plural(words[place - 1]))
    auxiliary = "did" if past else "does" if form.third else "do"
    return Clause(subject, auxiliary, words[place], form.base, rest, lead)


def _verb_place(words: list[str]) -> int | None:
    """Where the finite verb stands; None when it is in doubt."""
    reduced = False
    for place in range(1, min(len(words), LONGEST_SUBJECT + 1)):
        word, before = words[place], words[place - 1]
        low = word.lower().strip(",")
        if low in CLAUSE_WORDS or low in PRONOUNS or low == "to" or before.endswith(","):
            return None
        if low in AUXILIARIES:
            return place
        form = verb_form(low)
        if form is None or word[0].isupper() or word.endswith(",") or low.endswith("'s"):
            continue
        if before.lower() in PREPOSITIONS | DETERMINERS | POSSESSIVES | {"to", "and", "or"}:
            continue
        after = words[place + 1].lower() if place + 1 < len(words) else ""
        if after in AUXILIARIES or (form.third and (following := verb_form(after)) is not None and following.third):
            continue  # "the test results show": a noun
        if form.third and after and (following := verb_form(after)) is not None and following.plain:
            return None
        if form.past and form.participle and _may_be_reduced(words, place):
            return None
        if form.past and _auxiliary_follows(words, place):
            reduced = True  # "the heads supplied with it are": its main verb is to come
            continue
        if reduced:
            return None
        if _agrees(form, words[:place]):
            return place
    return None


def _auxiliary_follows(words: list[str], place: int) -> bool:
    for word in words[place + 1 : LONGEST_SUBJECT + 2]:
        if word.lower() in CLAUSE_WORDS or word.lower() in ("and", "or", "but") or word.endswith(","):
            return False
        if word.lower() in AUXILIARIES:
            return True
    return False


def _may_be_reduced(words: list[str], place: int) -> bool:
    """ "Loans made by them constituted ...": a participle, when another finite verb follows."""
    following = [word.lower() for word in words[place + 1 : place + 12]]
    if not following or following[0] not in PREPOSITIONS:
        return False
    for before, word in itertools.pairwise(following):
        if word in CLAUSE_WORDS or word in ("and", "or", "but"):
            return False
        form = verb_form(word)
        if form is not None and (form.past or form.third) and before not in PREPOSITIONS | DETERMINERS | {"and"}:
            return True
    return False


def _agrees(form: VerbForm, subject: list[str]) -> bool:
    if form.past:
        return True
    head = _head(subject)
    several = is_plural(head) or "and" in subject
    return several if form.plain and not form.third else not several


def _head(subject: list[str]) -> str:
    """The noun that the verb goes with: the last one before "of", "in" and the like."""
    for place, word in enumerate(subject):
        if place and word.lower() in PREPOSITIONS:
            return subject[place - 1]
    return subject[-1]


def _is_subject(subject: str) -> bool:
    words = subject.split()
    lows = [word.lower() for word in words]
    if not words or len(words) > LONGEST_SUBJECT or "," in subject or lows[-1] in PREPOSITIONS | DETERMINERS:
        return False
    if any(low in PRONOUNS | CLAUSE_WORDS | POINTING for low in lows) or _ADVERB.fullmatch(words[-1]):
        return False
    return bool(re.search(r"[^\W\d_]{2}", subject))


def _follows_modal(rest: str) -> bool:
    words = [word for word in rest.lower().split() if not _ADVERB.fullmatch(word)]
    if not words:
        return False
    form = verb_form(words[0])
    return words[0] in ("be", "have", "do") or (form is not None and form.plain)


def _is_perfect(rest: str) -> bool:
    words = [word for word in rest.lower().split() if not _ADVERB.fullmatch(word)]
    if not words:
        return False
    form = verb_form(words[0])
    if words[0] == "been" or re.fullmatch(r"[a-z]{3,}ed", words[0]):
        return True
    return form is not None and form.participle and not (form.plain and len(words) == 1)


def _first_clause(rest: str) -> str | None:
    """Up to where another clause begins; None when that is in doubt."""
    for match in _AND.finditer(rest):
        following = rest[match.end() :].split()[:6]
        if not following or not _begins_clause(following):
            continue
        left = rest[: match.start()]
        form = verb_form(following[0])
        if form is not None and form.plain and not form.past and re.search(r"\bto \w+(?: \S+){0,8}$", left):
            return None  # "allowed to remove or turn off": both belong to "to"
        if re.search(r", (?:\S+ ){0,2}\S+$", left) and match.group().startswith(","):
            return None  # the last of several
        rest = left
        break
    return rest.strip(" ,") or None


def _begins_clause(words: list[str]) -> bool:
    lows = [word.lower().strip(",") for word in words]
    form = verb_form(lows[0])
    if lows[0] in AUXILIARIES | PRONOUNS or (form is not None and words[0].islower()):
        return True
    if re.fullmatch(r"[a-z]{3,}ed", words[0]) and len(words) > 1 and words[1] in PREPOSITIONS | DETERMINERS:
        return True  # a verb that is not known: "and ushered in a period"
    for before, word in itertools.pairwise(lows):
        if word in AUXILIARIES:
            return True
        form = verb_form(word)
        if form is not None and (form.third or form.past) and before not in PREPOSITIONS | DETERMINERS | POSSESSIVES:
            return True
    return False


def _points_elsewhere(clause: Clause) -> bool:
    """Whether it speaks of something that only the text around it names."""
    words = [word.lower().strip(",.") for word in f"{clause.subject} {clause.rest} {clause.lead}".split()]
    pointing = (PRONOUNS - {"who", "which", "that", "one", "there", "here", "others"}) | (
        POINTING - {"next", "last", "above", "below", "too"}
    )
    return any(word in pointing or word in POSSESSIVES - {"its", "their", "his", "her"} for word in words)
