"""The same question is embedded once."""

from __future__ import annotations

import numpy as np

from retrieval.assembly import build_embedder
from retrieval.recent_questions import RecentQuestions
from runtime.settings import Settings


def test_a_question_is_embedded_once_and_as_ever() -> None:
    plain = build_embedder(Settings())
    recent = RecentQuestions(plain)
    first = recent.embed_query("How long is the lease?")
    assert recent.embed_query("How long is the lease?") is first
    assert np.array_equal(first.dense, plain.embed_query("How long is the lease?").dense)
    assert recent.embed_query("How long is the list?") is not first
    assert recent.count_tokens(["a b"]) == plain.count_tokens(["a b"]) and recent.name == plain.name
