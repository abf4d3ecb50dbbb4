from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.long_sentences import split_long_sentence
from ingestion.token_counting import TokenCounter


def count_words_and_marks(texts: Sequence[str]) -> list[int]:
    """Like a word-piece tokenizer: a token for each five characters of a word."""
    return [sum(-(-len(word) // 5) for word in text.split()) for text in texts]


def split(text: str, limit: int = 20) -> list[str]:
    spans = split_long_sentence(text, limit, TokenCounter(count_words_and_marks))
    position = 0
    for start, end in spans:
        assert text[position:start].strip() == ""
        assert text[start:end].strip() == text[start:end] != ""
        position = end
    assert text[position:].strip() == ""
    pieces = [text[start:end] for start, end in spans]
    assert max(TokenCounter(count_words_and_marks).sizes(pieces), default=0) <= limit
    return pieces


def test_phrases_stay_whole() -> None:
    pieces = split(", ".join(f"pump {n} has a valve" for n in range(40)))
    assert all(piece.startswith("pump") and piece.endswith((",", "valve")) for piece in pieces)


def test_phrases_stay_whole_across_blocks() -> None:
    pieces = split("; ".join(f"clause {n} binds the buyer and the seller" for n in range(400)), limit=40)
    assert all(piece.startswith("clause") for piece in pieces)


def test_words_stay_whole_where_there_are_no_phrases() -> None:
    words = [f"word{n}" for n in range(900)]
    assert " ".join(split(" ".join(words))).split() == words


def test_unbroken_text_is_cut_evenly_and_at_its_marks() -> None:
    sizes = {len(piece) for piece in split("x" * 2_000)}
    assert max(sizes) - min(sizes) < 40
    assert all(piece.endswith("，") for piece in split("这是一个很长的句子，" * 100))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.text(max_size=30), st.sampled_from(["x" * 450, "long, phrase ", "\u3000", "。" * 300, " a b c"])),
        max_size=30,
    ).map("".join)
)
def test_any_text_is_covered_verbatim(text: str) -> None:
    split(text, limit=30)


@pytest.mark.parametrize("text", ["", "  \n "])
def test_nothing_to_split(text: str) -> None:
    assert split(text) == []
