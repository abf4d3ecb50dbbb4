"""Groundedness: how well the default checker tells supported answers from unsupported ones, part by part, and how fast.

    python -m bench.groundedness DATA [--readings FILE]       (about 15 minutes on two cores)
    python -m bench.groundedness DATA --small                 (a twentieth of the rows)

DATA holds groundedness/*.jsonl and answers/clapnq_dev.jsonl. `--readings` keeps features and the head's verdicts in a
file, as in scripts/fit_groundedness.py, whose code does the fitting here too.

1. Own part: coefficients as shipped, on rows that they were not fitted on. On lfqa_dev and summedits, whose labels fit
   the four weights of their kind of text, those are fitted anew without each fold of questions or documents.
2. Leave one set out: nothing but the head knows the set. Coefficients and weights of kinds are fitted on the others.
   The head is not trained anew; `begin`, `halueval_qa`, `clapnq` and `snli_sick` were in its training.
3. Arms: the cosine alone, BM25 alone, features without the head, the head without features, and the whole.
4. Time: the checker itself, one answer after the other; five sentences that models wrote, over 2,000 tokens.

An answer is scored by its weakest sentence. Intervals are 95%, by bootstrap over questions or documents.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.report import percentiles, publish, table
from evals.assembly import passages_of
from evals.cases import ContextText
from evals.groundedness.groundedness_metrics import auroc, balanced_accuracy, calibration_error, f1_unsupported
from evals.statistics import statistic_interval
from generation.checking.assembly import build_checker
from generation.checking.checker import Checker
from generation.checking.claim_features import FEATURES
from generation.checking.groundedness_model import GroundednessModel, TextKind
from generation.checking.unsupported_spans import MARKED_FROM
from ingestion.sentences import sentence_spans
from retrieval.assembly import build_embedder
from runtime.settings import Settings
from scripts.fit_groundedness import (
    VERBATIM,
    calibration_sets,
    cross_validated,
    fit_coefficients,
    fit_kind,
    probabilities,
    with_kinds,
)
from scripts.groundedness_readings import ReadAnswer, readings, rows_of

TIMED = 60
TOKENS = 2000
SENTENCES = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    answers: Sequence[ReadAnswer]
    scores: NDArray[np.float64]

    def row(self, model: GroundednessModel | None = None) -> list[str]:
        """AUROC; with a model whose thresholds make verdicts of the scores, the other figures too."""
        labels = np.array([answer.label for answer in self.answers], dtype=np.float64)
        groups = [answer.group for answer in self.answers]
        thresholds = np.array([model.kinds[one.kind].threshold if model else 0.5 for one in self.answers])
        verdicts = (self.scores >= thresholds).astype(np.float64)

        def cell(statistic: Callable[[NDArray[np.float64] | None], float | None]) -> str:
            value = statistic(None)
            if value is None:
                return "–"
            low, high = statistic_interval(statistic, value, groups)
            return f"{value:.3f} ({low:.3f} to {high:.3f})"

        cells = [cell(lambda w: auroc(self.scores, labels, w))]
        if model is not None:
            cells.append(cell(lambda w: balanced_accuracy(verdicts, labels, w)))
            cells.append(cell(lambda w: f1_unsupported(verdicts, labels, w)))
            cells.append(cell(lambda w: calibration_error(self.scores, labels, w)))
        return cells


def one_feature(name: str, answers: Sequence[ReadAnswer]) -> NDArray[np.float64]:
    """The greatest value of a feature among a claim's windows; of the answer's claims the least."""
    column = FEATURES.index(name)
    return np.array(
        [
            min(
                (
                    max((float(one.values[:, column].max()) for one in claim.readings), default=VERBATIM)
                    for claim in answer.claims
                ),
                default=VERBATIM,
            )
            for answer in answers
        ]
    )


def head_alone(answers: Sequence[ReadAnswer]) -> NDArray[np.float64]:
    return np.array(
        [
            min((max((one.head for one in claim.readings), default=20.0) for claim in answer.claims), default=20.0)
            for answer in answers
        ]
    )


def leave_one_out(source: str, answers: Sequence[ReadAnswer], *, head: bool) -> GroundednessModel:
    """Coefficients and weights of kinds from the other sets; a kind that has none left takes those of all others."""
    others = [answer for answer in answers if answer.source != source]
    model = fit_coefficients([answer for answer in others if answer.training])
    left = calibration_sets(others)
    everything = [answer for own in left.values() for answer in own]
    kinds = {kind: fit_kind(left[kind] or everything, model, kind, head=head) for kind in TextKind}
    return dataclasses.replace(model, kinds=kinds)


def own_part(model: GroundednessModel, own: Sequence[ReadAnswer], *, head: bool) -> NDArray[np.float64]:
    scores = probabilities(model, own)
    fitted = set(map(id, (one for part in calibration_sets(own).values() for one in part)))
    for kind in TextKind:
        places = [at for at, answer in enumerate(own) if id(answer) in fitted and answer.kind is kind]
        if places:
            scores[places] = cross_validated(model, [own[at] for at in places], kind, head=head)
    return scores


def tables(answers: Sequence[ReadAnswer]) -> str:
    shipped = GroundednessModel.load()
    without = with_kinds(shipped, answers, head=False)
    left_out: list[list[str]] = []
    own_rows: list[list[str]] = []
    for source in dict.fromkeys(answer.source for answer in answers):
        own = [answer for answer in answers if answer.source == source and not answer.training]
        if len({answer.label for answer in own}) < 2:
            continue
        arms = [
            one_feature("cosine", own),
            one_feature("bm25", own),
            own_part(without, own, head=False),
            head_alone(own),
        ]
        cells = [Measured(own, scores).row()[0] for scores in arms]
        whole = Measured(own, own_part(shipped, own, head=True)).row(shipped)
        own_rows.append([source, str(len(own)), *cells, *whole])
        own = [answer for answer in answers if answer.source == source]
        blind = [probabilities(leave_one_out(source, answers, head=head), own) for head in (False, True)]
        left_out.append(
            [
                source,
                str(len(own)),
                Measured(own, blind[0]).row()[0],
                *Measured(own, blind[1]).row(shipped),
            ]
        )
        print(own_rows[-1], left_out[-1], flush=True)
    figures = ["AUROC", "balanced accuracy", "F1 of unsupported", "ECE"]
    head = ["set", "answers", "cosine", "BM25", "no head", "head alone", *figures]
    return "\n\n".join(
        (
            "Own part, rows that coefficients were not fitted on (arms: AUROC; the last four: the whole):",
            table(head, own_rows),
            "Leave one set out:",
            table(["set", "answers", "AUROC without the head", *figures], left_out),
        )
    )


def marked_words(answers: Sequence[ReadAnswer]) -> str:
    """Which words are unsupported: the head's, at the probability that the checker uses."""
    right = wrong = missed = 0
    for answer in answers:
        for claim in answer.claims:
            for start, end, unsupported in claim.readings[0].tokens if claim.readings else ():
                start, end = claim.start + start, claim.start + end
                known = any(first < end and start < last for first, last in answer.spans)
                found = unsupported >= MARKED_FROM
                right, wrong, missed = (
                    right + (known and found),
                    wrong + (found and not known),
                    missed + (known > found),
                )
    return (
        f"Words marked by the head (probability {MARKED_FROM:g} or more), {len(answers)} claims of wice_tokens: "
        f"precision {right / max(1, right + wrong):.3f}, recall {right / max(1, right + missed):.3f}, "
        f"F1 {2 * right / max(1, 2 * right + wrong + missed):.3f}."
    )


