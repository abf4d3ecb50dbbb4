"""The estimate of tokens against a real tokenizer."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.prompting.token_estimate import estimate_tokens
from retrieval.assembly import build_embedder
from runtime.settings import Settings

DOCUMENTS = Path(__file__).parents[3] / "samples" / "documents"
ENGLISH = sorted(path for path in DOCUMENTS.rglob("*") if path.suffix in {".md", ".txt", ".csv", ".eml"})


def test_it_is_near_what_a_real_tokenizer_makes_of_english() -> None:
    texts = [path.read_text(encoding="utf-8") for path in ENGLISH]
    assert texts
    counted = build_embedder(Settings()).count_tokens(texts)
    assert sum(map(estimate_tokens, texts)) == pytest.approx(sum(counted), rel=0.12)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        (" \n", 0),
        ("Hello, world!", 4),
        ("2026-11-22", 6),
        ("internationalisation", 3),
        ("年次休暇", 4),
        ("Straße", 3),
    ],
)
def test_pieces(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens
