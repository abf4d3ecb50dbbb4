"""Claims that people or language models wrote, with people's labels."""

from __future__ import annotations

import collections
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from scripts.training_data.corpora import rows, split
from scripts.training_data.evidence import packed
from scripts.training_data.pairs import Claim, TrainingGroup

_LONGEST_EVIDENCE = 600


def held_out(text: str) -> bool:
    """One text in five, always the same ones."""
    return zlib.crc32(text.encode()) % 5 == 0


def begin(data: Path) -> list[TrainingGroup]:
    """Replies in a dialogue over a piece of knowledge."""
    found = []
    for row in rows(data / "groundedness/begin.jsonl"):
        good = bool(row["label"])
        found.append((" ".join(row["context"]), Claim(row["answer"], good, () if good else None, row["kind"])))
    return _grouped(found, "begin")


def halueval(data: Path) -> list[TrainingGroup]:
    """Answers to questions over two passages; the question is part of the claim."""
    found = []
    for row in rows(data / "groundedness/halueval_qa.jsonl"):
        good, question = bool(row["label"]), row["question"].strip()
        text, evidence = f"{question} {row['answer']}", " ".join(row["context"])[:_LONGEST_EVIDENCE]
        spans = () if good else ((len(question) + 1, len(text)),)
        found.append((evidence, Claim(text, good, spans, row["kind"])))
    return _grouped(found, "halueval_qa")


def snli(data: Path) -> list[TrainingGroup]:
    """Captions."""
    found = []
    for row in rows(data / "groundedness/snli_sick.jsonl"):
        if row["domain"] == "snli":
            good = bool(row["label"])
            found.append((row["context"][0], Claim(row["answer"], good, () if good else None, row["kind"])))
    return _grouped(found, "snli")


def clapnq(data: Path) -> list[TrainingGroup]:
    """Sentences of answers that people wrote: over the passage, and over what is left without their evidence."""
    found = []
    for row in rows(data / "answers/clapnq_dev.jsonl"):
        gold = [part for group in row["gold_sentences"] for one in group for part in split(one)]
        passage = [one for context in row["context"] for one in split(context["text"])]
        rest = [one for one in passage if not any(one in two or two in one for two in gold)]
        for answer in row["answers"]:
            sentences = [one for one in split(answer) if len(one) >= 30]
            if sentences:
                whole = packed(passage, answer, _LONGEST_EVIDENCE)
                found += [(whole, Claim(one, True, (), "answer")) for one in sentences]
            if sentences and rest:
                other = packed(rest, answer, _LONGEST_EVIDENCE)
                found += [(other, Claim(one, False, None, "evidence gone")) for one in sentences]
    return _grouped(found, "clapnq")


def squad_synthetic(data: Path, part: str) -> Iterator[TrainingGroup]:
    """Rule-made pairs of another maker, `part` train or tune."""
    for row in rows(data / "groundedness/squad_synthetic.jsonl"):
        if row["split"] == part:
            good = bool(row["label"])
            spans = tuple((start, end) for start, end in row["spans"]) if row["spans"] else None
            sentences = [one for text in row["context"] for one in split(text)]
            claim = Claim(row["answer"], good, () if good else spans, row["kind"])
            yield TrainingGroup(packed(sentences, row["answer"], _LONGEST_EVIDENCE), [claim], "squad_synthetic")


def _grouped(pairs: Iterable[tuple[str, Claim]], source: str) -> list[TrainingGroup]:
    groups: dict[str, list[Claim]] = collections.defaultdict(list)
    for evidence, claim in pairs:
        groups[evidence].append(claim)
    return [TrainingGroup(evidence, claims[:8], source) for evidence, claims in groups.items()]
