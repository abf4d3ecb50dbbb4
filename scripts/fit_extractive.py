"""Fit the extractive model: which sentence answers, whether any does, and from which probability on to answer.

    python -m scripts.fit_extractive DATA_FOLDER [--out generation/extraction/extractive_calibration.json] [--small]

Trains on sets whose licences allow weights to be trained on them: `answers/squad_dev` (the articles of `split` train)
read from the given paragraph and searched for in all paragraphs of `retrieval/squad`, and half of `answers/clapnq_dev`.
SQuAD's unanswerable questions are adversarial, written about a paragraph that nearly answers them. What a product
meets more often is a question about something that is simply not in the documents; so each answerable question also
serves as one without an answer, over what was found for it less every passage with its answer.

Reports on what was left out: the four SQuAD articles of `split` tune, and the other half of CLAP NQ.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from evals.assembly import passages_of
from evals.cases import AnswerCase, read_answers, read_retrieval
from evals.retrieval.temporary_index import temporary_index
from generation.extraction.extractive_model import CALIBRATION_FILE, answerability_features, linear, sigmoid
from generation.extraction.sentence_features import FEATURES, Evidence, gather
from retrieval.assembly import INITIAL_MEAN_CHUNK_TERMS, build_embedder
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage
from runtime.settings import Settings

TOP_K = 10
LEAST_SENTENCES = 3
SEARCHED = "squad searched"
FURTHER = (0.3, 0.5, 0.7, 0.9)
COST_OF_WRONG_REFUSAL = 1.5
"""That of a wrong answer is 1: a quoted sentence that does not answer shows itself, a refusal hides the answer."""


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """`right` marks the sentences that answer, (sentences,) bool; all false for a question without an answer."""

    source: str
    held_out: bool
    answerable: bool
    evidence: Evidence
    right: NDArray[np.bool_]


def normal(text: str) -> str:
    return f" {re.sub(r'[^0-9a-z]+', ' ', text.lower()).strip()} "


def right_sentences(case: AnswerCase, gold: Sequence[str], evidence: Evidence) -> NDArray[np.bool_]:
    """A sentence is right when it is one of the gold sentences, or without such, when it holds a gold answer."""
    texts = [normal(sentence.text) for sentence in evidence.sentences]
    if gold:
        known = [normal(one) for one in gold]
        return np.array([any(text in one or one in text for one in known) for text in texts], dtype=bool)
    answers = [normal(one) for one in case.answers]
    return np.array([case.answerable and any(one in text for one in answers) for text in texts], dtype=bool)


def extra_fields(file: Path) -> dict[str, dict[str, object]]:
    return {row["id"]: row for row in map(json.loads, file.open(encoding="utf-8"))}


def collect(data: Path, small: bool) -> list[Example]:
    settings = Settings()
    embedder = build_embedder(settings)
    lexical = LexicalEncoder(settings.language, INITIAL_MEAN_CHUNK_TERMS)
    examples: list[Example] = []

    def add(
        cases: Iterable[tuple[AnswerCase, tuple[Passage, ...]]], rows: dict[str, dict[str, object]], source: str
    ) -> None:
        for case, passages in cases:
            row = rows[case.case_id]
            evidence = gather(case.question, passages, embedder, lexical)
            if not evidence.sentences:
                continue
            groups = row.get("gold_sentences") or []
            gold = [sentence for group in groups for sentence in group] if isinstance(groups, list) else []
            right = right_sentences(case, gold, evidence)
            held_out = row["split"] == "tune" if "split" in row else zlib.crc32(case.case_id.encode()) % 2 == 0
            examples.append(Example(source, held_out, case.answerable, evidence, right))
        print(f"{source}: {sum(one.source == source for one in examples)} questions", flush=True)

    squad, clapnq = data / "answers" / "squad_dev.jsonl", data / "answers" / "clapnq_dev.jsonl"
    squad_cases, clapnq_cases = read_answers(squad).cases, read_answers(clapnq).cases
    if small:
        squad_cases, clapnq_cases = squad_cases[:60], clapnq_cases[:30]
    rows = {**extra_fields(squad), **extra_fields(clapnq)}
    add(((case, passages_of(case.context)) for case in squad_cases), rows, "squad read")
    add(((case, passages_of(case.context)) for case in clapnq_cases), rows, "clapnq read")
    corpus = read_retrieval(data / "retrieval" / "squad", "dev").corpus
    with temporary_index(settings, corpus[:500] if small else corpus) as index:
        searched = ((case, index.search(case.question, TOP_K)) for case in squad_cases)
        add(searched, rows, SEARCHED)
    return examples


def without_answer(example: Example) -> Example | None:
    """The same question over the passages that do not hold its answer; `None` when hardly anything is left."""
    rank, bm25 = FEATURES.index("rank"), FEATURES.index("bm25")
    features = example.evidence.features
    kept = ~np.isin(features[:, rank], features[example.right, rank])
    if kept.sum() < LEAST_SENTENCES:
        return None
    left = features[kept].copy()
    order = sorted(set(left[:, rank].tolist()), reverse=True)
    left[:, rank] = [1 / (1 + order.index(value)) for value in left[:, rank].tolist()]
    left[:, bm25] /= max(float(left[:, bm25].max()), 1e-6)
    sentences = [sentence for sentence, keep in zip(example.evidence.sentences, kept, strict=True) if keep]
    nothing = np.zeros(len(sentences), dtype=bool)
    return Example(f"{example.source}, answer removed", example.held_out, False, Evidence(sentences, left), nothing)


def fitted(
    features: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Logistic regression on standardised features, its coefficients given for raw ones, bias last."""
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < 1e-6] = 1.0
    model = LogisticRegression(C=0.1, max_iter=5000).fit((features - mean) / scale, labels, sample_weight=weights)
    raw = model.coef_[0] / scale
    return np.append(raw, model.intercept_[0] - raw @ mean)


