"""Find what the ONNX graph of MiniLM needs beside the weights: axes for token vectors, ranges for quantization.

    python -m scripts.calibrate_minilm DATA_FOLDER [--passages 1500] [--dimensions 64]

Reads passages from `DATA_FOLDER/qa_training/{medquad,fairytaleqa,squad_dev,clapnq_dev,tatqa_dev,qed_dev}` (sets whose
licences allow weights to be trained on them) and writes retrieval/minilm_calibration.npz, all float16:
`projection` (384, dimensions), the principal axes of the last layer's token vectors, those of the second moment matrix
instead of the covariance, since dot products of raw vectors are what MaxSim uses; and for each linear layer the largest
activation of each input channel, such as `layer0.qkv` (384,).
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from pathlib import Path

import numpy as np

from retrieval import minilm_graph
from runtime import model_files

SETS = ("medquad", "fairytaleqa", "squad_dev", "clapnq_dev", "tatqa_dev", "qed_dev")
TARGET = Path(__file__).resolve().parents[1] / "retrieval" / "minilm_calibration.npz"


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
    parser.add_argument("--passages", type=int, default=1500)
    parser.add_argument("--dimensions", type=int, default=64)
    arguments = parser.parse_args()

    import onnxruntime
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    hidden = minilm_graph.HIDDEN
    graph = minilm_graph.build(load_file(model_files.minilm_weights()), np.eye(hidden), None, observe=True)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(model_files.minilm_tokenizer()))
    outputs = ["tokens", *(one.name for one in session.get_outputs() if one.name not in ("tokens", "dense"))]
    moment = np.zeros((hidden, hidden))
    ranges: dict[str, np.ndarray] = {}
    for text in passages(arguments.data, arguments.passages):
        ids = np.array([tokenizer.encode(text).ids[:256]], dtype=np.int32)
        found = dict(zip(outputs, session.run(outputs, {"input_ids": ids}), strict=True))
        tokens = found.pop("tokens")[0, 1:-1].astype(np.float64)
        moment += tokens.T @ tokens
        for name, values in found.items():
            layer = name.removesuffix(minilm_graph.name_of_input(""))
            ranges[layer] = np.maximum(ranges.get(layer, 1e-3), np.abs(values[0]).max(axis=0))
    values, vectors = np.linalg.eigh(moment)
    axes = vectors[:, ::-1][:, : arguments.dimensions]
    np.savez(
        TARGET, projection=axes.astype(np.float16), **{name: one.astype(np.float16) for name, one in ranges.items()}
    )
    kept = values[::-1][: arguments.dimensions].sum() / values.sum()
    print(f"{TARGET.name}: axes {axes.shape} keep {kept:.1%} of the energy, ranges of {len(ranges)} layers")


if __name__ == "__main__":
    main()
