"""MiniLM weights (safetensors) to an ONNX graph of fused operators, fp32 or int8, without torch.

The graph is written operator by operator instead of traced: that takes a second instead of a torch import and an
export, and lets attention and GELU be the fused kernels of onnxruntime (`com.microsoft`) from the start. There is no
attention mask: texts of one batch have the same number of tokens (see onnx_embedder.py), which saves padding and the
mask's cost. int8 means dynamic quantization: weights per output channel ahead of time, activations per tensor at run
time, all products in integers (`DynamicQuantizeMatMul`); the word embeddings are int8 rows with a scale each. Channels
whose activations are large are divided, and their weights multiplied, by a factor known from calibration (SmoothQuant:
Xiao et al., 2023, arXiv:2211.10438), so that the scale of a tensor is not that of its outliers.

The embedder (`build`):
Input:   `input_ids` int32 (batch, length), all of one length.
Outputs: `dense` float32 (batch, 384), mean over the tokens, length 1;
         `tokens` float32 (batch, length, t), each token projected by `projection` (384, t), length 1.

The same layers with other weights, which read several texts in a row (`build_reader`):
Inputs:  `input_ids`, `positions`, `marks` int32 (batch, length); `seen` float32 (batch, 1, length, length), 0 where the
         token of a line sees that of a column, else a large negative number.
Output:  `logits` float32 (batch, length, outputs), a line through each token's state.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LAYERS = 6
HEADS = 12
HIDDEN = 384
NORM_EPSILON = 1e-12
SMOOTHING = 0.75
"""Share of the range that moves from activations to weights (alpha in SmoothQuant)."""

_LINEAR = {
    "attention_output": "attention.output.dense",
    "inner": "intermediate.dense",
    "outer": "output.dense",
}
_WORDS = "embeddings.word_embeddings.weight"
_POSITIONS = "embeddings.position_embeddings.weight"
_TYPES = "embeddings.token_type_embeddings.weight"

Array = NDArray[Any]


class _Graph:
    """`tensors` has `NAME.weight` (in, out), `NAME.bias` and, in int8, `NAME.scale` of each linear layer NAME."""

    def __init__(self, tensors: Mapping[str, Array]) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.tensors = tensors
        self.int8 = "layer0.qkv.scale" in tensors
        self.linear_inputs: dict[str, str] = {}

    def constant(self, name: str, array: Array) -> str:
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def split(self, source: str, outputs: list[str]) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node("Split", [source], outputs, axis=-1, num_outputs=len(outputs)))

    def fused(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        return self.add(operator, inputs, output, domain="com.microsoft", **attributes)


def quantize_columns(weight: Array) -> tuple[Array, Array]:
    """Symmetric int8 per column: (rows, columns) float32 -> int8 of the same shape and float32 scales (columns,)."""
    scale = np.maximum(np.abs(weight).max(axis=0), 1e-8) / 127.0
    return np.clip(np.rint(weight / scale), -127, 127).astype(np.int8), scale.astype(np.float32)


def smoothing(ranges: Array, weight: Array) -> Array:
    """Factors (in,) that share the range between activations, of largest size `ranges` (in,), and weight (in, out)."""
    factors = ranges**SMOOTHING / np.maximum(np.abs(weight).max(axis=1), 1e-5) ** (1 - SMOOTHING)
    limited: Array = np.maximum(factors / np.median(factors), 1e-2).astype(np.float32)
    return limited


def linear_layers(weights: Mapping[str, Array]) -> dict[str, Array]:
    """`NAME.weight` (in, out) and `NAME.bias` of the graph's linear layers, query, key and value in one."""
    found: dict[str, Array] = {}
    for number in range(LAYERS):
        prefix = f"encoder.layer.{number}."
        attention = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
        found[f"layer{number}.qkv.weight"] = np.concatenate([weights[f"{one}.weight"].T for one in attention], axis=1)
        found[f"layer{number}.qkv.bias"] = np.concatenate([weights[f"{one}.bias"] for one in attention])
        for name, layer in _LINEAR.items():
            found[f"layer{number}.{name}.weight"] = weights[f"{prefix}{layer}.weight"].T
            found[f"layer{number}.{name}.bias"] = weights[f"{prefix}{layer}.bias"]
    return found


