"""Pairs of questions to measure the semantic cache with: paraphrases, and near-duplicates that ask something else.

`cache_questions.jsonl` was written by hand: a question a line, with paraphrases and with questions that differ in the
named respect. Further near-duplicates are made here: by changing one thing in each written text (number, year,
negation, name, unit, tense, opposite, an exchange of two names), and from templates whose slots take other values.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import pathlib
import random
import re
from collections.abc import Iterator

FILE = pathlib.Path(__file__).with_name("cache_questions.jsonl")


@dataclasses.dataclass(frozen=True, slots=True)
class Pair:
    kind: str
    first: str
    second: str


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    question: str
    paraphrases: tuple[str, ...]
    different: tuple[tuple[str, str], ...]


def written() -> list[Written]:
    rows = map(json.loads, FILE.read_text(encoding="utf-8").splitlines())
    return [
        Written(row["question"], tuple(row["paraphrases"]), tuple((kind, text) for kind, text in row["different"]))
        for row in rows
    ]


def paraphrases(bases: list[Written]) -> list[Pair]:
    return [Pair("paraphrase", base.question, text) for base in bases for text in base.paraphrases]


def variants(bases: list[Written]) -> list[Pair]:
    """The same words in other clothes."""
    pairs = []
    for base in bases:
        question = base.question
        bare = question.rstrip("?.")
        pairs += [
            Pair("the same again", question, question),
            Pair("lower case", question, question.lower()),
            Pair("no question mark", question, bare),
            Pair("spaces and marks", question, f"  {bare} ??"),
            Pair("polite", question, f"Please, {question[0].lower()}{question[1:]}"),
            Pair("polite", question, f"Hi, {question[0].lower()}{bare[1:]}? Thanks!"),
            Pair("capitals", question, question.upper()),
        ]
    return pairs


def written_differences(bases: list[Written]) -> list[Pair]:
    return [Pair(kind, base.question, text) for base in bases for kind, text in base.different]


def crossed_differences(bases: list[Written]) -> list[Pair]:
    """Each paraphrase against what its question was set apart from: harder, as the words differ too."""
    return [
        Pair(kind, paraphrase, text)
        for base in bases
        for paraphrase in base.paraphrases
        for kind, text in base.different
    ]


def changed(bases: list[Written]) -> list[Pair]:
    """One thing changed by rule in each written text."""
    pairs = []
    for base in bases:
        for text in (base.question, *base.paraphrases):
            pairs += [Pair(kind, text, other) for kind, other in _changes(text) if other != text]
    return pairs


_OPPOSITES = dict(
    pair
    for one, other in [
        ("maximum", "minimum"), ("first", "last"), ("before", "after"), ("most", "least"), ("more", "less"),
        ("above", "below"), ("over", "under"), ("with", "without"), ("from", "to"), ("open", "closed"),
        ("late", "early"), ("largest", "smallest"), ("biggest", "smallest"), ("highest", "lowest"),
        ("closest", "farthest"), ("nearest", "farthest"), ("export", "import"), ("exports", "imports"),
        ("increase", "decrease"), ("buy", "sell"), ("start", "end"), ("senior", "junior"), ("upload", "download"),
        ("install", "uninstall"), ("enable", "disable"), ("permitted", "forbidden"), ("allowed", "forbidden"),
        ("new", "old"), ("public", "private"), ("full", "empty"), ("daily", "weekly"), ("monthly", "yearly"),
        ("can", "must"), ("should", "may"), ("who", "when"), ("where", "why"), ("all", "some"), ("won", "lost"),
        ("his", "her"), ("is", "was"), ("does", "did"), ("are", "were"), ("current", "former"),
    ]
    for pair in ((one, other), (other, one))
)  # fmt: skip
_UNITS = {
    "days": "weeks", "day": "week", "year": "month", "month": "quarter", "grams": "kilograms", "bytes": "bits",
    "euros": "dollars", "kg": "pounds", "km": "miles", "hours": "minutes", "percent": "points", "pm": "am",
    "Celsius": "Fahrenheit", "litres": "gallons",
}  # fmt: skip
_NAMES = ("Kestrel", "Brunswick", "Ontario", "Delgado", "Fenwick")
_AUXILIARY = re.compile(r"\b(is|are|was|were|does|do|did|can|may|must|should|has|have|will)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+")


def _changes(text: str) -> Iterator[tuple[str, str]]:
    for match in itertools.islice(re.finditer(r"\d+", text), 3):
        digits = match.group()
        other = str(int(digits) + 1).rjust(len(digits), "0")
        yield "number", text[: match.start()] + other + text[match.end() :]
        if len(digits) > 1:
            swapped = digits[:-2] + digits[-1] + digits[-2]
            yield "digits exchanged", text[: match.start()] + swapped + text[match.end() :]
    if (found := _AUXILIARY.search(text)) and found.start():
        # Behind the subject if that is one word: "does X not", else behind the verb.
        yield "negation", f"{text[: found.end()]} not{text[found.end() :]}"
    for position, match in enumerate(itertools.islice(_NAME.finditer(text), 3)):
        yield "name", text[: match.start()] + _NAMES[position] + text[match.end() :]
    names = list(dict.fromkeys(_NAME.findall(text)))
    if len(names) == 2 and "and" not in text and "of" not in text:
        mark = "\x00"
        yield "roles", text.replace(names[0], mark).replace(names[1], names[0]).replace(mark, names[1])
    for word, other in itertools.chain(_OPPOSITES.items(), _UNITS.items()):
        pattern = re.compile(rf"\b{word}\b")
        if pattern.search(text) and f"different {word}" not in text:  # "different to" is "different from"
            yield "unit" if word in _UNITS else "opposite", pattern.sub(other, text, count=1)
    words = text.rstrip("?").split()
    if not re.search(r"\b(?:19|20)\d\d\b", text):
        yield "year added", f"{' '.join(words)} in 2016?"
    yield "condition added", f"{' '.join(words)} in case of an emergency?"


_TEMPLATES = (
    "What was the {attribute} of {company} in {year}?",
    "How much {money} did {company} {spend} in {year}?",
    "Who was the {office} of {company} in {year}?",
    "Did {company} {deal} {other_company} in {year}?",
    "Which {thing} did {company} {make} after {year}?",
    "How do I {do} the {thing} in version {version}?",
    "What is the {limit} {quantity} of the {thing}?",
    "Can {people} {do} the {thing} without {permit}?",
    "What happens to the {thing} if {people} {do} it {when} the deadline?",
    "Is the {thing} {state} for {people} under {age}?",
    "How far is {city} from {other_city} in {distance}?",
    "Why did {person} {meet} {other_person} {when} {year}?",
    "How many {units} of {substance} does a {animal} need per {period}?",
    "When does the {transport} from {city} to {other_city} {move}?",
)
_SLOTS = {
    "attribute": ("net income", "gross profit", "total debt", "market share", "operating margin", "headcount"),
    "company": ("Acme", "Borealis", "Corvex", "Dynamo", "Everstone"),
    "other_company": ("Fenwick", "Globex", "Helios", "Initech"),
    "year": ("2012", "2013", "2017", "2018", "2021"),
    "money": ("money", "cash", "capital"),
    "spend": ("spend", "earn", "borrow", "lose", "repay"),
    "office": ("chairman", "treasurer", "chief executive officer", "auditor", "chief financial officer"),
    "deal": ("acquire", "sue", "supply", "fund", "license"),
    "thing": ("licence", "invoice", "module", "filter", "account", "backup"),
    "make": ("launch", "discontinue", "announce", "recall"),
    "do": ("renew", "delete", "export", "restore", "approve", "print"),
    "version": ("3", "4", "3.1", "3.2"),
    "limit": ("maximum", "minimum", "average", "recommended"),
    "quantity": ("size", "weight", "age", "price", "number"),
    "people": ("employees", "employers", "contractors", "minors", "tenants", "landlords"),
    "permit": ("approval", "a deposit", "identification"),
    "when": ("before", "after"),
    "state": ("mandatory", "optional", "forbidden", "free"),
    "age": ("12", "16", "18"),
    "city": ("Oslo", "Lisbon", "Prague", "Dublin"),
    "other_city": ("Bergen", "Porto", "Brno", "Cork"),
    "distance": ("miles", "kilometres"),
    "person": ("Keller", "Moreau", "Tanaka"),
    "other_person": ("Novak", "Silva", "Okafor"),
    "meet": ("meet", "dismiss", "replace", "succeed", "precede"),
    "units": ("litres", "grams", "ounces"),
    "substance": ("water", "salt", "hay"),
    "animal": ("horse", "cow", "goat"),
    "period": ("day", "week", "month"),
    "transport": ("train", "bus", "ferry"),
    "move": ("leave", "arrive"),
}
_EXCHANGED = (("company", "other_company"), ("city", "other_city"), ("person", "other_person"))


def from_templates(count: int, seed: int = 0) -> list[Pair]:
    """Pairs that differ in the value of one slot, or in two names exchanged."""
    generator = random.Random(seed)
    pairs: dict[tuple[str, str], Pair] = {}
    while len(pairs) < count:
        template = generator.choice(_TEMPLATES)
        slots = re.findall(r"\{(\w+)\}", template)
        values = {slot: generator.choice(_SLOTS[slot]) for slot in slots}
        exchanged = [pair for pair in _EXCHANGED if set(pair) <= set(slots)]
        other = dict(values)
        if exchanged and generator.random() < 0.3:
            one, two = exchanged[0]
            other[one], other[two] = values[two], values[one]
            kind = "template: roles"
        else:
            slot = generator.choice(slots)
            other[slot] = generator.choice([value for value in _SLOTS[slot] if value != values[slot]])
            kind = "template: value"
        first, second = template.format(**values), template.format(**other)
        pairs[first, second] = Pair(kind, first, second)
    return list(pairs.values())


def distinct_questions() -> Iterator[str]:
    """Questions without end in sight, all different, for filling a cache."""
    for template in _TEMPLATES:
        slots = re.findall(r"\{(\w+)\}", template)
        for values in itertools.product(*(_SLOTS[slot] for slot in slots)):
            yield template.format(**dict(zip(slots, values, strict=True)))
    for number in itertools.count(1):
        yield f"What happened to order {number} from {_SLOTS['city'][number % 4]}?"
