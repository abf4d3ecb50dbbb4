"""The evidence that matches a claim best."""

from __future__ import annotations

import numpy as np

from generation.checking.coverage.evidence_windows import EvidenceWindows
from generation.checking.coverage.read_words import WordReader
from generation.checking.coverage.token_alignment import EvidenceVectors, aligned, best_matches, gathered, token_weights
from retrieval.assembly import build_embedder
from retrieval.lexical import LexicalEncoder
from runtime.settings import Settings
from tests.generation.passage_making import passage

LEXICAL = LexicalEncoder("english", 80.0)
READER = WordReader(LEXICAL)
TEXT = (
    "The harbour was dredged in spring. Gulls nest on the old pier. A ferry crosses to the island twice a day. "
    "The bakery opens early. Tickets for it are sold at the kiosk."
)


def test_weights_lie_on_words_that_tell_something_and_evidence_is_gathered_from_several_places() -> None:
    embedder, windows = build_embedder(Settings()), EvidenceWindows([passage(TEXT)], LEXICAL, READER)
    claim = "The ferry to the island needs tickets from the kiosk."
    asked, vectors = EvidenceVectors(embedder, windows).of(claim, set(range(5)))
    weights = token_weights(claim, READER.read(claim), len(asked.tokens), embedder, windows)
    assert np.isclose(weights.sum(), 1)
    assert weights[1] > 5 * weights[0]  # ferry, the
    matches = best_matches(asked, vectors)
    assert gathered(matches, weights, windows)[:1] == (2,)
    assert {2, 4} <= set(gathered(matches, weights, windows))
    rows = aligned(asked, vectors, matches, weights, windows, list(range(len(windows))))
    best = windows.first[int(rows[:, 1].argmax())], windows.after[int(rows[:, 1].argmax())]
    assert best[0] <= 2 < best[1]
    assert (rows[:, 2] >= rows[:, 1] - 1e-6).all()