def quantized(layers: Mapping[str, Array], ranges: Mapping[str, Array]) -> dict[str, Array]:
    """The layers of `linear_layers` in int8, with `NAME.scale` (out,) and, for known ranges, `NAME.smoothing` (in,).

    `ranges` are the largest activations by channel of the layers' inputs.
    """
    found: dict[str, Array] = {}
    for key, weight in layers.items():
        name, _, part = key.rpartition(".")
        if part == "bias":
            found[key] = weight
            continue
        if name in ranges:
            factors = smoothing(ranges[name].astype(np.float32), weight)
            found[f"{name}.smoothing"] = 1 / factors
            weight = weight * factors[:, None]
        found[key], found[f"{name}.scale"] = quantize_columns(weight)
    return found


def norms(weights: Mapping[str, Array]) -> dict[str, Array]:
    """The parameters of the layer normalisations."""
    return {name: array for name, array in weights.items() if "LayerNorm" in name}


def _linear(graph: _Graph, x: str, name: str) -> str:
    graph.linear_inputs[name] = x
    tensors = graph.tensors
    weight = graph.constant(f"{name}.weight", tensors[f"{name}.weight"])
    bias = graph.constant(f"{name}.bias", tensors[f"{name}.bias"])
    if not graph.int8:
        graph.add("MatMul", [x, weight], f"{name}.product")
        return graph.add("Add", [f"{name}.product", bias], name)
    if f"{name}.smoothing" in tensors:
        factors = graph.constant(f"{name}.smoothing", tensors[f"{name}.smoothing"])
        x = graph.add("Mul", [x, factors], f"{name}.smoothed")
    scale = graph.constant(f"{name}.scale", tensors[f"{name}.scale"])
    return graph.fused("DynamicQuantizeMatMul", [x, weight, scale, "", bias], name)


def _word_rows(graph: _Graph, words: Array) -> str:
    if not graph.int8:
        return graph.add("Gather", [graph.constant("words", words), "input_ids"], "words.rows")
    rows, scale = quantize_columns(words.T)
    graph.add("Gather", [graph.constant("words", rows.T), "input_ids"], "words.int8")
    graph.add("Cast", ["words.int8"], "words.float", to=1)
    graph.add("Gather", [graph.constant("words.scale", scale[:, None]), "input_ids"], "words.row_scale")
    return graph.add("Mul", ["words.float", "words.row_scale"], "words.rows")


def _embeddings(graph: _Graph, weights: Mapping[str, Array]) -> str:
    rows = _word_rows(graph, weights[_WORDS])
    graph.add("Shape", ["input_ids"], "length", start=1, end=2)
    positions = weights[_POSITIONS] + weights[_TYPES][0]
    first = graph.constant("first", np.zeros(1, np.int64))
    graph.add("Slice", [graph.constant("positions", positions), first, "length"], "positions.rows")
    graph.add("Add", [rows, "positions.rows"], "embeddings.sum")
    return _normalised(graph, "embeddings.sum", "embeddings.LayerNorm", "embeddings")


def _marked_embeddings(graph: _Graph, weights: Mapping[str, Array], marks: Array) -> str:
    rows = _word_rows(graph, weights[_WORDS])
    graph.add("Gather", [graph.constant("position_rows", weights[_POSITIONS]), "positions"], "positions.rows")
    graph.add("Gather", [graph.constant("mark_rows", marks), "marks"], "marks.rows")
    graph.add("Add", [rows, "positions.rows"], "embeddings.placed")
    graph.add("Add", ["embeddings.placed", "marks.rows"], "embeddings.sum")
    return _normalised(graph, "embeddings.sum", "embeddings.LayerNorm", "embeddings")


def _normalised(graph: _Graph, x: str, layer: str, name: str) -> str:
    gamma = graph.constant(f"{name}.gamma", graph.tensors[layer + ".weight"])
    beta = graph.constant(f"{name}.beta", graph.tensors[layer + ".bias"])
    return graph.add("LayerNormalization", [x, gamma, beta], name, axis=-1, epsilon=NORM_EPSILON)


def _residual(graph: _Graph, x: str, residual: str, layer: str, name: str) -> str:
    # One after the other they take a quarter of the time of the fused SkipLayerNormalization (docs/experiments.md).
    graph.add("Add", [x, residual], f"{name}.sum")
    return _normalised(graph, f"{name}.sum", layer, name)


