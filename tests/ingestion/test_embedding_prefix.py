from collections.abc import Sequence

from ingestion.embedding_prefix import Prefixes
from ingestion.token_counting import TokenCounter


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def prefixes(title: str, *paths: tuple[str, ...], limit: int = 10) -> Prefixes:
    return Prefixes(title, paths, limit, TokenCounter(count_words))


def test_title_then_headings_with_or_without_the_title() -> None:
    found = prefixes("Manual", ("Care", "Oil"))
    assert found.of(("Care", "Oil"), with_title=True) == ("Manual > Care > Oil", 5)
    assert found.of(("Care", "Oil"), with_title=False) == ("Care > Oil", 3)
    assert found.of(("Care",), with_title=True) == ("Manual > Care", 3)
    assert found.of((), with_title=True) == ("Manual", 1)
    assert found.of((), with_title=False) == ("", 0)


def test_a_title_that_is_also_the_first_heading_comes_once() -> None:
    assert prefixes("Manual", ("MANUAL", "Oil")).of(("MANUAL", "Oil"), with_title=True)[0] == "Manual > Oil"


def test_outer_headings_go_first_then_the_ends_then_everything() -> None:
    path = ("one two three", "four five six", "seven eight")
    assert prefixes("Manual", path).of(path, with_title=True)[0] == "Manual > four five six > seven eight"
    assert prefixes("Manual", path, limit=7).of(path, with_title=True)[0] == "Manual > seven eight"
    long = ("w " * 30,)
    assert prefixes("t " * 30, long, limit=16).of(long, with_title=True)[0] == "t t t t t t > w w w w w w"
    assert prefixes("t " * 30, long, limit=3).of(long, with_title=True) == ("", 0)


def test_lines_and_spaces_within_a_heading_become_one_space() -> None:
    assert prefixes("Ma\n nual", ("Ca\tre",)).of(("Ca\tre",), with_title=True)[0] == "Ma nual > Ca re"


def test_largest_size_looks_at_the_paths_above_too() -> None:
    path = ("one two three four five", "six", "seven eight nine")
    found = prefixes("Manual", path)
    assert found.of(path, with_title=True)[1] == 7  # the outermost heading had to go
    assert found.of(path[:2], with_title=True)[1] == 9
    assert found.largest_size(path) == 9
