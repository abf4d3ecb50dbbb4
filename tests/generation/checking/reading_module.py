"""A module of sentence-transformers that stands where a trained model's weights would stand, for which tests have no room.

`reading_cross_encoder` writes a folder that `CrossEncoder` loads as it loads any other: only what the two texts have to
do with one another is worked out by `tests/provider/judging.py`.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from sentence_transformers.base.modules import InputModule

from tests.provider.judging import carried


class ReadingModule(InputModule):
    """One logit a pair."""

    def preprocess(self, inputs: list[Any], prompt: str | None = None, **_: Any) -> dict[str, Any]:
        read = [carried(evidence, claim) for evidence, claim in inputs]
        return {"logits": torch.tensor([[math.log(p / (1 - p))] for p in read])}

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"scores": features["logits"]}

    def save(self, output_path: str, *_: Any, **__: Any) -> None:
        pass

    @classmethod
    def load(cls, model_name_or_path: str, **_: Any) -> ReadingModule:
        return cls()


def reading_cross_encoder(folder: Path) -> Path:
    """The folder, filled."""
    folder.mkdir(parents=True, exist_ok=True)
    module = {"idx": 0, "name": "0", "path": "", "type": f"{__name__}.{ReadingModule.__name__}"}
    (folder / "modules.json").write_text(json.dumps([module]))
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"model_type": "CrossEncoder"}))
    return folder
