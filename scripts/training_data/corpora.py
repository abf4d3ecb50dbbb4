"""Documents whose licences allow weights to be trained on them, in sentences."""

from __future__ import annotations

import collections
import dataclasses
import gzip
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingestion.sentences import sentence_spans

TUNING_ARTICLES = frozenset(("Warsaw", "Immune system", "Packet switching", "French and Indian War"))
"""Kept out of all training: what the recipe is chosen on."""
_SPACED = re.compile(r" (?=[.,;:!?)\]’]|'s\b|n't\b|''|%)|(?<=[(\[]) |(?<=``) ")
_PASSAGES_OF_EACH = {
    "squad": 16000, "medquad": 2500, "fairytaleqa": 2500, "ares": 3000, "qed": 1300, "covidqa": 600, "cuad": 700,
}  # fmt: skip
_WITH_CLEAR_RIGHTS = frozenset(("nq", "hotpotqa", "fever", "wow"))


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """A passage in sentences; `siblings` are sentences of other passages about the same thing."""

    sentences: tuple[str, ...]
    siblings: tuple[str, ...]
    source: str


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a `.jsonl` file or its `.gz`."""
    path = path if path.exists() else path.with_name(path.name + ".gz")
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def documents(data: Path, rng: random.Random, *, tuning: bool = False, share: float = 1.0) -> list[Document]:
    """All corpora, or only the passages of `TUNING_ARTICLES`; `share` of the passages of each."""
    passages: dict[str, list[tuple[str, str]]] = collections.defaultdict(list)
    for row in rows(data / "retrieval/squad/corpus.jsonl"):
        if (row["title"].replace("_", " ") in TUNING_ARTICLES) == tuning:
            passages["squad"].append((row["title"], row["text"]))
    if not tuning:
        for source, path in (
            ("medquad", "medquad"),
            ("fairytaleqa", "fairytaleqa"),
            ("ares", "ares"),
            ("qed", "qed_dev"),
            ("covidqa", "covidqa"),
        ):
            found = {}
            for row in rows(data / f"qa_training/{path}.jsonl"):
                if source == "ares" and row["source"] not in _WITH_CLEAR_RIGHTS:
                    continue
                found[row["positive"]] = row.get("story") or row.get("focus") or row.get("title") or ""
            passages[source] = [(group, text) for text, group in found.items()]
        passages["cuad"] = [(row["title"], row["text"]) for row in rows(data / "retrieval/cuad_dev/corpus.jsonl")]
    result: list[Document] = []
    for source, found in passages.items():
        wanted = min(len(found), max(1, int(_PASSAGES_OF_EACH[source] * share)))
        in_sentences = [(group, split(text)) for group, text in rng.sample(found, wanted)]
        by_group: dict[str, list[str]] = collections.defaultdict(list)
        for group, sentences in in_sentences:
            by_group[group] += sentences
        for group, sentences in in_sentences:
            if sentences:
                others = [
                    one for one in rng.sample(by_group[group], min(12, len(by_group[group]))) if one not in sentences
                ]
                result.append(Document(tuple(sentences), tuple(others[:6]), source))
    return result


def split(text: str) -> list[str]:
    """Sentences, with the spaces of tokenised text taken out."""
    plain = _SPACED.sub("", text.replace("``", '"').replace("''", '"')) if " ." in text else text
    found = [" ".join(plain[start:end].split()) for start, end in sentence_spans(plain)]
    return [one for one in found if 15 <= len(one) <= 600]
