"""Sentences and citation marks out of text that comes in pieces."""

from __future__ import annotations

import random

import pytest

from generation.writing.sentence_stream import SentenceStream, Shown, WrittenSentence

TEXT = (
    "Annual leave is 28 days a year [1]. It rises to 30 days after Dr. Meyer signs. [2][3] See section 4.2 for more!\n\n"
    "- Part-time staff get a share [1, 4].\n- Others do not [2-3]\n\n| a | b [5] |\n|---|---|\n| 1 | 2 | [6]\n\nThe end"
)
CITED = [(1,), (2, 3), (), (1, 4), (2, 3), (5,), (6,), ()]


def parts(pieces: list[str]) -> list[Shown | WrittenSentence]:
    stream = SentenceStream()
    found = [part for piece in pieces for part in stream.feed(piece)]
    return [*found, *stream.close()]


def sentences(pieces: list[str]) -> list[WrittenSentence]:
    return [part for part in parts(pieces) if isinstance(part, WrittenSentence)]


def random_pieces(text: str, seed: int) -> list[str]:
    chance = random.Random(seed)
    pieces, position = [], 0
    while position < len(text):
        size = chance.randint(1, 7)
        pieces.append(text[position : position + size])
        position += size
    return pieces


@pytest.mark.parametrize("seed", range(20))
def test_sentences_do_not_depend_on_how_the_text_was_cut(seed: int) -> None:
    whole = [(one.text, one.cited) for one in sentences([TEXT])]
    assert [(one.text, one.cited) for one in sentences(random_pieces(TEXT, seed))] == whole


def test_marks_belong_to_the_sentence_before_them_and_leave_the_text() -> None:
    found = sentences(list(TEXT))
    assert [one.cited for one in found] == CITED
    assert not any("[" in one.text for one in found)
    assert found[0].text == "Annual leave is 28 days a year."
    assert found[1].text == "It rises to 30 days after Dr. Meyer signs."


def test_a_mark_before_the_first_word_belongs_to_the_first_sentence() -> None:
    assert [one.cited for one in sentences(["[2] It is so. ", "Really so."])] == [(2,), ()]


@pytest.mark.parametrize("seed", range(10))
def test_what_is_shown_and_what_follows_is_the_text_without_marks(seed: int) -> None:
    shown, text = "", ""
    for part in parts(random_pieces(TEXT, seed)):
        if isinstance(part, Shown):
            shown += part.text
        else:
            text += part.lead + part.text
            whole = shown + (part.lead + part.text)[part.shown :]
            assert whole == text, "a sentence was shown beyond its end, or twice"
            shown = whole
    assert shown == text


def test_text_is_shown_before_its_sentence_ends() -> None:
    stream = SentenceStream()
    assert list(stream.feed("Annual leave")) == [Shown("Annual leave")]
    assert list(stream.feed(" is 28 days")) == [Shown(" is 28 days")]
    assert list(stream.feed(" [1")) == []
    assert list(stream.feed("].")) == [Shown(".")]


def test_a_bracket_that_is_no_mark_stays() -> None:
    assert sentences(["The array a[i] holds [sic] 3 items."])[0].text == "The array a[i] holds [sic] 3 items."


def test_other_brackets_that_models_use() -> None:
    assert [one.cited for one in sentences(["It is so 【3†source】. And so [^2^]."])] == [(3,), (2,)]


def test_nothing_gives_nothing() -> None:
    assert parts([]) == [] and parts(["  ", "\n"]) == []
