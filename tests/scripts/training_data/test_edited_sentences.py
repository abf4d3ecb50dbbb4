from __future__ import annotations

import itertools
import random

from scripts.training_data import corpora
from scripts.training_data.corpora import Document
from scripts.training_data.edited_sentences import edited_groups, window
from scripts.training_data.edits import Edits
from scripts.training_data.evidence import packed
from scripts.training_data.rewordings import Rewordings
from scripts.training_data.wordnet import WordNet

SENTENCES = (
    "In 1934, the Harlan Bridge was opened to traffic by the mayor of Veld.",
    "Ida Mornay designed it after four years of study in Orle and Tessen.",
    "The ferry, which had served the coast since 1870, was sold in May.",
    "Most passengers did not use the bridge before the road was finished.",
)
DOCUMENT = Document(SENTENCES, ("The museum of Brandt bought two landscapes from the south in 1960.",), "test")


class _NoWords(WordNet):
    def __init__(self) -> None:
        pass

    def senses(self, word: str) -> None:
        return None

    def part_of_speech(self, word: str) -> None:
        return None


def test_each_group_has_claims_of_both_kinds_over_its_own_evidence() -> None:
    words = _NoWords()
    groups = edited_groups([DOCUMENT], Rewordings(words), Edits(words), random.Random(0))
    for group in itertools.islice(groups, 30):
        assert {claim.supported for claim in group.claims} == {True, False}
        for claim in group.claims:
            assert (claim.unsupported == ()) == claim.supported
            for start, end in claim.unsupported or ():
                assert 0 <= start < end <= len(claim.text)


def test_a_window_holds_its_sentence() -> None:
    for seed in range(30):
        position = seed % len(SENTENCES)
        evidence, used = window(DOCUMENT, position, random.Random(seed))
        assert SENTENCES[position] in evidence
        assert position in used


def test_evidence_is_packed_around_the_words_of_the_claim() -> None:
    assert packed(SENTENCES, "The ferry was sold.", 80) == SENTENCES[2]
    both = packed(SENTENCES, "Mornay designed the bridge; the ferry was sold in May.", 160)
    assert SENTENCES[1] in both
    assert SENTENCES[2] in both


def test_spaces_of_tokenised_text_are_taken_out() -> None:
    assert corpora.split("It was opened ( late ) in 1934 , not before .") == [
        "It was opened (late) in 1934, not before."
    ]