def balance(keys: Sequence[object]) -> NDArray[np.float64]:
    """Weights under which every key counts the same in sum."""
    counts = {key: keys.count(key) for key in set(keys)}
    return np.array([len(keys) / (len(counts) * counts[key]) for key in keys])


def fit_sentence(examples: Sequence[Example]) -> NDArray[np.float64]:
    useful = [one for one in examples if one.right.any() and not one.right.all()]
    features = np.concatenate([one.evidence.features for one in useful]).astype(np.float64)
    labels = np.concatenate([one.right for one in useful])
    per_question = np.concatenate([np.full(len(one.right), 1 / len(one.right)) for one in useful])
    return fitted(features, labels, per_question * len(labels) / per_question.sum())


def answerability(examples: Sequence[Example], sentence: NDArray[np.float64]) -> NDArray[np.float64]:
    odds = [linear(one.evidence.features, sentence) for one in examples]
    return np.array([answerability_features(one.evidence, found) for one, found in zip(examples, odds, strict=True)])


def best_threshold(
    probabilities: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    """The probability from which on to answer that costs least (see `COST_OF_WRONG_REFUSAL`)."""

    def cost(threshold: float) -> float:
        answered = probabilities >= threshold
        refused = weights[labels & ~answered].sum() / weights[labels].sum()
        invented = weights[~labels & answered].sum() / weights[~labels].sum()
        return float(COST_OF_WRONG_REFUSAL * refused + invented)

    return min(np.round(np.arange(0.2, 0.81, 0.01), 2).tolist(), key=cost)


def best_further(examples: Sequence[Example], sentence: NDArray[np.float64]) -> float:
    """How much of the best sentence's odds a further one needs: the value with the best F1 over right sentences."""

    def f1(further: float) -> float:
        scores = []
        for one in examples:
            odds = linear(one.evidence.features, sentence)
            order = np.argsort(-odds)[:3]
            chosen = order[odds[order] >= odds[order[0]] + np.log(further)]
            hits = one.right[chosen].sum()
            scores.append(2 * hits / (len(chosen) + min(3, one.right.sum())))
        return float(np.mean(scores))

    return max(FURTHER, key=f1)


def report(
    examples: Sequence[Example], sentence: NDArray[np.float64], answerable: NDArray[np.float64], threshold: float
) -> None:
    for source in dict.fromkeys(one.source for one in examples):
        own = [one for one in examples if one.source == source]
        labels = np.array([one.answerable for one in own])
        first = [one.right[np.argmax(linear(one.evidence.features, sentence))] for one in own if one.right.any()]
        probabilities = sigmoid(linear(answerability(own, sentence), answerable))
        wrongly_answered = (probabilities[~labels] >= threshold).mean()
        print(f"held out, {source}: {len(own)} questions, not answerable but answered {wrongly_answered:.3f}", end="")
        if labels.any():
            print(
                f", answerable but refused {(probabilities[labels] < threshold).mean():.3f}, "
                f"answerable AUROC {roc_auc_score(labels, probabilities):.3f}, "
                f"first sentence right {np.mean(first):.3f} of {len(first)}",
                end="",
            )
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=CALIBRATION_FILE)
    parser.add_argument("--small", action="store_true", help="a few questions only, to see that it runs")
    arguments = parser.parse_args()

    examples = collect(arguments.data, arguments.small)
    searched = [one for one in examples if one.source == SEARCHED and one.right.any()]
    examples += [removed for removed in map(without_answer, searched) if removed is not None]
    training = [one for one in examples if not one.held_out]
    sentence = fit_sentence(training)
    labels = np.array([one.answerable for one in training])
    weights = balance([(one.source, one.answerable) for one in training])
    features = answerability(training, sentence)
    answerable = fitted(features, labels, weights)
    threshold = best_threshold(sigmoid(linear(features, answerable)), labels, weights)
    further = best_further([one for one in training if one.right.any()], sentence)
    fields = {
        "features": FEATURES,
        "sentence": sentence.round(4).tolist(),
        "answerable": answerable.round(4).tolist(),
        "threshold": threshold,
        "further": further,
    }
    arguments.out.write_text(json.dumps(fields, indent=1) + "\n")
    print(f"threshold {threshold}, further {further}")
    report([one for one in examples if one.held_out], sentence, answerable, threshold)


if __name__ == "__main__":
    main()
