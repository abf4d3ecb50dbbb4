"""A statement as facts that can be asked for: what is asked, of whom, and the words that answer.

A fact keeps the parts of its question apart, so that it can be asked in many ways (`evals.test_sets.question_rules`).
The rules are in the manner of Heilman and Smith, "Good question! Statistical ranking for question generation" (2010):
choose an answer phrase, take it out with its preposition, and put a question phrase of its type in front.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator

from evals.test_sets.clauses import Clause, clause_of
from evals.test_sets.english import MONTHS, PREPOSITIONS, WEEKDAYS, is_plural, participle_of, verb_form, words_of
from evals.test_sets.values import (
    AT_NAME,
    BY_NAME,
    FREQUENCY,
    KEPT_HEDGES,
    LEADING_DATE,
    MONTH,
    NUMBER_HEAD,
    ORDINAL_HEDGES,
    TYPED,
    FactKind,
    may_be_person,
    names_a_role,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Fact:
    """`asked` is the question phrase ("for how many weeks"), which `answer` (verbatim in the sentence) answers.

    A question is `asked auxiliary subject predicate?`, a statement `subject stated` with the answer in it. Without an
    auxiliary the question phrase is the subject itself ("how many ports") and `stated` follows it. `shorter` are
    answers that say the same in fewer words.
    """

    kind: FactKind
    asked: str
    subject: str
    auxiliary: str
    predicate: str
    stated: str
    answer: str
    shorter: tuple[str, ...] = ()


_OF = re.compile(
    r" of (?:the |their |its |all )?[\w-]+(?: (?!(?:in|on|at|to|for|from|by|with|and|or|per|a|an|the)\b)[a-z-]+)?"
)
_DEEDS = frozenset(
    words_of(
        """
        found write invent discover win design lead sign propose publish develop create introduce paint compose direct
        produce build defeat conquer patent describe marry kill succeed own chair organise organize approve present
        report manage receive
        """
    )
)
"""What a person does: "who" can be asked."""
_CHANGES = frozenset(words_of("drop rise fall increase decrease grow decline reduce"))
_SITUATED = re.compile(
    r"^(?:located|situated|held|born|based|founded|built|buried|headquartered|found|published|kept|stored|made|lies?"
    r"|lives?|works?|stands?|takes? place|took place|grew up|died|began|opened|met)\b"
)
_DIMENSIONS = {word: word for word in ("deep", "long", "wide", "high", "tall", "old", "thick", "large")} | {
    "away": "far away"
}
_TIME_PREPOSITIONS = {
    "on": "when",
    "in": "when",
    "at": "when",
    "by": "by when",
    "from": "from when",
    "since": "since when",
    "until": "until when",
    "till": "until when",
    "before": "before which date",
    "after": "after which date",
}
_CLOCK_PREPOSITIONS = {word: f"{word} what time" for word in ("at", "by", "from", "until", "before", "after")}
_NO_COUNT_NOUN = frozenset(
    words_of("of and or to in on at for from per with by a an as than when if is are was were that which has have")
)


IsCommon = Callable[[str], bool | None]
"""Whether a capitalised first word is one that is written small elsewhere; None when that is not known."""


def facts_of(sentence: str, is_common: IsCommon | None = None) -> list[Fact]:
    """Everything that can be asked for of a sentence; empty when its form is not understood with confidence.

    `is_common` decides by the collection's own words; without it the word's form does, which is wrong now and then.
    """
    clause = clause_of(sentence)
    if clause is None:
        return []
    subject = clause.subject
    clause = dataclasses.replace(clause, subject=_inside(subject, is_common or (lambda _word: None)))
    plain = " ".join(sentence.split())
    found = []
    for fact in _facts(clause):
        if subject.lower().startswith(fact.answer.lower()):  # as it stands there
            fact = dataclasses.replace(fact, answer=subject[: len(fact.answer)])
        if fact.answer in plain:
            found.append(fact)
    return found


def _facts(clause: Clause) -> Iterator[Fact]:
    yield from _of_the_subject(clause)
    if clause.lead:
        yield from _of_the_lead(clause)
    yield from _typed(clause)
    yield from _names(clause)
    yield from _definition(clause)


def _typed(clause: Clause) -> Iterator[Fact]:
    taken: list[tuple[int, int]] = []
    for match in FREQUENCY.finditer(clause.rest):
        taken.append(match.span())
        if re.search(r"\b(?:with|of|at|for) (?:a|an|one) \w+ $", clause.rest[: match.start()]):
            continue  # "a reading every 15 minutes"
        fact = _without(clause, FactKind.FREQUENCY, match.start(), match.end(), "how often", match["core"])
        if fact:
            yield fact
    for kind, pattern in TYPED.items():
        for match in pattern.finditer(clause.rest):
            if any(start < match.end() and match.start() < end for start, end in taken):
                continue
            taken.append(match.span())
            fact = _typed_fact(clause, kind, match)
            if fact:
                yield fact


def _typed_fact(clause: Clause, kind: FactKind, match: re.Match[str]) -> Fact | None:
    left, right = clause.rest[: match.start()], clause.rest[match.end() :]
    hedge, core, end = match["hedge"] or "", match["core"], match.end()
    if hedge in ORDINAL_HEDGES or (
        kind is FactKind.DATE and re.search(rf"\b(?:{MONTH}|1\d{{3}}|20\d\d)\b", left + right)
    ):
        return None
    if kind is FactKind.COUNT:
        noun = _count_noun(match["noun"] + right)
        if noun is None:
            return None
        core = f"{match['number']} {noun}"
        end = match.start("core") + len(core)
        right = clause.rest[end:]
    before = left.split()
    preposition = before[-1].lower() if before and before[-1].lower() in PREPOSITIONS else ""
    if _is_part_of_a_list(left, right) or (not preposition and _within_a_phrase(before)):
        return None
    if preposition in ("above", "below", "under", "over", "with", "of", "between") and _within_a_phrase(before[:-1]):
        return None
    if kind in (FactKind.MONEY, FactKind.PERCENTAGE, FactKind.DURATION) and len(TYPED[kind].findall(clause.rest)) > 1:
        return None  # two prices, of two things
    if kind is FactKind.DURATION and (preposition == "in" or re.match(r"\s*(?:ago|old|later|earlier)\b", right)):
        return None
    asked = _question_phrase(clause, kind, match, preposition, right, core)
    if asked is None:
        return None
    start = match.start() - (len(before[-1]) + 1 if preposition else 0)
    extra = _DIMENSIONS.get(right.split()[0].strip(",") if right.split() else "")
    if extra and asked == f"how {extra}":
        end += len(right) - len(right.lstrip()) + len(right.split()[0])
    if (of := _OF.match(right)) and (asked == "what percentage" or asked.startswith("how many")):
        asked, end = f"{asked}{of.group()}", end + of.end()
    answer = core
    if hedge in KEPT_HEDGES:
        answer = f"{hedge} {core}"
        asked = f"{hedge} {asked}" if asked.startswith("how many") else asked
    groups = match.groupdict()
    shorter = [core, groups.get("number") or ""]
    if clause.lead and preposition in _TIME_PREPOSITIONS and kind is FactKind.DATE:
        return None  # two moments
    return _without(
        clause,
        kind,
        max(0, start),
        end,
        asked,
        answer,
        tuple(dict.fromkeys(one for one in shorter if one and one != answer)),
    )


def _question_phrase(
    clause: Clause, kind: FactKind, match: re.Match[str], preposition: str, right: str, core: str
) -> str | None:
    groups = match.groupdict()
    noun = groups.get("noun") or ""
    copula = (
        clause.auxiliary in ("is", "are", "was", "were")
        and not clause.base
        and not clause.rest[: match.start()].strip()
    )
    if kind is FactKind.DATE:
        if core in WEEKDAYS:
            return "on which day" if preposition == "on" else None
        if preposition == "in" and re.fullmatch(r"\d{4}", core):
            return "in which year" if len(clause.rest.split()) > 4 else "when"
        return _TIME_PREPOSITIONS.get(preposition)
    if kind is FactKind.TIME:
        return _CLOCK_PREPOSITIONS.get(preposition)
    following = right.split()[0].strip(",") if right.split() else ""
    if not preposition and following in _DIMENSIONS and kind in (FactKind.MEASURE, FactKind.DURATION):
        return f"how {_DIMENSIONS[following]}" if copula else None
    if copula and kind is not FactKind.COUNT:
        return None if right.strip() else "what"
    many = {
        FactKind.MONEY: "how much",
        FactKind.PERCENTAGE: "what percentage",
        FactKind.DURATION: f"how many {_plural(noun)}",
        FactKind.MEASURE: f"how many {_plural(noun)}" if len(noun) > 3 and noun.islower() else "how much",
        FactKind.COUNT: f"how many {core.removeprefix(groups.get('number') or '').strip()}",
    }[kind]
    if not preposition:
        if clause.base in _CHANGES:
            return "by how much" if kind is FactKind.PERCENTAGE else None
        if kind is FactKind.DURATION and clause.base in ("last", "take"):
            return "how long"
        if (
            many == "how much"
            and kind is FactKind.MEASURE
            and clause.base not in ("weigh", "consume", "use", "hold", "need", "measure")
        ):
            return None
        return many
    if kind is FactKind.DURATION and preposition == "for":
        return "for how long"
    if preposition in ("of", "as", "per", "than", "like", "about", "on") or (
        kind is FactKind.COUNT and preposition in ("at", "off")
    ):
        return None
    if kind is FactKind.PERCENTAGE and preposition not in ("by", "with", "at", "to", "from", "below", "above", "under"):
        return None
    if many == "how much":
        return f"{preposition} what amount" if kind is FactKind.MONEY else None
    return f"{preposition} {many}"


def _plural(noun: str) -> str:
    if not noun or is_plural(noun.split()[-1]) or noun == "feet" or noun.endswith("y"):
        return noun
    return f"{noun}s"


def _count_noun(text: str) -> str | None:
    """The plural noun that a number counts, with the words before it: "failed attempts"."""
    words: list[str] = []
    for word in text.split()[:4]:
        bare = word.strip(",.;")
        if bare.lower() in _NO_COUNT_NOUN | {"the"} or not re.fullmatch(r"[A-Za-z][\w’'-]*", bare):
            break
        words.append(bare)
        form = verb_form(bare)
        if is_plural(bare):
            return " ".join(words)
        if word != bare or (form is not None and form.third):
            break
    return None


def _within_a_phrase(before: list[str]) -> bool:
    """Whether a noun stands right before the value, which then says something of that noun and not of the verb."""
    if not before:
        return False
    form = verb_form(before[-1])
    return form is None and before[-1].lower() not in ("just", "only", "be", "been", "always", "also", "still")


def _is_part_of_a_list(left: str, right: str) -> bool:
    """One of several values ("24 or 36 months"), or a range."""
    ends = re.search(r"(?:\d(?: \w+)?|\b(?:and|or|to|between|versus|times|by|minus|plus))\s*,?\s*$|[-–/(]$", left)
    begins = re.match(r"\s*(?:(?:,|and|or|to|by|x|×|-|–|/)\s*(?:about |up to )?[€$£]?\d|,? (?:and|or) )", right)
    return bool(ends or begins) and not re.search(r"\bup to\s*$", left)


_RELATIVE = re.compile(
    r"\b(?:which|that|who|whose|whom|where|when|whether|how|what|if|because|after|before|until|while)\b"
)


def _without(
    clause: Clause, kind: FactKind, start: int, end: int, asked: str, answer: str, shorter: tuple[str, ...] = ()
) -> Fact | None:
    """The fact whose answer stands at `[start, end)` of the rest of the clause."""
    left, right = (
        re.sub(r"\b(?:just|only|about)$", "", clause.rest[:start].rstrip(" ,")).rstrip(),
        clause.rest[end:].strip(" ,"),
    )
    if _RELATIVE.search(left) or (_is_identity(clause) and left):
        return None
    if re.match(r"that\b", right) or (left.endswith("ing") and left.split()[-1].lower() not in ("king", "spring")):
        return None
    if re.match(r"(?:which|who|whose|where)\b", right):
        right = ""
    if left and (
        left.split()[-1].lower() in PREPOSITIONS | {"and", "or", "than", "the", "a", "an", "to", "its", "their", "all"}
    ):
        return None
    remainder = f"{left} {right}".strip()
    lead = f" {clause.lead[0].lower()}{clause.lead[1:]}" if clause.lead else ""
    predicate = f"{clause.base} {remainder}".strip() + lead
    stated = f"{clause.finite} {remainder}".strip() + lead
    return Fact(kind, asked, clause.subject, clause.auxiliary, predicate.strip(), stated, answer, shorter)


def _is_identity(clause: Clause) -> bool:
    """ "X is the Y of Z": what stands behind belongs to Y."""
    return (
        clause.auxiliary in ("is", "are", "was", "were")
        and not clause.base
        and bool(re.match(r"(?:a|an|the|one|its|his|her|their|[A-Z]\w+) ", clause.rest))
    )


def _of_the_subject(clause: Clause) -> Iterator[Fact]:
    lead = f" {clause.lead[0].lower()}{clause.lead[1:]}" if clause.lead else ""
    stated = f"{clause.stated}{lead}"
    if match := NUMBER_HEAD.match(clause.subject):
        noun = match["noun"]
        head = noun.split()[1] if noun.startswith("of the ") and len(noun.split()) > 3 else noun.split()[0]
        if (
            (is_plural(noun.split()[-1]) or noun.startswith("of the "))
            and head.lower() not in _NO_COUNT_NOUN
            and "ones" not in noun.split()
        ):
            yield Fact(FactKind.COUNT, f"how many {noun}", "", "", "", stated, match["number"])
    words = clause.subject.split()
    if may_be_person(clause.subject) and clause.base in _DEEDS and len(clause.rest.split()) >= 2:
        yield Fact(FactKind.PERSON, "who", "", "", "", stated, clause.subject)
    identified = clause.auxiliary in ("is", "was") and re.match(r"the (?:\w+ )+(?:of|in|for|to|at|on) ", clause.rest)
    if (
        identified
        and words[0][0].isupper()
        and all(word[0].isupper() or word in ("of", "the", "and") for word in words[1:])
        and words[0] not in ("The", "A", "An")
    ):
        asked = "who" if names_a_role(" ".join(clause.rest.split()[:6])) else "what"
        if asked == "what" or may_be_person(clause.subject) or len(words) == 1:
            yield Fact(FactKind.PERSON if asked == "who" else FactKind.NAME, asked, "", "", "", stated, clause.subject)


def _of_the_lead(clause: Clause) -> Iterator[Fact]:
    match = LEADING_DATE.fullmatch(clause.lead)
    if match is None:
        return
    preposition = match["preposition"].lower()
    year = preposition == "in" and match["core"].isdigit()
    asked = "in which year" if year else _TIME_PREPOSITIONS[preposition]
    yield Fact(FactKind.DATE, asked, clause.subject, clause.auxiliary, clause.predicate, clause.stated, match["core"])


def _names(clause: Clause) -> Iterator[Fact]:
    rest = clause.rest
    passive = clause.auxiliary in ("is", "are", "was", "were", "must", "may", "can", "has", "have") and not clause.base
    if passive and (match := BY_NAME.search(rest)) and not re.match(r",? (?:and|or) ", rest[match.end() :]):
        participles = [place for place, word in enumerate(rest[: match.start()].split()) if participle_of(word.lower())]
        # Another one would be what was done by them: "rooted in the banners first developed by ..."
        if len(participles) == 1 and participles[0] < 3 and match["core"].split()[0] not in MONTHS:
            fact = _without(clause, FactKind.PERSON, match.start(), match.end(), "by whom", match["core"])
            if fact:
                yield fact
    situated = _SITUATED.match(rest) if passive else _SITUATED.match(clause.base)
    if situated and (match := AT_NAME.search(rest)) and match["core"].split()[0] not in MONTHS:
        fact = _without(clause, FactKind.PLACE, match.start(), match.end(), "where", match["core"])
        if fact:
            yield fact


def _ends_phrase(right: str) -> bool:
    """Whether a name ends here, and no noun ("by Celtic tribes") or second name follows."""
    words = right.split()
    return not words or right.startswith(",") or words[0].lower() in PREPOSITIONS | {"to", "when", "who"}


def _definition(clause: Clause) -> Iterator[Fact]:
    """ "A sonde is an instrument that ...": the subject must be a term, and what it is must be told at some length."""
    if clause.auxiliary not in ("is", "are") or clause.base or clause.lead or clause.auxiliary == "are":
        return
    match = re.match(r"(?P<core>(?:a|an|one of the) [^,;]+)(?:,|$)", clause.rest)
    words = clause.subject.split()
    if match is None or not 4 <= len(match["core"].split()) <= 18 or len(words) > 5:
        return
    if words[0] in ("each", "every", "all", "any") or _NO_TERM.search(clause.subject):
        return
    if words[0] == "the" and not any(word[0].isupper() for word in words[1:]):
        return
    yield Fact(FactKind.DEFINITION, "what", clause.subject, "is", "", "is", match["core"].rstrip(" .,"))


_NO_TERM = re.compile(
    r"\b(?:example|reason|part|result|way|thing|case|fact|kind|type|form|number|purpose|goal|aim|advantage|problem|difference)\b"
)


def _inside(subject: str, is_common: IsCommon) -> str:
    """The subject as it stands within a sentence: a name keeps its capital."""
    words = subject.split()
    first = words[0]
    if first.lower() in _SMALL:
        return first[0].lower() + subject[1:]
    if not re.fullmatch(r"[A-Z][a-z]+(?:-[a-z]+)*", first) or (words[1:] and words[1][0].isupper()):
        return subject
    common = is_common(first)
    if common is None:
        common = looks_common(first) or is_plural(first) or (len(words) > 1 and words[1].islower())
    return first[0].lower() + subject[1:] if common else subject


_SMALL = frozenset(("the", "a", "an", "every", "each", "all", "any", "most", "some", "its", "their", "both"))


def looks_common(word: str) -> bool:
    """Whether a capitalised first word is likely no name, by its form."""
    return verb_form(word) is not None or word.lower().endswith(
        ("tion", "tions", "ment", "ments", "ness", "ity", "ities", "ance", "ence", "ers", "ees", "words", "als", "ing")
    )
