"""Tokens saved by packing retrieved passages, against gold answers kept, and the time it takes.

    python -m bench.packing DATA            (about 10 minutes on two cores)
    python -m bench.packing DATA --small    (40 questions a set, a smaller corpus)

DATA holds answers/squad_dev, clapnq_dev and tatqa_dev and retrieval/squad. Steps, for each set:

1. A corpus is indexed: 6,000 paragraphs of retrieval/squad (those of squad_dev's articles and others), once each as a
   document of its own and once joined to articles, so that passages lie in long documents; all contexts of clapnq_dev;
   all pages (a table with the paragraphs around it) of tatqa_dev.
2. Each answerable question retrieves its top 10 passages, and these are packed at ratios 2, 4 and 8.
3. The gold must stand in the packed text: one of squad's answers; all numbers of the derivation of an arithmetic answer
   of tatqa, all parts of its other answers; clapnq's gold sentences. Gold that the unpacked passages do not hold counts
   for nothing. "Where it belongs" counts only what is kept of the document that the question was written about.

Before packing means all contexts given whole, each place once. The weights of the scores were chosen on the questions
with even position in a set; those with odd position are what is shown.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bench.report import parse_arguments, percentiles, publish, table
from evals.cases import CorpusRecord, read_retrieval
from evals.retrieval.temporary_index import temporary_index
from evals.statistics import bootstrap_interval
from generation.prompting.context_packing import ContextPacker
from retrieval.assembly import INITIAL_MEAN_CHUNK_TERMS
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage
from runtime.settings import Settings

RATIOS = (2, 4, 8)
TOP_K = 10
SMALL = 40
PARAGRAPHS = 6000
NO_BUDGET = 1_000_000

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_WORD = re.compile(r"[^\W_]+")
_PLAIN_NUMBER = re.compile(r"[-(]?[$€£]?\s*[\d.,]+\s*[)%]?")


@dataclasses.dataclass(frozen=True, slots=True)
class GoldCase:
    """`gold` are the parts of the answer, each in words that say the same; `home` is the id of their document."""

    question: str
    gold: tuple[tuple[str, ...], ...]
    home: str


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """Of each part of the gold whether it was there before packing, and after: anywhere, and at home."""

    anywhere: tuple[tuple[bool, bool], ...]
    at_home: tuple[tuple[bool, bool], ...]
    before: int
    after: int
    milliseconds: float


def main() -> None:
    arguments = parse_arguments(__doc__, data_help="folder with answers/ and retrieval/squad")
    settings = Settings()
    packer = ContextPacker(LexicalEncoder(settings.language, INITIAL_MEAN_CHUNK_TERMS))
    kept, cost = [], []
    for name, corpus, cases in sets(arguments.data, small=arguments.small):
        with temporary_index(settings, corpus) as index:
            found = [(case, index.search(case.question, TOP_K)) for case in cases]
        for ratio in RATIOS:
            outcomes = [outcome(packer, case, passages, ratio) for case, passages in found]
            sides = [[one.anywhere for one in outcomes], [one.at_home for one in outcomes]]
            kept.append([name, ratio, *(cell for side in sides for cell in (parts_lost(side), answers_hurt(side)))])
            before, after = sum(one.before for one in outcomes), sum(one.after for one in outcomes)
            saved = [
                f"{before / len(outcomes):.0f}",
                f"{after / len(outcomes):.0f}",
                f"{100 * (1 - after / before):.0f}%",
            ]
            cost.append([name, ratio, *saved, percentiles([one.milliseconds for one in outcomes])])
        print(f"{name}: {len(cases)} questions", flush=True)
    headings = ["parts lost anywhere", "answers hurt anywhere", "parts lost where they belong", "answers hurt there"]
    body = [
        "Percent of the parts of gold answers (an answer, a number, a sentence) that were there before packing and not "
        "after it, and of the answers that lost any, with 95% bootstrap intervals and their number:",
        table(["set", "ratio", *headings], kept),
        "Tokens of a question's passages, estimated, and the time of one packing:",
        table(["set", "ratio", "before", "after", "saved", "ms, p50 / p95"], cost),
    ]
    publish("packing", "Packing", "\n\n".join(body), arguments)


def sets(data: pathlib.Path, *, small: bool) -> Iterator[tuple[str, Sequence[CorpusRecord], Sequence[GoldCase]]]:
    """Name, corpus, and the questions with odd position."""
    squad = [row for row in rows(data / "answers" / "squad_dev.jsonl") if row["answerable"]]
    paragraphs = squad_paragraphs(data, squad, 1000 if small else PARAGRAPHS)
    ids = {record.text: record.record_id for record in paragraphs}
    at_paragraph = [GoldCase(row["question"], (tuple(row["answers"]),), ids.get(_text(row), "")) for row in squad]
    yield "squad_dev, paragraphs", paragraphs, odd(at_paragraph, small=small)
    articles: dict[str, list[str]] = {}
    for record in paragraphs:
        articles.setdefault(record.title, []).append(record.text)
    joined = [CorpusRecord(title, title, "\n\n".join(texts)) for title, texts in articles.items()]
    in_article = [GoldCase(row["question"], (tuple(row["answers"]),), row["context"][0]["title"]) for row in squad]
    yield "squad_dev, articles", joined, odd(in_article, small=small)
    yield clapnq(rows(data / "answers" / "clapnq_dev.jsonl"), small=small)
    yield tatqa(rows(data / "answers" / "tatqa_dev.jsonl"), small=small)


def squad_paragraphs(data: pathlib.Path, questions: Sequence[Mapping[str, Any]], most: int) -> list[CorpusRecord]:
    """Those of the articles that are asked about first, then others."""
    asked = {row["context"][0]["title"] for row in questions}
    corpus = read_retrieval(data / "retrieval" / "squad").corpus
    return sorted(corpus, key=lambda record: record.title not in asked)[:most]


def clapnq(all_rows: Sequence[Mapping[str, Any]], *, small: bool) -> tuple[str, list[CorpusRecord], Sequence[GoldCase]]:
    texts: dict[str, CorpusRecord] = {}
    for row in all_rows:
        for one in row["context"]:
            texts.setdefault(one["text"], CorpusRecord(one["id"], one["title"], one["text"]))
    cases = [
        GoldCase(
            row["question"], _each(one for group in row["gold_sentences"] for one in group), texts[_text(row)].record_id
        )
        for row in all_rows
        if row["answerable"]
    ]
    return "clapnq_dev", list(texts.values()), odd(cases, small=small)


def tatqa(all_rows: Sequence[Mapping[str, Any]], *, small: bool) -> tuple[str, list[CorpusRecord], Sequence[GoldCase]]:
    pages: dict[str, dict[str, str]] = {}
    cases = []
    for row in all_rows:
        page = row["context"][0]["id"]
        pages.setdefault(page, {}).update({one["id"]: one["text"] for one in row["context"]})
        if row["kind"] == "arithmetic":
            gold = _NUMBER.findall(row["derivation"])
        elif row["kind"] == "count":
            gold = [one.strip() for one in row["derivation"].split("##")]
        else:
            gold = row.get("parts") or row["answers"]
        cases.append(GoldCase(row["question"], _each(gold), page))
    corpus = [CorpusRecord(page, "", "\n\n".join(texts.values())) for page, texts in pages.items()]
    return "tatqa_dev", corpus, odd(cases, small=small)


def outcome(packer: ContextPacker, case: GoldCase, passages: Sequence[Passage], ratio: int) -> Outcome:
    started = time.perf_counter()
    packed = packer.pack(case.question, passages, budget_tokens=NO_BUDGET, ratio=ratio)
    elapsed = (time.perf_counter() - started) * 1000
    before = {home: "\n".join(one.context for one in passages if _counts(one, case, home)) for home in (False, True)}
    after = {
        home: "\n".join(one.text for one in packed.passages if _counts(one.passage, case, home))
        for home in (False, True)
    }
    anywhere, at_home = (
        tuple((_holds(before[home], part), _holds(after[home], part)) for part in case.gold) for home in (False, True)
    )
    return Outcome(anywhere, at_home, packed.tokens_before, packed.tokens, elapsed)


def parts_lost(outcomes: Sequence[Sequence[tuple[bool, bool]]]) -> str:
    """Of the parts that were there before; questions are what is resampled."""
    there = [sum(before for before, _ in one) for one in outcomes]
    lost = [sum(before and not after for before, after in one) for one in outcomes]
    low, high = bootstrap_interval(lost, there)
    return f"{100 * sum(lost) / sum(there):.1f} ({100 * low:.1f} to {100 * high:.1f}) of {sum(there)}"


def answers_hurt(outcomes: Sequence[Sequence[tuple[bool, bool]]]) -> str:
    """Of the answers that were there in all parts."""
    hurt = [float(not all(after for _, after in one)) for one in outcomes if one and all(before for before, _ in one)]
    low, high = bootstrap_interval(hurt)
    return f"{100 * sum(hurt) / len(hurt):.1f} ({100 * low:.1f} to {100 * high:.1f}) of {len(hurt)}"


def rows(file: pathlib.Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def odd(cases: Sequence[GoldCase], *, small: bool) -> Sequence[GoldCase]:
    chosen = cases[1::2]
    return chosen[:: max(1, len(chosen) // SMALL)] if small else chosen


def _text(row: Mapping[str, Any]) -> str:
    return str(row["context"][0]["text"])


def _each(parts: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    return tuple((part,) for part in parts if part.strip())


def _counts(passage: Passage, case: GoldCase, home: bool) -> bool:
    return not home or passage.chunk.document_id == case.home


def _holds(text: str, part: Sequence[str]) -> bool:
    return any(_says(text, words) for words in part)


def _says(text: str, words: str) -> bool:
    """A number as a number of its own, whatever stands around it; words without regard to marks and white space."""
    if _PLAIN_NUMBER.fullmatch(words.strip()) and (number := _NUMBER.search(words)):
        return re.search(rf"(?<![\d.,]){re.escape(number.group())}(?!\d|[.,]\d)", text) is not None
    return _words(words) in _words(text)


def _words(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.casefold()))} "


if __name__ == "__main__":
    main()
