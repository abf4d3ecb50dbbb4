"""Answers of the groundedness sets as the default checker reads them: features of each claim, and the head's log odds.

What takes minutes (vectors, features, the head) is kept in a file, so that fitting and measuring take seconds.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import pickle
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evals.assembly import passages_of
from evals.cases import ContextText
from generation.checking.checker import VerbatimCheck
from generation.checking.claim_features import FEATURES, EvidenceReading
from generation.checking.claims import is_claim
from generation.checking.contradiction.contradiction_head import ContradictionHead
from generation.checking.coverage.evidence_windows import Floats
from generation.checking.coverage.read_words import WordReader
from generation.checking.groundedness_model import TextKind, kind_of, log_odds_of
from generation.writing.short_answers import SPEAKS_FOR_ITSELF, with_question
from ingestion.sentences import sentence_spans
from retrieval.assembly import INITIAL_MEAN_CHUNK_TERMS, build_embedder
from retrieval.embedding import Embedder
from retrieval.lexical import LexicalEncoder
from runtime.settings import Settings


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a claim: `FEATURES` of its windows, float64 (windows, features), and what the head says to it.

    `tokens` are the head's words: start, end, probability of being unsupported.
    """

    values: Floats
    evidence: str
    claim: str
    head: float = 0.0
    tokens: tuple[tuple[int, int, float], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class ReadClaim:
    """One sentence of an answer, at `[start, end)`: alone, and with its question where it is short.

    No readings: it stands in the evidence word for word.
    """

    start: int
    end: int
    label: bool | None
    readings: tuple[Reading, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class ReadAnswer:
    """`group` is the document or question that it is of. A claim's label is None where only the whole's is known.

    `unseen`: neither coefficients nor the head were trained on it.
    """

    source: str
    identifier: str
    group: str
    training: bool
    unseen: bool
    kind: TextKind
    label: bool
    spans: tuple[tuple[int, int], ...]
    claims: tuple[ReadClaim, ...]


def rows_of(file: Path) -> Iterator[dict[str, Any]]:
    packed = file.with_name(file.name + ".gz")
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else file.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def half(key: str) -> bool:
    return zlib.crc32(key.encode()) % 2 == 0


def sets(data: Path) -> Iterator[tuple[str, Mapping[str, Any], str, bool, bool]]:
    """(set, row, group, whether coefficients are fitted on it, whether nothing was)."""
    from scripts.training_data.human_pairs import held_out

    grounded = data / "groundedness"
    for row in rows_of(grounded / "lfqa_dev.jsonl"):
        yield "lfqa_dev", row, row["question"], False, True
    for row in rows_of(grounded / "summedits.jsonl"):
        yield "summedits", row, row["document"], False, True
    for row in rows_of(grounded / "begin.jsonl"):
        mine, heads = half(row["context"][0]), not held_out(" ".join(row["context"]))
        yield "begin", row, row["context"][0], mine, not mine and not heads
    for row in rows_of(grounded / "squad_synthetic.jsonl"):
        training = row["split"] == "train"
        yield "squad_synthetic", row, row["article"], training, not training
    for row in clapnq_claims(data / "answers" / "clapnq_dev.jsonl"):
        yield "clapnq", row, row["group"], half(row["group"]), False
    for row in rows_of(grounded / "halueval_qa.jsonl"):
        yield "halueval_qa", row, row["context"][0], half(row["context"][0]), False
    for row in rows_of(grounded / "snli_sick.jsonl"):
        training = row["domain"] == "snli" and half(row["context"][0])
        yield "snli_sick", row, row["context"][0], training, row["domain"] == "sick"
    for row in rows_of(grounded / "wice_dev.jsonl"):
        yield "wice_dev", row, row["id"], False, True
    for row in rows_of(grounded / "wice_tokens.jsonl"):
        yield "wice_tokens", row, row["id"], False, True


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
    """All answers, of the large sets for training a part; with `small` a twentieth of each."""
    settings = Settings()
    lexical = LexicalEncoder(settings.language, INITIAL_MEAN_CHUNK_TERMS)
    reader, embedder = WordReader(lexical), build_embedder(settings)
    answers: list[ReadAnswer] = []
    counts: dict[str, int] = {}
    known: tuple[list[str], Evidence | None] = ([], None)
    for source, row, group, training, unseen in sets(data):
        counts[source] = counts.get(source, 0) + 1
        every = 3 if training and source in ("squad_synthetic", "snli_sick") else 1
        if counts[source] % (every * (20 if small else 1)):
            continue
        if known[0] != row["context"]:
            known = (row["context"], Evidence(row["context"], embedder, lexical, reader))
        assert known[1] is not None
        answers.append(known[1].answer(source, row, group, training=training, unseen=unseen))
        if len(answers) % 1000 == 0:
            print(f"{len(answers)} answers read, now {source}", flush=True)
    return with_head(answers)


class Evidence:
    """The context of some answers, read once."""

    def __init__(self, texts: list[str], embedder: Embedder, lexical: LexicalEncoder, reader: WordReader) -> None:
        passages = passages_of(tuple(ContextText(str(number), "", text) for number, text in enumerate(texts)))
        self._verbatim = VerbatimCheck(passages)
        self._reading = EvidenceReading(passages, embedder, lexical, reader)

    def answer(self, source: str, row: Mapping[str, Any], group: str, *, training: bool, unseen: bool) -> ReadAnswer:
        answer, spans = row["answer"], tuple((start, end) for start, end in row.get("spans") or [])
        claims = []
        for start, end in sentence_spans(answer):
            if is_claim(answer[start:end]):
                wrong = any(first < end and start < last for first, last in spans)
                label = not wrong if spans else True if row["label"] else None
                claims.append(ReadClaim(start, end, label, self._readings(answer[start:end], row.get("question"))))
        kind = kind_of(self._reading.windows)
        return ReadAnswer(
            source, str(row["id"]), group, training, unseen, kind, bool(row["label"]), spans, tuple(claims)
        )

    def _readings(self, claim: str, question: str | None) -> tuple[Reading, ...]:
        if self._verbatim.check(claim, (0, len(claim))).verdict.supported:
            return ()
        if not len(self._reading.windows):
            return (Reading(np.zeros((1, len(FEATURES))), "", claim),)
        texts = [claim]
        if question and len(claim.split()) < SPEAKS_FOR_ITSELF:
            texts.append(with_question(claim, question))
        found = [(text, self._reading.features(text)) for text in texts]
        return tuple(Reading(features.values, features.evidence, text) for text, features in found)


def with_head(answers: list[ReadAnswer]) -> list[ReadAnswer]:
    """The same with the head's verdicts."""
    pairs = [
        (reading.evidence, reading.claim) for answer in answers for claim in answer.claims for reading in claim.readings
    ]
    verdicts = iter(ContradictionHead.load().judge(pairs))

    def judged(reading: Reading) -> Reading:
        verdict = next(verdicts)
        tokens = tuple((one.start, one.end, one.unsupported) for one in verdict.tokens)
        return dataclasses.replace(reading, head=log_odds_of(verdict.supported), tokens=tokens)

    def of(claim: ReadClaim) -> ReadClaim:
        return dataclasses.replace(claim, readings=tuple(judged(reading) for reading in claim.readings))

    return [dataclasses.replace(answer, claims=tuple(of(claim) for claim in answer.claims)) for answer in answers]


def readings(data: Path, kept: Path | None, *, small: bool) -> list[ReadAnswer]:
    """From the file `kept` where it is there, else computed, and kept in it."""
    if kept is not None and kept.exists():
        found: list[ReadAnswer] = pickle.loads(kept.read_bytes())
        return found
    found = collect(data, small=small)
    if kept is not None:
        kept.write_bytes(pickle.dumps(found))
    return found
