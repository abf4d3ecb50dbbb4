"""Fit the projection of token vectors: the principal axes of MiniLM's last layer over many passages.

    python scripts/fit_token_projection.py DATA_FOLDER [--passages 3000] [--dimensions 64]

Reads passages from `DATA_FOLDER/qa_training/{medquad,fairytaleqa,squad_dev,clapnq_dev,tatqa_dev,qed_dev}` (sets whose
licences allow weights to be trained on them) and writes retrieval/token_projection.npy, float16 (384, dimensions).
The axes are those of the second moment matrix, not of the covariance: dot products of raw vectors are what MaxSim uses.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
from pathlib import Path

import numpy as np

from retrieval import minilm_graph
from runtime import model_files

SETS = ("medquad", "fairytaleqa", "squad_dev", "clapnq_dev", "tatqa_dev", "qed_dev")
TARGET = Path(__file__).resolve().parents[1] / "retrieval" / "token_projection.npy"


def passages(data: Path, count: int) -> list[str]:
    texts: list[str] = []
    for name in SETS:
        with gzip.open(data / "qa_training" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            found = sorted({json.loads(line)["positive"][:1500] for line in lines})
        texts += random.Random(7).sample(found, min(len(found), count // len(SETS)))
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--passages", type=int, default=3000)
    parser.add_argument("--dimensions", type=int, default=64)
    arguments = parser.parse_args()

    import onnxruntime
    from tokenizers import Tokenizer

    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "minilm.onnx"
        minilm_graph.write(model_files.minilm_weights(), np.eye(minilm_graph.HIDDEN), graph, int8=False)
        session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(model_files.minilm_tokenizer()))
    moment = np.zeros((minilm_graph.HIDDEN, minilm_graph.HIDDEN))
    for text in passages(arguments.data, arguments.passages):
        ids = np.array([tokenizer.encode(text).ids[:256]], dtype=np.int32)
        tokens = session.run(["tokens"], {"input_ids": ids})[0][0, 1:-1].astype(np.float64)
        moment += tokens.T @ tokens
    values, vectors = np.linalg.eigh(moment)
    axes = vectors[:, ::-1][:, : arguments.dimensions]
    np.save(TARGET, axes.astype(np.float16))
    kept = values[::-1][: arguments.dimensions].sum() / values.sum()
    print(f"{TARGET.name}: {axes.shape}, {kept:.1%} of the energy kept")


if __name__ == "__main__":
    main()
