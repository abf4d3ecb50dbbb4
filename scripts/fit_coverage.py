"""Fit the coverage checker: how likely a run of sentences supports a claim, and from which probability on to say so.

    python -m scripts.fit_coverage DATA_FOLDER [--out generation/checking/coverage_calibration.json] [--small]

Trains on sets whose licences allow weights to be trained on them: `groundedness/squad_synthetic` (articles of `split`
train), half of `groundedness/begin` (by context), the SNLI part of `groundedness/snli_sick`, and the sentences of the
answers in half of `answers/clapnq_dev`: supported by their passage, not supported by it once the sentences marked as
evidence are taken out. Measures, without training on them, on the rest of begin and squad_synthetic, on `lfqa_dev`,
`wice_dev` and a part of `summedits`. The threshold is that with the best balanced accuracy on the training sets, each
of which counts the same.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from evals.assembly import passages_of
from evals.cases import ContextText
from generation.checking.claims import is_claim
from generation.checking.coverage_checker import (
    CALIBRATION_FILE,
    VECTOR_FEATURES,
    CoverageCalibration,
    CoverageChecker,
    WindowFeatures,
)
from generation.checking.evidence_windows import LEXICAL_FEATURES
from generation.extraction.extractive_model import linear, sigmoid
from ingestion.sentences import sentence_spans
from retrieval.assembly import INITIAL_MEAN_CHUNK_TERMS, build_embedder
from retrieval.lexical import LexicalEncoder
from runtime.settings import Settings
from scripts.fit_extractive import balance, fitted

FEATURES = (*LEXICAL_FEATURES, *VECTOR_FEATURES)
ROUNDS = 4
NOTHING = CoverageCalibration(np.zeros(len(LEXICAL_FEATURES) + 1), np.zeros(len(FEATURES) + 1), 0.5, 1.0, 1.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer; `answer` identifies the answer that it is of, `label` whether it is supported."""

    source: str
    training: bool
    answer: str
    label: bool
    features: WindowFeatures

    @property
    def rows(self) -> NDArray[np.float64]:
        """`FEATURES` of the windows that were compared by vectors."""
        return np.hstack([self.features.lexical[self.features.chosen], self.features.vectors])


def rows_of(file: Path) -> Iterator[dict[str, Any]]:
    packed = file.with_name(file.name + ".gz")
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else file.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def half(key: str) -> bool:
    return zlib.crc32(key.encode()) % 2 == 0


def sets(data: Path) -> Iterator[tuple[str, Mapping[str, Any], bool, int]]:
    """(set, row, whether it is for training, of how many rows one is taken)."""
    grounded = data / "groundedness"
    for row in rows_of(grounded / "squad_synthetic.jsonl"):
        yield "squad_synthetic", row, row["split"] == "train", 4
    for row in rows_of(grounded / "begin.jsonl"):
        yield "begin", row, half(row["context"][0]), 3
    for row in rows_of(grounded / "snli_sick.jsonl"):
        if row["domain"] == "snli":
            yield "snli", row, True, 8
    for row in clapnq_claims(data / "answers" / "clapnq_dev.jsonl"):
        yield "clapnq", row, half(row["context"][0]), 1
    yield from (("lfqa_dev", row, False, 1) for row in rows_of(grounded / "lfqa_dev.jsonl"))
    yield from (("wice_dev", row, False, 1) for row in rows_of(grounded / "wice_dev.jsonl"))
    yield from (("summedits", row, False, 6) for row in rows_of(grounded / "summedits.jsonl"))


def clapnq_claims(file: Path) -> Iterator[dict[str, Any]]:
    """Answers as in the groundedness sets: over their passage, and over what is left of it without the evidence."""
    for row in rows_of(file):
        if not row["answerable"] or len(row["context"]) != 1:
            continue
        text = row["context"][0]["text"]
        left = text
        for sentence in (one for group in row["gold_sentences"] for one in group):
            left = left.replace(sentence, " ")
        yield {"id": row["id"], "context": [text], "answer": row["answers"][0], "label": 1}
        if len(left.split()) >= 40:
            yield {"id": f"{row['id']}-without", "context": [left], "answer": row["answers"][0], "label": 0}


def collect(data: Path, *, small: bool) -> list[Claim]:
    settings = Settings()
    embedder = build_embedder(settings)
    lexical = LexicalEncoder(settings.language, INITIAL_MEAN_CHUNK_TERMS)
    checker = CoverageChecker(embedder, lexical, NOTHING)
    claims: list[Claim] = []
    counts: dict[str, int] = {}
    known: tuple[list[str], Any] = ([], None)
    for source, row, training, every in sets(data):
        counts[source] = counts.get(source, 0) + 1
        if counts[source] % (every * (20 if small else 1)):
            continue
        if known[0] != row["context"]:
            texts = tuple(ContextText(str(number), "", text) for number, text in enumerate(row["context"]))
            known = (row["context"], checker.against(passages_of(texts)))
        for label, sentence in labelled_sentences(row):
            if not (training and len(sentence.split()) < 3):
                claims.append(Claim(source, training, f"{source} {row['id']}", label, known[1].features(sentence)))
    for source in counts:
        own = [claim for claim in claims if claim.source == source]
        print(f"{source}: {len(own)} claims, {sum(one.training for one in own)} for training", flush=True)
    return claims


