"""Every arm on every retrieval set, plain RRF beside them, with paired significance.

    python -m bench.retrieval DATA [--runs RUNS]     (about 45 minutes on two cores)
    python -m bench.retrieval DATA --small           (one small set)

DATA holds retrieval/SET folders in BEIR form, each with qrels/dev.tsv. Each set is ingested into a fresh index by the
product's own parts, whole records as documents; the arms see the same questions in turn. RUNS is a folder in which
each set's run record is kept, for `plumb eval compare-runs`.

`rrf` is reciprocal rank fusion (k = 60) of the two arms, the peer of the product's own fusion. p values are those of
paired randomisation tests on nDCG@10, Holm-corrected over all sets together.
"""

from __future__ import annotations

import pathlib

from bench.report import parse_arguments, publish, table
from evals.assembly import ARMS, run_retrieval
from evals.runs.compare_runs import Difference, Values, item_values, paired_differences
from evals.runs.run_record import RunRecord
from runtime.settings import Settings

RRF = "rrf"
MEASURED = (*ARMS, RRF)
METRIC = "ndcg@10"
# Grades of these two sets mean 3 excellent, 2 incomplete, 1 related, 0 incorrect.
RELEVANT_FROM = {"medquad_liveqa": 2, "mediqa": 2}
SMALL_SET = "medquad_liveqa"
TOLERATED_LOSS = 0.005


def main() -> None:
    arguments = parse_arguments(__doc__, data_help="folder with retrieval/SET folders", keeps_runs=True)
    folders = sorted(path.parent.parent for path in arguments.data.glob("retrieval/*/qrels/dev.tsv"))
    if arguments.small:
        folders = [folder for folder in folders if folder.name == SMALL_SET]
    runs = {folder.name: _measure(folder) for folder in folders}
    for name, run in runs.items():
        if arguments.runs:
            run.write(arguments.runs / f"retrieval-{name}.json")
    differences = paired_differences(
        {
            f"{name}: {arm} - {base}": (_values(run, base), _values(run, arm))
            for name, run in runs.items()
            for arm, base in (("fused", _better_single_arm(run)), ("fused", RRF), ("reranked", "fused"))
        }
    )
    body = [
        "nDCG@10 in percent (95% interval), a record having the rank of its best chunk:",
        table(["set", "records", "chunks", "queries", *MEASURED], [_quality_row(n, r) for n, r in runs.items()]),
        "Recall@100 / MRR@10 in percent:",
        table(["set", *MEASURED], [_recall_row(name, run) for name, run in runs.items()]),
        "Differences in nDCG@10 points:",
        table(["set: arms", "queries", "difference (95%)", "p, Holm"], [_difference_row(d) for d in differences]),
        _goal(runs),
        "Latency of a ranking of 100 chunks, question embedding included, ms p50 / p95:",
        table(["set", *MEASURED], [_latency_row(name, run) for name, run in runs.items()]),
    ]
    publish("retrieval", "Retrieval", "\n\n".join(body), arguments)


def _measure(folder: pathlib.Path) -> RunRecord:
    run = run_retrieval(
        Settings(),
        folder,
        arms=MEASURED,
        relevant_from=RELEVANT_FROM.get(folder.name, 1),
        command=f"python -m bench.retrieval ({folder.name})",
    )
    print(f"{folder.name}: " + ", ".join(f"{arm} {100 * run.metrics[f'{arm}/{METRIC}']:.1f}" for arm in MEASURED))
    return run


def _values(run: RunRecord, arm: str) -> Values:
    return item_values(run.records, f"{arm}/{METRIC}")


def _better_single_arm(run: RunRecord) -> str:
    return max(("bm25", "dense"), key=lambda arm: run.metrics[f"{arm}/{METRIC}"])


def _quality_row(name: str, run: RunRecord) -> list[str]:
    cells = []
    for arm in MEASURED:
        low, high = run.intervals[f"{arm}/{METRIC}"]
        cells.append(f"{100 * run.metrics[f'{arm}/{METRIC}']:.1f} ({100 * low:.1f} to {100 * high:.1f})")
    return [name, *(f"{run.metrics[size]:,.0f}" for size in ("records", "chunks", "queries")), *cells]


def _recall_row(name: str, run: RunRecord) -> list[str]:
    return [
        name,
        *(f"{100 * run.metrics[f'{a}/recall@100']:.1f} / {100 * run.metrics[f'{a}/mrr@10']:.1f}" for a in MEASURED),
    ]


def _latency_row(name: str, run: RunRecord) -> list[str]:
    return [name, *(f"{run.metrics[f'{a}/p50_ms']:.1f} / {run.metrics[f'{a}/p95_ms']:.1f}" for a in MEASURED)]


def _difference_row(difference: Difference) -> list[str]:
    interval = f"({100 * difference.low:+.1f} to {100 * difference.high:+.1f})"
    points = f"{100 * difference.difference:+.1f} {interval}"
    return [difference.metric, str(difference.items), points, f"{difference.p_holm:.3f}"]


def _goal(runs: dict[str, RunRecord]) -> str:
    """Goal: on no set is the default ranking more than half a point below the better of BM25 and dense."""
    losses = {
        name: run.metrics[f"reranked/{METRIC}"] - run.metrics[f"{_better_single_arm(run)}/{METRIC}"]
        for name, run in runs.items()
    }
    missed = {name: loss for name, loss in losses.items() if loss < -TOLERATED_LOSS}
    smallest = min(losses, key=lambda name: losses[name])
    verdict = (
        "missed on " + ", ".join(f"{name} ({100 * loss:+.1f})" for name, loss in missed.items())
        if missed
        else f"met; the smallest gain is {100 * losses[smallest]:+.1f} on {smallest}"
    )
    return f"Goal that the default (reranked) is on no set more than half a point below BM25 and dense: {verdict}."


if __name__ == "__main__":
    main()
