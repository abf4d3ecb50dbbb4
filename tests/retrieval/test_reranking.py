"""The second look: late interaction by hand-worked values, and a real CrossEncoder from a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from retrieval.assembly import build_reranker
from retrieval.reranking import CrossEncoderReranker, LateInteraction
from runtime.model_files import minilm_folder
from runtime.settings import Settings


def test_late_interaction_mixes_normalised_scores() -> None:
    mixed = LateInteraction(0.25).rerank({"a": 1.0, "b": 0.5, "c": 0.0}, {"a": 0.2, "b": 0.6, "c": 0.4})
    assert mixed == pytest.approx({"a": 0.75, "b": 0.375 + 0.25, "c": 0.125})


def test_a_chunk_without_token_vectors_gets_nothing_from_them() -> None:
    assert LateInteraction(0.5).rerank({"a": 1.0, "b": 0.0}, {"b": 0.3})["a"] == 0.5


def test_the_settings_choose() -> None:
    assert isinstance(build_reranker(Settings()), LateInteraction)
    assert build_reranker(Settings(reranker="none")) is None
    assert isinstance(build_reranker(Settings(reranker="some/cross-encoder")), CrossEncoderReranker)


def test_a_cross_encoder_folder_scores_pairs(tmp_path: Path) -> None:
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30522, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, num_labels=1
    )
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(minilm_folder()).save_pretrained(tmp_path)
    reranker = CrossEncoderReranker(str(tmp_path), device="cpu")
    texts = ["Annual leave is 28 days.", "The canteen closes at two."]
    first, second = reranker.scores("how much leave?", texts)
    assert first != second
    assert reranker.scores("how much leave?", texts[::-1]) == pytest.approx([second, first], abs=1e-5)