def labelled_sentences(row: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    """Claims of the row's answer. Where the unsupported part is marked, a sentence without any of it is supported."""
    answer, spans = row["answer"], row.get("spans") or []
    for start, end in sentence_spans(answer):
        if is_claim(answer[start:end]):
            wrong = any(first < end and start < last for first, last in spans) if spans else not row["label"]
            yield not wrong, answer[start:end]


def fit(claims: Sequence[Claim], columns: int) -> NDArray[np.float64]:
    """Logistic regression on each claim's best window, which is chosen anew by each round's model."""
    labels = np.array([claim.label for claim in claims])
    weights = balance([(claim.source, claim.label) for claim in claims])
    coefficients = np.array([1.0, 1.0, 1.0, 1.0, *[0.0] * (columns - 4), 0.0])
    for _ in range(ROUNDS):
        best = [claim.rows[np.argmax(linear(claim.rows[:, :columns], coefficients)), :columns] for claim in claims]
        coefficients = fitted(np.array(best), labels, weights)
    return coefficients


def probabilities(claims: Iterable[Claim], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    columns = len(coefficients) - 1
    return np.array([float(sigmoid(linear(claim.rows[:, :columns], coefficients)).max()) for claim in claims])


def best_threshold(scores: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    def balanced(threshold: float) -> float:
        supported = scores >= threshold
        right = weights[labels & supported].sum() / weights[labels].sum()
        found = weights[~labels & ~supported].sum() / weights[~labels].sum()
        return float(right + found)

    return max(np.round(np.arange(0.2, 0.81, 0.01), 2).tolist(), key=balanced)


def cap(claims: Sequence[Claim], feature: str, threshold: float) -> float:
    """Share of the claims that are supported although one of these is nowhere: at most just below the threshold."""
    column = LEXICAL_FEATURES.index(feature)
    missing = [claim for claim in claims if claim.features.lexical[0, column] > 0]
    weights = balance([claim.source for claim in missing])
    share = float(weights[[claim.label for claim in missing]].sum() / weights.sum()) if missing else 0.0
    return round(min(share, threshold - 0.01), 3)


def report(claims: Sequence[Claim], calibration: CoverageCalibration) -> None:
    for source in dict.fromkeys(claim.source for claim in claims):
        own = [claim for claim in claims if claim.source == source and not claim.training]
        if not own:
            continue
        by_answer: dict[str, list[int]] = {}
        for position, claim in enumerate(own):
            by_answer.setdefault(claim.answer, []).append(position)
        labels = np.array([all(own[one].label for one in group) for group in by_answer.values()])
        for name, coefficients in (("lexical", calibration.lexical), ("full", calibration.full)):
            scores = capped(own, probabilities(own, coefficients), calibration)
            whole = np.array([scores[group].min() for group in by_answer.values()])
            supported = whole >= calibration.threshold
            balanced = (supported[labels].mean() + (~supported[~labels]).mean()) / 2
            print(
                f"{source} ({len(labels)} answers), {name}: AUROC {roc_auc_score(labels, whole):.3f}, "
                f"balanced accuracy {balanced:.3f} (supported found {supported[labels].mean():.3f}, "
                f"unsupported found {(~supported[~labels]).mean():.3f})"
            )


def capped(
    claims: Sequence[Claim], scores: NDArray[np.float64], calibration: CoverageCalibration
) -> NDArray[np.float64]:
    limits = np.ones(len(claims))
    for feature, limit in (
        ("numbers_missing_everywhere", calibration.cap_numbers),
        ("names_missing_everywhere", calibration.cap_names),
    ):
        column = LEXICAL_FEATURES.index(feature)
        missing = np.array([claim.features.lexical[0, column] > 0 for claim in claims])
        limits[missing] = np.minimum(limits[missing], limit)
    return np.minimum(scores, limits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=CALIBRATION_FILE)
    parser.add_argument("--small", action="store_true", help="a twentieth of the rows, to see that it runs")
    arguments = parser.parse_args()

    claims = collect(arguments.data, small=arguments.small)
    calibration = calibrated(claims)
    fields = {
        "features": FEATURES,
        "lexical": calibration.lexical.round(4).tolist(),
        "full": calibration.full.round(4).tolist(),
        "threshold": calibration.threshold,
        "cap_numbers": calibration.cap_numbers,
        "cap_names": calibration.cap_names,
    }
    arguments.out.write_text(json.dumps(fields, indent=1) + "\n")
    print(f"threshold {calibration.threshold}, caps {calibration.cap_numbers} and {calibration.cap_names}")
    report(claims, calibration)


def calibrated(claims: Sequence[Claim]) -> CoverageCalibration:
    training = [claim for claim in claims if claim.training]
    lexical, full = fit(training, len(LEXICAL_FEATURES)), fit(training, len(FEATURES))
    labels = np.array([claim.label for claim in training])
    weights = balance([(claim.source, claim.label) for claim in training])
    threshold = best_threshold(probabilities(training, full), labels, weights)
    caps = [cap(training, f"{kind}_missing_everywhere", threshold) for kind in ("numbers", "names")]
    return CoverageCalibration(lexical, full, threshold, *caps)


if __name__ == "__main__":
    main()
