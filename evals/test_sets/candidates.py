"""The questions that can be drafted from the chunks of a collection by rule, each with how good it is likely to be."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from evals.test_sets.english import MONTHS, WEEKDAYS
from evals.test_sets.facts import Fact, facts_of
from evals.test_sets.question_rules import question
from evals.test_sets.table_facts import Header, TableFact, is_name, table_facts
from evals.test_sets.values import FactKind
from evals.test_sets.vocabulary import Vocabulary, content_stems
from ingestion.sentences import sentence_spans
from retrieval.passages import StoredChunk

_NEAR_DUPLICATE = 0.8
_NO_NAMES = frozenset((*MONTHS, *WEEKDAYS, "I"))
_CODE = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9][\w-]*\b|\b[A-Z][A-Za-z]+ \d+\b")
_POSSESSIVE = re.compile(r"\b(?:its|their|his|her)\b", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """`quote` is the sentence or row of `chunk` that holds the answer. `table` where it came from a row of a table."""

    question: str
    fact: Fact
    chunk: StoredChunk
    quote: str
    score: float
    table: TableFact | None = None


def candidates(
    chunks: Sequence[StoredChunk], vocabulary: Vocabulary, titles: Mapping[str, str] | None = None
) -> list[Candidate]:
    """In the order of the chunks; `titles` by document id, where there are any.

    What is asked for twice with other answers is left out, and so is a near-duplicate."""
    found: list[Candidate] = []
    header: Header | None = None
    document_id = ""
    for chunk in chunks:
        if chunk.document_id != document_id:
            header, document_id = None, chunk.document_id
        title = _title(chunk, titles or {})
        found += _of_sentences(chunk, title, vocabulary)
        rows, header = table_facts(chunk.text, header)
        found += _of_rows(chunk, title, rows, vocabulary)
    return _distinct(_unambiguous(found))


def _of_sentences(chunk: StoredChunk, title: str | None, vocabulary: Vocabulary) -> Iterator[Candidate]:
    for start, end in sentence_spans(chunk.text):
        quote = _below_headings(chunk.text[start:end])
        if quote.lstrip().startswith(("|", "#")):
            continue
        for fact in facts_of(quote, vocabulary.is_common):
            if made := _candidate(fact, chunk, quote, title):
                yield made


def _of_rows(
    chunk: StoredChunk, title: str | None, rows: Sequence[TableFact], vocabulary: Vocabulary
) -> Iterator[Candidate]:
    for row in rows:
        # What several documents speak of is asked of this one.
        alone = is_name(row.subject) and len(vocabulary.documents_with(row.subject)) == 1
        if made := _candidate(row.fact, chunk, row.row, title, row, alone=alone):
            yield made


def _below_headings(text: str) -> str:
    """Without short lines in front that are headings of their own."""
    head, line_end, rest = text.partition("\n")
    if line_end and len(head.split()) <= 5 and not head.rstrip().endswith((",", ".")) and rest.lstrip()[:1].isupper():
        return _below_headings(rest.lstrip())
    return text


def _candidate(
    fact: Fact,
    chunk: StoredChunk,
    quote: str,
    title: str | None,
    table: TableFact | None = None,
    *,
    alone: bool = True,
) -> Candidate | None:
    text = question(fact)
    if text is None or fact.answer.casefold() in text.casefold():
        return None
    named = alone and names_something(text)
    if not named:
        if title is None:
            return None
        text = f"According to “{title}”, {text[0].lower()}{text[1:]}"
    return Candidate(text, fact, chunk, quote, _score(text, fact, quote, named=named), table)


def names_something(text: str) -> bool:
    """Whether a question speaks of something by a name or a code, so that it can be understood alone."""
    _, _, rest = text.partition(" ")
    words = re.findall(r"[^\W\d_][\w’'-]+", rest)
    return any(word[0].isupper() and word not in _NO_NAMES for word in words) or bool(_CODE.search(rest))


def _title(chunk: StoredChunk, titles: Mapping[str, str]) -> str | None:
    """What a person would call the document, by its file name if need be; None when there is nothing to go by."""
    file_name = chunk.document_name.rpartition("/")[2]
    for title in (titles.get(chunk.document_id, ""), *chunk.heading_path[:1]):
        if 2 <= len(title) <= 80 and re.search(r"[^\W\d_]{3}", title) and not re.search(r"_\d|\d_", title):
            return title
    return file_name if len(file_name) <= 80 else None


def _score(text: str, fact: Fact, quote: str, *, named: bool) -> float:
    """Likely quality: names something, is of a usual length, is one clause, and is not the sentence over again."""
    words = text.split()
    score = 1.0 if named else 0.0
    score += 0.5 if 7 <= len(words) <= 18 else 0.0
    score -= 0.3 * text.count(",") + (0.5 if _POSSESSIVE.search(text) else 0.0)
    score -= 0.2 if fact.kind is FactKind.DEFINITION else 0.0
    return score - 0.5 * copied_share(text, quote)


def copied_share(text: str, source: str) -> float:
    """The longest run of words that a question takes over from its source, as a share of its words."""
    asked, told = [re.findall(r"\w+", one.casefold()) for one in (text, source)]
    longest = 0
    lengths = [0] * (len(told) + 1)
    for word in asked:
        lengths = [0] + [lengths[place] + 1 if word == other else 0 for place, other in enumerate(told)]
        longest = max(longest, *lengths)
    return longest / max(1, len(asked))


def _unambiguous(found: Sequence[Candidate]) -> list[Candidate]:
    answers = defaultdict(set)
    for one in found:
        answers[_key(one.question)].add(one.fact.answer.casefold())
    return [one for one in found if len(answers[_key(one.question)]) == 1]


def _distinct(found: Sequence[Candidate]) -> list[Candidate]:
    """The best of those that ask nearly the same for the same answer."""
    kept: list[Candidate] = []
    by_answer: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
    for one in sorted(found, key=lambda candidate: -candidate.score):
        stems = content_stems(one.question)
        known = by_answer[one.fact.answer.casefold()]
        if any(len(stems & other) >= _NEAR_DUPLICATE * len(stems | other) for other in known):
            continue
        known.append(stems)
        kept.append(one)
    order = {id(one): place for place, one in enumerate(found)}
    return sorted(kept, key=lambda candidate: order[id(candidate)])


def _key(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
