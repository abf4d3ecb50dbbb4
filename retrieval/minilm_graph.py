"""MiniLM weights (safetensors) to an ONNX graph of fused operators, fp32 or int8, without torch.

The graph is written operator by operator instead of traced: that takes a second instead of a torch import and an
export, and lets attention and GELU be the fused kernels of onnxruntime (`com.microsoft`) from the start. There is no
attention mask: texts of one batch have the same number of tokens (see onnx_embedder.py), which saves padding and the
mask's cost. int8 means dynamic quantization: weights per output channel ahead of time, activations per tensor at run
time, all products in integers (`DynamicQuantizeMatMul`); the word embeddings are int8 rows with a scale each. Channels
whose activations are large are divided, and their weights multiplied, by a factor known from calibration (SmoothQuant:
Xiao et al., 2023, arXiv:2211.10438), so that the scale of a tensor is not that of its outliers.

Input:   `input_ids` int32 (batch, length), all of one length.
Outputs: `dense` float32 (batch, 384), mean over the tokens, length 1;
         `tokens` float32 (batch, length, t), each token projected by `projection` (384, t), length 1.
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

Array = NDArray[Any]


class _Graph:
    def __init__(self, ranges: Mapping[str, Array] | None) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.ranges = ranges
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


def _linear(graph: _Graph, x: str, weight: Array, bias: Array, name: str) -> str:
    """`x @ weight + bias`, weight (in, out)."""
    bias_name = graph.constant(f"{name}.bias", bias)
    graph.linear_inputs[name] = x
    if graph.ranges is None:
        graph.add("MatMul", [x, graph.constant(f"{name}.weight", weight)], f"{name}.product")
        return graph.add("Add", [f"{name}.product", bias_name], name)
    if name in graph.ranges:
        factors = smoothing(graph.ranges[name].astype(np.float32), weight)
        x = graph.add("Mul", [x, graph.constant(f"{name}.smoothing", 1 / factors)], f"{name}.smoothed")
        weight = weight * factors[:, None]
    quantized, scale = quantize_columns(weight)
    inputs = [x, graph.constant(f"{name}.weight", quantized), graph.constant(f"{name}.scale", scale), "", bias_name]
    return graph.fused("DynamicQuantizeMatMul", inputs, name)


def _embeddings(graph: _Graph, weights: Mapping[str, Array]) -> str:
    prefix = "embeddings."
    words = weights[prefix + "word_embeddings.weight"]
    positions = weights[prefix + "position_embeddings.weight"] + weights[prefix + "token_type_embeddings.weight"][0]
    if graph.ranges is not None:
        rows, scale = quantize_columns(words.T)
        graph.add("Gather", [graph.constant("words", rows.T), "input_ids"], "words.int8")
        graph.add("Cast", ["words.int8"], "words.float", to=1)
        graph.add("Gather", [graph.constant("words.scale", scale[:, None]), "input_ids"], "words.row_scale")
        graph.add("Mul", ["words.float", "words.row_scale"], "words.rows")
    else:
        graph.add("Gather", [graph.constant("words", words), "input_ids"], "words.rows")
    graph.add("Shape", ["input_ids"], "length", start=1, end=2)
    graph.add(
        "Slice",
        [graph.constant("positions", positions), graph.constant("first", np.zeros(1, np.int64)), "length"],
        "positions.rows",
    )
    graph.add("Add", ["words.rows", "positions.rows"], "embeddings.sum")
    return _normalised(graph, "embeddings.sum", weights, prefix + "LayerNorm", "embeddings")


def _normalised(graph: _Graph, x: str, weights: Mapping[str, Array], layer: str, name: str) -> str:
    gamma = graph.constant(f"{name}.gamma", weights[layer + ".weight"])
    beta = graph.constant(f"{name}.beta", weights[layer + ".bias"])
    return graph.add("LayerNormalization", [x, gamma, beta], name, axis=-1, epsilon=NORM_EPSILON)


def _residual(graph: _Graph, x: str, residual: str, weights: Mapping[str, Array], layer: str, name: str) -> str:
    # One after the other they take a quarter of the time of the fused SkipLayerNormalization (docs/experiments.md).
    graph.add("Add", [x, residual], f"{name}.sum")
    return _normalised(graph, f"{name}.sum", weights, layer, name)


def _layer(graph: _Graph, x: str, weights: Mapping[str, Array], number: int) -> str:
    prefix, name = f"encoder.layer.{number}.", f"layer{number}"
    attention = prefix + "attention.self."
    qkv_weight = np.concatenate([weights[f"{attention}{part}.weight"].T for part in ("query", "key", "value")], axis=1)
    qkv_bias = np.concatenate([weights[f"{attention}{part}.bias"] for part in ("query", "key", "value")])
    qkv = _linear(graph, x, qkv_weight, qkv_bias, f"{name}.qkv")
    parts = [f"{name}.query", f"{name}.key", f"{name}.value"]
    graph.split(qkv, parts)
    mixed = graph.fused("MultiHeadAttention", parts, f"{name}.attention", num_heads=HEADS)

    def linear(source: str, layer: str, output: str) -> str:
        weight, bias = weights[f"{prefix}{layer}.weight"].T, weights[f"{prefix}{layer}.bias"]
        return _linear(graph, source, weight, bias, f"{name}.{output}")

    attended = linear(mixed, "attention.output.dense", "attention_output")
    middle = _residual(graph, attended, x, weights, prefix + "attention.output.LayerNorm", f"{name}.attended")
    inner = linear(middle, "intermediate.dense", "inner")
    activated = graph.fused("Gelu" if graph.ranges is None else "FastGelu", [inner], f"{name}.gelu")
    outer = linear(activated, "output.dense", "outer")
    return _residual(graph, outer, middle, weights, prefix + "output.LayerNorm", name)


def build(
    weights: Mapping[str, Array], projection: Array, ranges: Mapping[str, Array] | None, *, observe: bool = False
) -> bytes:
    """The serialised ONNX model for MiniLM-L6 `weights` (names as in the safetensors file).

    `ranges` are the largest activations by channel of the inputs of linear layers: int8 with them, fp32 with `None`.
    With `observe` these inputs are outputs too, under the name of their layer, to find the ranges.
    """
    from onnx import TensorProto, helper

    graph = _Graph(ranges)
    hidden = _embeddings(graph, weights)
    for number in range(LAYERS):
        hidden = _layer(graph, hidden, weights, number)
    graph.add("ReduceMean", [hidden, graph.constant("axis1", np.ones(1, np.int64))], "pooled", keepdims=0)
    graph.add("LpNormalization", ["pooled"], "dense", axis=-1, p=2)
    graph.add("MatMul", [hidden, graph.constant("projection", projection.astype(np.float32))], "tokens.projected")
    graph.add("LpNormalization", ["tokens.projected"], "tokens", axis=-1, p=2)
    observed = graph.linear_inputs if observe else {}
    for name, source in observed.items():
        graph.add("Identity", [source], name_of_input(name))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "minilm",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT32, ["batch", "length"])],
            [
                helper.make_tensor_value_info("dense", TensorProto.FLOAT, ["batch", HIDDEN]),
                helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["batch", "length", projection.shape[1]]),
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
