"""MiniLM as a reader of pairs in torch, with the weights' names of the safetensors file: what training needs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from generation.checking.contradiction.pair_encoding import ABSENT, MARKS
from retrieval.minilm_graph import HEADS, HIDDEN, LAYERS, NORM_EPSILON


class TorchReader(nn.Module):
    """Six layers, the marks and two outputs are trained; word and position embeddings stay as they are.

    The logit that the claim is supported is a line through the first token's state, less `pooling` times the soft
    maximum of the token logits: what teaches the sentence teaches its tokens, and the other way round.
    """

    words: Tensor
    positions: Tensor

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        tensors = {name: torch.from_numpy(np.array(array, dtype=np.float32)) for name, array in weights.items()}
        self.register_buffer("words", tensors["embeddings.word_embeddings.weight"], persistent=False)
        self.register_buffer("positions", tensors["embeddings.position_embeddings.weight"], persistent=False)
        self.parts = nn.ParameterDict(
            {
                name.replace(".", "/"): nn.Parameter(tensor)
                for name, tensor in tensors.items()
                if name.startswith(("encoder.", "embeddings.LayerNorm"))
            }
        )
        types = tensors["embeddings.token_type_embeddings.weight"]
        if "head.marks" in tensors:
            marks = tensors["head.marks"]
        else:
            marks = types[0].repeat(MARKS, 1)
            marks[ABSENT] = types[1]
        self.marks = nn.Parameter(marks)
        fresh = {"head.sentence": torch.zeros(HIDDEN + 1), "head.token": torch.zeros(HIDDEN + 1),
                 "head.pooling": torch.tensor(0.5)}  # fmt: skip
        fresh["head.token"][-1] = -2.0
        fresh["head.sentence"][-1] = -0.5
        self.outputs = nn.ParameterDict(
            {name.replace(".", "/"): nn.Parameter(tensors.get(name, tensor)) for name, tensor in fresh.items()}
        )

    def forward(self, ids: Tensor, positions: Tensor, marks: Tensor, seen: Tensor) -> Tensor:
        """States of all tokens: (rows, length, 384). `seen` (rows, length, length) is 0 or a large negative number."""
        x = functional.embedding(ids, self.words) + functional.embedding(positions, self.positions)
        x = self._norm(x + functional.embedding(marks, self.marks), "embeddings.LayerNorm")
        rows, length, _ = x.shape
        seen = seen[:, None]
        for layer in range(LAYERS):
            prefix = f"encoder.layer.{layer}."
            query, key, value = (
                self._linear(x, f"{prefix}attention.self.{part}").view(rows, length, HEADS, -1).transpose(1, 2)
                for part in ("query", "key", "value")
            )
            mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen.to(query.dtype))
            mixed = mixed.transpose(1, 2).reshape(rows, length, HIDDEN)
            mixed = self._linear(mixed, f"{prefix}attention.output.dense")
            x = self._norm(x + mixed, f"{prefix}attention.output.LayerNorm")
            inner = functional.gelu(self._linear(x, f"{prefix}intermediate.dense"))
            x = self._norm(x + self._linear(inner, f"{prefix}output.dense"), f"{prefix}output.LayerNorm")
        return x.float()

    def judge(self, states: Tensor, first: Tensor, of_claim: Tensor) -> tuple[Tensor, Tensor]:
        """Logits: that a claim is supported (claims,), that a token is not (tokens,).

        `first` (claims,) are places of claims' first tokens in the flattened rows; `of_claim` (claims, tokens of all
        rows) tells which tokens are the claim's.
        """
        flat = states.reshape(-1, HIDDEN)
        sentence, token = self.outputs["head/sentence"], self.outputs["head/token"]
        tokens = flat @ token[:-1] + token[-1]
        highest = torch.logsumexp(tokens.masked_fill(~of_claim, -30.0), dim=1)
        return flat[first] @ sentence[:-1] + sentence[-1] - self.outputs["head/pooling"] * highest, tokens

    def exported(self) -> dict[str, np.ndarray]:
        """All trained parameters under the names that they have in the shipped file."""
        named = {**dict(self.parts.items()), **dict(self.outputs.items())}
        found = {name.replace("/", "."): one.detach().float().cpu().numpy() for name, one in named.items()}
        found["head.marks"] = self.marks.detach().float().cpu().numpy()
        return found

    def _linear(self, x: Tensor, name: str) -> Tensor:
        name = name.replace(".", "/")
        return functional.linear(x, self.parts[f"{name}/weight"], self.parts[f"{name}/bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        name = name.replace(".", "/")
        return functional.layer_norm(
            x.float(), (HIDDEN,), self.parts[f"{name}/weight"], self.parts[f"{name}/bias"], NORM_EPSILON
        )
