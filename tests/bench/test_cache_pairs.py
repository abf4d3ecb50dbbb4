from __future__ import annotations

import itertools

import pytest

from bench.cache_pairs import changed, distinct_questions, from_templates, paraphrases, written, written_differences
from bench.semantic_cache import upper_bound


def test_the_written_questions_are_enough_and_no_text_stands_twice() -> None:
    bases = written()
    assert len(bases) >= 120 and all(len(base.paraphrases) >= 2 for base in bases)
    assert len(paraphrases(bases)) > 300 and len(written_differences(bases)) > 500
    for base in bases:
        texts = [base.question, *base.paraphrases, *(text for _, text in base.different)]
        assert len(set(texts)) == len(texts), base.question


def test_made_pairs_differ() -> None:
    for pair in (*changed(written()), *from_templates(300)):
        assert pair.first != pair.second
    questions = list(itertools.islice(distinct_questions(), 10_000))
    assert len(set(questions)) == 10_000


def test_the_upper_bound_is_that_of_clopper_and_pearson() -> None:
    assert upper_bound(0, 500) == pytest.approx(1 - 0.025 ** (1 / 500))
    assert upper_bound(3, 1000) == pytest.approx(0.00874, abs=1e-4)
    assert upper_bound(5, 5) == 1.0