def timings(data: pathlib.Path, *, small: bool) -> str:
    embedder = build_embedder(Settings())
    checker = build_checker(Settings(), embedder)
    rows = []
    for name in ("lfqa_dev", "summedits", "begin", "halueval_qa", "squad_synthetic", "wice_dev"):
        chosen = list(rows_of(data / "groundedness" / f"{name}.jsonl"))
        chosen = chosen[:: max(1, len(chosen) // (6 if small else TIMED))]
        took = [checked_in(checker, row["context"], [row["answer"]]) for row in chosen]
        rows.append([name, str(len(took)), percentiles(took)])
    whole: dict[str, dict[str, list[str]]] = {}
    contexts: dict[str, list[str]] = {}
    for row in rows_of(data / "groundedness" / "lfqa_dev.jsonl"):
        contexts[row["question"]] = row["context"]
        whole.setdefault(row["question"], {}).setdefault(row["model"], []).append(row["answer"])
    took = []
    questions = list(contexts)
    for place, question in enumerate(questions):
        evidence = list(contexts[question])
        following = place
        while sum(embedder.count_tokens(evidence)) < TOKENS:
            following = (following + 1) % len(questions)
            evidence += contexts[questions[following]]
        for sentences in whole[question].values():
            if len(sentences) >= SENTENCES:
                took.append(checked_in(checker, evidence, sentences[:SENTENCES]))
    rows.append([f"{SENTENCES} sentences over {TOKENS:,} tokens", str(len(took)), percentiles(took)])
    return table(["answers", "timed", "p50 / p95 ms"], rows)


def checked_in(checker: Checker, texts: Sequence[str], sentences: Sequence[str]) -> float:
    """Milliseconds for a check of all sentences, evidence made ready included."""
    passages = passages_of(tuple(ContextText(str(number), "", text) for number, text in enumerate(texts)))
    started = time.perf_counter()
    check = checker.against(passages)
    for text in sentences:
        for start, end in sentence_spans(text):
            check.check(text[start:end], (start, end))
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--readings", type=pathlib.Path, help="file that keeps what is computed of the texts")
    arguments = parser.parse_args()
    time_table = timings(arguments.data, small=arguments.small)
    answers = readings(arguments.data, arguments.readings, small=arguments.small)
    quality = tables(answers)
    words = marked_words([answer for answer in answers if answer.source == "wice_tokens"])
    body = f"{quality}\n\n{words}\n\nTime of a check, evidence made ready included:\n\n{time_table}"
    publish("groundedness", "Groundedness of answers", body, arguments)


if __name__ == "__main__":
    main()
