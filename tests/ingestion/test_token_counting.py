from collections.abc import Sequence

from ingestion.token_counting import TokenCounter


def test_many_texts_are_counted_in_few_calls_of_bounded_size() -> None:
    calls: list[int] = []

    def count(texts: Sequence[str]) -> list[int]:
        calls.append(sum(map(len, texts)))
        return [len(text) for text in texts]

    texts = ["x" * (number % 700) for number in range(10_000)]
    assert TokenCounter(count).sizes(texts) == [len(text) for text in texts]
    assert len(calls) == 4
    assert max(calls) < 1_001_000


def test_an_unbroken_run_is_not_one_token() -> None:
    assert TokenCounter(lambda texts: [1 for _ in texts]).sizes(["a" * 1_600, "word", ""]) == [100, 1, 1]


def test_nothing_is_asked_of_the_tokenizer_without_texts() -> None:
    def refuse(texts: Sequence[str]) -> list[int]:
        raise AssertionError(texts)

    assert TokenCounter(refuse).sizes([]) == []
