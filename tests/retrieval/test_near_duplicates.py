"""What counts as said twice."""

from __future__ import annotations

from retrieval.near_duplicates import distinct

TEXT = "The sonde is calibrated every twelve months by an accredited laboratory, and the certificate is kept for six years."


def test_a_copy_with_other_spacing_and_case_goes_and_the_first_stays() -> None:
    assert distinct([("first", TEXT), ("copy", "  " + TEXT.upper().replace(" ", "\n"))], 0.9, 9) == ["first"]


def test_a_changed_figure_is_another_statement() -> None:
    other = TEXT.replace("twelve", "eighteen")
    assert distinct([("a", TEXT), ("b", other)], 0.9, 9) == ["a", "b"]


def test_short_texts_compare_as_a_whole() -> None:
    assert distinct([("a", "28 days"), ("b", "28 days."), ("c", "30 days")], 0.9, 9) == ["a", "c"]


def test_it_stops_at_the_limit() -> None:
    texts = iter([("a", "one"), ("b", "one"), ("c", "two"), ("d", "three"), ("e", "four")])
    assert distinct(texts, 0.9, 2) == ["a", "c"]
    assert next(texts) == ("e", "four")