def _layer(graph: _Graph, x: str, number: int, seen: str | None) -> str:
    prefix, name = f"encoder.layer.{number}.", f"layer{number}"
    qkv = _linear(graph, x, f"{name}.qkv")
    parts = [f"{name}.query", f"{name}.key", f"{name}.value"]
    graph.split(qkv, parts)
    inputs = [*parts, "", "", seen] if seen else parts
    mixed = graph.fused("MultiHeadAttention", inputs, f"{name}.attention", num_heads=HEADS)
    attended = _linear(graph, mixed, f"{name}.attention_output")
    middle = _residual(graph, attended, x, prefix + "attention.output.LayerNorm", f"{name}.attended")
    inner = _linear(graph, middle, f"{name}.inner")
    activated = graph.fused("FastGelu" if graph.int8 else "Gelu", [inner], f"{name}.gelu")
    outer = _linear(graph, activated, f"{name}.outer")
    return _residual(graph, outer, middle, prefix + "output.LayerNorm", name)


def build(
    weights: Mapping[str, Array], projection: Array, ranges: Mapping[str, Array] | None, *, observe: bool = False
) -> bytes:
    """The serialised ONNX model for MiniLM-L6 `weights` (names as in the safetensors file).

    `ranges` are the largest activations by channel of the inputs of linear layers: int8 with them, fp32 with `None`.
    With `observe` these inputs are outputs too, under the name of their layer, to find the ranges.
    """
    layers = linear_layers(weights)
    graph = _Graph({**norms(weights), **(layers if ranges is None else quantized(layers, ranges))})
    hidden = _embeddings(graph, weights)
    for number in range(LAYERS):
        hidden = _layer(graph, hidden, number, None)
    graph.add("ReduceMean", [hidden, graph.constant("axis1", np.ones(1, np.int64))], "pooled", keepdims=0)
    graph.add("LpNormalization", ["pooled"], "dense", axis=-1, p=2)
    graph.add("MatMul", [hidden, graph.constant("projection", projection.astype(np.float32))], "tokens.projected")
    graph.add("LpNormalization", ["tokens.projected"], "tokens", axis=-1, p=2)
    outputs = {"dense": ["batch", HIDDEN], "tokens": ["batch", "length", projection.shape[1]]}
    return _serialised(graph, {"input_ids": ["batch", "length"]}, {}, outputs, observe=observe)


def build_reader(
    weights: Mapping[str, Array], own: Mapping[str, Array], marks: Array, outputs: Array, *, observe: bool = False
) -> bytes:
    """The serialised ONNX model of a reader with the embeddings of MiniLM's `weights`.

    `own` are `norms` and `linear_layers` of its layers, or `quantized` ones; `marks` (marks, 384) are added to the
    embeddings; `outputs` (385, n) are n lines through a token's state, the last row their offsets.
    """
    graph = _Graph(own)
    hidden = _marked_embeddings(graph, weights, marks)
    for number in range(LAYERS):
        hidden = _layer(graph, hidden, number, "seen")
    graph.add("MatMul", [hidden, graph.constant("outputs", outputs[:-1])], "logits.product")
    graph.add("Add", ["logits.product", graph.constant("offsets", outputs[-1])], "logits")
    integers = {name: ["batch", "length"] for name in ("input_ids", "positions", "marks")}
    seen = {"seen": ["batch", 1, "length", "length"]}
    return _serialised(graph, integers, seen, {"logits": ["batch", "length", outputs.shape[1]]}, observe=observe)


def _serialised(
    graph: _Graph,
    integers: Mapping[str, list[Any]],
    floats: Mapping[str, list[Any]],
    outputs: Mapping[str, list[Any]],
    *,
    observe: bool,
) -> bytes:
    from onnx import TensorProto, helper

    observed = graph.linear_inputs if observe else {}
    for name, source in observed.items():
        graph.add("Identity", [source], name_of_input(name))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "minilm",
            [
                *(helper.make_tensor_value_info(name, TensorProto.INT32, shape) for name, shape in integers.items()),
                *(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in floats.items()),
            ],
            [
                *(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()),
                *(helper.make_tensor_value_info(name_of_input(name), TensorProto.FLOAT, None) for name in observed),
            ],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)],
        ir_version=10,
    )
    serialised: bytes = model.SerializeToString()
    return serialised


def name_of_input(layer: str) -> str:
    """The output under which an observed graph gives the input of a linear layer, such as `layer0.qkv`."""
    return f"{layer}.input"


def write(weights_file: Path, projection: Array, ranges: Mapping[str, Array] | None, target: Path) -> None:
    """Read the safetensors file and write the graph; the target appears whole or not at all."""
    from safetensors.numpy import load_file

    partial = target.with_name(f"{target.name}.{os.getpid()}")
    partial.write_bytes(build(load_file(weights_file), projection, ranges))
    partial.replace(target)
