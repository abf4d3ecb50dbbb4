"""What may be quoted and how it is read for scoring."""

from __future__ import annotations

from generation.extraction.candidate_sentences import candidate_sentences
from tests.generation.passage_making import passage

TABLE = """Prices

| Plan | Price per station | Requests |
|---|---|---|
| Basic | €12 | 30 |
| Premium | €34 | 600 |

All prices exclude value added tax."""


def test_rows_are_quoted_verbatim_and_scored_with_their_column_names() -> None:
    found = candidate_sentences([passage(TABLE, heading=("Waterbook", "Prices"))])
    assert [one.text for one in found] == [
        "Basic | €12 | 30",
        "Premium | €34 | 600",
        "All prices exclude value added tax.",
    ]
    assert found[1].scored == "Prices: Plan Premium; Price per station €34; Requests 600"
    assert all(TABLE[one.start : one.end] == one.text for one in found)


def test_headings_and_lines_of_contents_are_not_quoted() -> None:
    text = "Error codes\n\nCalibration ... 4\n\nE17 means a low battery.\n\n• Replace the battery\n\nWeight: 3 kg"
    quoted = [one.text for one in candidate_sentences([passage(text)])]
    assert quoted == ["E17 means a low battery.", "• Replace the battery", "Weight: 3 kg"]


def test_a_block_of_short_lines_is_quoted_by_line() -> None:
    text = "Property Value\nDepth rating 100 m\nWeight with batteries 3.4 kg\nHousing acetal"
    quoted = [one.text for one in candidate_sentences([passage(text)])]
    assert "Depth rating 100 m" in quoted
    assert "Weight with batteries 3.4 kg" in quoted


def test_offsets_are_those_of_the_document_and_places_come_once() -> None:
    first = passage("One is here. Two is here.", start=100)
    same = passage("Two is here.", start=113)
    found = candidate_sentences([first, same])
    assert [(one.text, one.start, one.rank) for one in found] == [("One is here.", 100, 0), ("Two is here.", 113, 0)]
