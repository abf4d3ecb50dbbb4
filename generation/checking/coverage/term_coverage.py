"""How much of a claim's words its evidence holds: lexical features of each window."""

from __future__ import annotations

import itertools
import re

import numpy as np

from generation.checking.contradiction.stated_facts import names, numbers, stands_among, words
from generation.checking.coverage.evidence_windows import LONGEST_WINDOW, EvidenceWindows, Flags, Floats
from retrieval.lexical import LexicalEncoder

LEXICAL_FEATURES = (
    "coverage",
    "coverage_by_all",
    "bm25",
    "word_pairs",
    "numbers_missing",
    "names_missing",
)
"""IDF-weighted share of the claim's terms in the window, and in the three best together; BM25 divided by what the claim
itself would score; share of its pairs of neighbouring words; shares of its numbers and names that are not in it."""

_WORD = re.compile(r"\w+")


def term_coverage(claim: str, windows: EvidenceWindows, lexical: LexicalEncoder) -> Floats:
    """`LEXICAL_FEATURES` of each window: float64 (windows, features)."""
    sentences = windows.sentences
    terms = sorted(set(lexical.terms(claim)))
    held = np.array([[term in one.terms for term in terms] for one in sentences], dtype=bool).reshape(
        len(sentences), -1
    )
    idf = np.log(1 + (len(sentences) + 1) / (0.5 + held.sum(axis=0)))
    weights = idf / max(float(idf.sum()), 1e-9)
    in_window = windows.any(held)
    coverage = in_window @ weights if terms else np.ones(len(windows))
    best = np.argsort(-coverage, kind="stable")[:LONGEST_WINDOW]
    together = float(in_window[best].any(axis=0) @ weights) if terms else 1.0
    bm25 = windows.best(windows.bm25.scores(terms) / max(windows.bm25.highest(terms), 1e-9))
    pairs = _pairs(claim)
    shared = windows.sum(np.array([len(pairs & _pairs(one.read)) for one in sentences], dtype=np.float64))
    asked_numbers, asked_names = numbers(claim), sorted(names(claim))
    numbers_held = np.array([[stands_among(n, one.numbers) for n in asked_numbers] for one in windows.read], dtype=bool)
    known = [words(one.read) for one in sentences] if asked_names else []
    names_held = np.array([[name in one for name in asked_names] for one in known], dtype=bool)
    titled = np.array([[name in title for name in asked_names] for title in windows.titles], dtype=bool)
    names_in_window = windows.any(names_held) if asked_names else np.zeros((len(windows), 0), dtype=bool)
    names_in_window = names_in_window | titled.reshape(len(windows.titles), -1)[windows.sources]
    return np.stack(
        [
            coverage,
            np.full(len(windows), together),
            bm25,
            np.minimum(shared / max(1, len(pairs)), 1.0),
            _missing(windows.any(numbers_held)),
            _missing(names_in_window),
        ],
        axis=1,
    )


def _pairs(text: str) -> frozenset[tuple[str, str]]:
    """Neighbouring words, case folded."""
    return frozenset(itertools.pairwise(_WORD.findall(text.casefold())))


def _missing(held: Flags) -> Floats:
    """Share of the columns that are false in each row; 0 when there are none."""
    if not held.shape[1]:
        return np.zeros(len(held))
    missing: Floats = 1.0 - held.mean(axis=1)
    return missing
