"""Rows of a Markdown table as facts: the value of a row under a column, or of a named property."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from evals.test_sets.english import AUXILIARIES, PREPOSITIONS, PRONOUNS, is_plural, verb_form, words_of
from evals.test_sets.facts import Fact
from evals.test_sets.values import FactKind

_RULE = re.compile(r"\s*\|?[\s:|-]+\|?\s*$")
_LONGEST_LABEL, _LONGEST_VALUE = 6, 8
"""Words."""
_PROPERTY_HEADS = frozenset(
    words_of(
        """
        property parameter setting item feature characteristic attribute specification field description name value
        """
    )
)
_CODE = re.compile(r"(?=[^ ]*\d)[A-Z]{1,6}-?\d[\w-]*|[A-Z][a-z]+ \d+")
_NO_THING = frozenset(
    words_of(
        """
        more less fewer up over under from between until other others total sum average note notes remark remarks
        comment comments
        """
    )
)
_NO_VALUES = frozenset(
    words_of(
        """
        yes no none n/a x - – optional included open closed left right both all any see
        """
    )
)


@dataclasses.dataclass(frozen=True, slots=True)
class TableFact:
    """`row` is the line it stands in. `subject` is what the row is about, `attribute` what is asked of it.

    A row of a table of properties has no subject of its own: the document or section is what it is about.
    """

    fact: Fact
    row: str
    subject: str
    attribute: str


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    cells: tuple[str, ...]


def table_facts(text: str, header: Header | None = None) -> tuple[list[TableFact], Header | None]:
    """The facts of the tables in a chunk; `header` is that of a table that began in the chunk before.

    Returns the header that is in force at the end, too.
    """
    found: list[TableFact] = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not line.lstrip().startswith("|"):
            if line.strip():
                header = None
            continue
        if _RULE.match(line):
            continue
        cells = tuple(_cells(line))
        if number + 1 < len(lines) and _RULE.match(lines[number + 1]) and lines[number + 1].strip():
            header = Header(cells)
        elif header is not None and len(cells) == len(header.cells):
            found += _of_row(header, cells, line)
    return found, header


def _of_row(header: Header, cells: tuple[str, ...], line: str) -> Iterator[TableFact]:
    label = cells[0]
    properties = header.cells[0].lower() in _PROPERTY_HEADS and len(cells) == 2
    for column, value in zip(header.cells[1:], cells[1:], strict=True):
        if not _is_value(value):
            continue
        if properties:
            about, attribute = "", label
        elif is_name(column) and not is_name(label):
            about, attribute = column, label  # things side by side: a column each
        else:
            about, attribute = label, column
        if (about and not _is_thing(about)) or not _is_attribute(attribute):
            continue
        attribute = _with_unit(_small(attribute))
        noun = attribute.split(" in ")[0].split()[-1]
        verb = "are" if is_plural(noun) else "is"
        thing = (
            f"“{about}”" if len(about.split()) == 1 and not _CODE.fullmatch(about) else _small(about) if about else ""
        )
        subject = f"the {attribute} of {thing}" if about else f"the {attribute}"
        fact = Fact(FactKind.TABLE, "what", subject, verb, "", verb, value)
        yield TableFact(fact, line.strip(), about, attribute)


def _cells(line: str) -> list[str]:
    return [re.sub(r"[*_`]", "", cell).strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def is_name(text: str) -> bool:
    """Whether it names one thing: a code, a name with a number, capitalised words."""
    words = text.split()
    return bool(_CODE.fullmatch(text)) or (
        len(words) > 1 and all(word[0].isupper() or word[0].isdigit() for word in words) and text[0].isupper()
    )


def _is_thing(text: str) -> bool:
    """What a row can be about: a noun phrase, no date or range, no list, no sentence."""
    words = text.split()
    return (
        0 < len(words) <= _LONGEST_LABEL
        and bool(re.search(r"[^\W\d_]{2}", text))
        and not re.search(r"[?:;,()/]|\d{4}-\d\d|\d+\s*(?:to|-|–)\s*\d", text)
        and not any(word.lower() in _NO_THING for word in words)
        and not (re.match(r"[\d€$£]", text) and not is_name(text))
    )


def _is_attribute(text: str) -> bool:
    """What can be asked of a thing: "depth rating", "list price EUR"; not "up to", "who may sign", "as found"."""
    words = text.split()
    lows = [word.lower() for word in words]
    return (
        _is_thing(text)
        and not is_name(text)
        and not any(low in PREPOSITIONS | AUXILIARIES | PRONOUNS or low in ("up", "how", "why") for low in lows)
        and not any((form := verb_form(low)) is not None and (form.participle or form.third) for low in lows[:1])
        and re.search(r"[a-z]{3}", text) is not None
    )


def _is_value(text: str) -> bool:
    """Short, and something to be told: no tick, no dash, no "yes"."""
    return (
        0 < len(text.split()) <= _LONGEST_VALUE
        and re.match(r"[\w€$£-]", text) is not None
        and text.lower() not in _NO_VALUES
        and (len(text) > 1 or text.isdigit())
    )


def _with_unit(text: str) -> str:
    """ "list price EUR" is the list price in EUR."""
    words = text.split()
    if len(words) > 1 and re.fullmatch(r"[A-Z]{3}|€|\$|°C|mm|kg|m|%", words[-1]):
        return f"{' '.join(words[:-1])} in {words[-1]}"
    return text


def _small(text: str) -> str:
    """Within a sentence: "Depth rating" is no name, "SDI-12 address" and "Teal 400" are."""
    words = text.split()
    if re.fullmatch(r"[A-Z][a-z]+,?", words[0]) and not (
        words[1:] and (words[1][0].isupper() or words[1][0].isdigit())
    ):
        return text[0].lower() + text[1:]
    return text
