"""Fit the default checker: how likely a run of sentences supports a claim.

    python -m scripts.fit_groundedness DATA_FOLDER [--out generation/checking/groundedness_model.json]
        [--features FILE] [--small]

Trains on sets whose licences allow weights to be trained on them: `groundedness/squad_synthetic` (articles of `split`
train), half of `groundedness/begin` (by context), the SNLI part of `groundedness/snli_sick`, half of
`groundedness/halueval_qa` (by context), and the answers in half of `answers/clapnq_dev`: supported by their passage,
not supported by it once the sentences marked as evidence are taken out. Each set counts the same, and in it each
label. The other halves, `lfqa_dev`, `wice_dev` and `summedits` are measured only; of `lfqa_dev` and `summedits` come
the calibration of the two kinds of text and nothing else.

With `--features` what is computed of the texts is kept in a file, or read from it when it is there: fitting again takes
seconds then.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evals.assembly import passages_of
from evals.cases import ContextText
from generation.checking.claim_features import FEATURES, ClaimFeatures
from generation.checking.claims import is_claim
from generation.checking.groundedness_checker import GroundednessChecker, GroundednessModel
from generation.writing.short_answers import SPEAKS_FOR_ITSELF
from ingestion.sentences import sentence_spans
from retrieval.assembly import INITIAL_MEAN_CHUNK_TERMS, build_embedder
from retrieval.lexical import LexicalEncoder
from runtime.settings import Settings

NOTHING = GroundednessModel(np.zeros(len(FEATURES) + 1), 0.5)


@dataclasses.dataclass(frozen=True, slots=True)
class ReadClaim:
    """One sentence of an answer. `verbatim` ones stand in the evidence as they are, and have no features.

    `together` are the features of the sentence with its question, where it is too short to speak for itself. `texts`
    are the windows that the features are of, for the head.
    """

    text: str
    verbatim: bool
    features: ClaimFeatures | None
    texts: tuple[str, ...]
    together: tuple[str, ClaimFeatures, tuple[str, ...]] | None


@dataclasses.dataclass(frozen=True, slots=True)
class ReadAnswer:
    """`group` is the document or question that it is of; `labels` tell by claim, None where only the whole is known."""

    source: str
    identifier: str
    group: str
    training: bool
    label: bool
    passages: int
    claims: tuple[ReadClaim, ...]
    labels: tuple[bool | None, ...]


def rows_of(file: Path) -> Iterator[dict[str, Any]]:
    packed = file.with_name(file.name + ".gz")
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else file.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def half(key: str) -> bool:
    return zlib.crc32(key.encode()) % 2 == 0


def sets(data: Path) -> Iterator[tuple[str, Mapping[str, Any], str, bool, int]]:
    """(set, row, group, whether it is for training, of how many rows one is taken)."""
    grounded = data / "groundedness"
    for row in rows_of(grounded / "lfqa_dev.jsonl"):
        yield "lfqa_dev", row, row["question"], False, 1
    for row in rows_of(grounded / "summedits.jsonl"):
        yield "summedits", row, row["document"], False, 1
    for row in rows_of(grounded / "begin.jsonl"):
        yield "begin", row, row["context"][0], half(row["context"][0]), 1
    for row in rows_of(grounded / "squad_synthetic.jsonl"):
        yield "squad_synthetic", row, row["article"], row["split"] == "train", 3 if row["split"] == "train" else 1
    for row in clapnq_claims(data / "answers" / "clapnq_dev.jsonl"):
        yield "clapnq", row, row["group"], half(row["group"]), 1
    for row in rows_of(grounded / "halueval_qa.jsonl"):
        yield "halueval_qa", row, row["context"][0], half(row["context"][0]), 1
    for row in rows_of(grounded / "snli_sick.jsonl"):
        if row["domain"] == "snli":
            yield "snli", row, row["context"][0], half(row["context"][0]), 4
    for row in rows_of(grounded / "wice_dev.jsonl"):
        yield "wice_dev", row, row["id"], False, 1
    for row in rows_of(grounded / "wice_tokens.jsonl"):
        yield "wice_tokens", row, row["id"], False, 1


def clapnq_claims(file: Path) -> Iterator[dict[str, Any]]:
    """Answers as in the groundedness sets: over their passage, and over what is left of it without the evidence."""
    for row in rows_of(file):
        if not row["answerable"] or len(row["context"]) != 1:
            continue
        text = row["context"][0]["text"]
        left = text
        for sentence in (one for group in row["gold_sentences"] for one in group):
            left = left.replace(sentence, " ")
        own = {"answer": row["answers"][0], "group": text}
        yield own | {"id": row["id"], "context": [text], "label": 1}
        if len(left.split()) >= 40:
            yield own | {"id": f"{row['id']}-without", "context": [left], "label": 0}


def collect(data: Path, *, small: bool) -> list[ReadAnswer]:
    settings = Settings()
    lexical = LexicalEncoder(settings.language, INITIAL_MEAN_CHUNK_TERMS)
    checker = GroundednessChecker(build_embedder(settings), lexical, NOTHING)
    answers: list[ReadAnswer] = []
    counts: dict[str, int] = {}
    known: tuple[list[str], Any] = ([], None)
    for source, row, group, training, every in sets(data):
        counts[source] = counts.get(source, 0) + 1
        if counts[source] % (every * (20 if small else 1)):
            continue
        if known[0] != row["context"]:
            texts = tuple(ContextText(str(number), "", text) for number, text in enumerate(row["context"]))
            known = (row["context"], checker.against(passages_of(texts)))
        answers.append(read_answer(known[1], source, row, group, training))
        if len(answers) % 500 == 0:
            print(f"{len(answers)} answers, {source}", flush=True)
    return answers


def read_answer(check: Any, source: str, row: Mapping[str, Any], group: str, training: bool) -> ReadAnswer:
    answer, spans = row["answer"], row.get("spans") or []
    claims: list[ReadClaim] = []
    labels: list[bool | None] = []
    for start, end in sentence_spans(answer):
        text = answer[start:end]
        if is_claim(text):
            claims.append(read_claim(check, text, row.get("question")))
            wrong = any(first < end and start < last for first, last in spans)
            labels.append(not wrong if spans else True if row["label"] else None)
    passages = len(row["context"])
    return ReadAnswer(
        source, str(row["id"]), group, training, bool(row["label"]), passages, tuple(claims), tuple(labels)
    )


def read_claim(check: Any, text: str, question: str | None) -> ReadClaim:
    if check.is_verbatim(text):
        return ReadClaim(text, True, None, (), None)
    features, texts = check.features(text)
    together = None
    if question and len(text.split()) < SPEAKS_FOR_ITSELF:
        joined = f"{text.rstrip(' .!')}: {question[:1].lower() + question[1:].rstrip(' ?')}"
        together = (joined, *check.features(joined))
    return ReadClaim(text, False, features, texts, together)
