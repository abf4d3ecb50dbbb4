"""Token counts in bulk: few large calls of the tokenizer, with a bound on the memory that one call takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_CHARACTERS_PER_CALL = 1_000_000
_CHARACTERS_PER_TOKEN = 16


class TokenCounter:
    """Sizes of texts in tokens.

    A text counts at least one token for each 16 characters: a word-piece tokenizer turns any long unbroken run into
    one unknown token, and a chunk of megabytes would otherwise pass as tiny.
    """

    def __init__(self, count_tokens: Callable[[Sequence[str]], list[int]]) -> None:
        self._count_tokens = count_tokens

    def sizes(self, texts: Sequence[str]) -> list[int]:
        sizes: list[int] = []
        first, characters = 0, 0
        for position, text in enumerate(texts):
            characters += len(text)
            if characters >= _CHARACTERS_PER_CALL or position == len(texts) - 1:
                batch = texts[first : position + 1]
                sizes += [
                    max(tokens, -(-len(text) // _CHARACTERS_PER_TOKEN))
                    for tokens, text in zip(self._count_tokens(batch), batch, strict=True)
                ]
                first, characters = position + 1, 0
        return sizes
