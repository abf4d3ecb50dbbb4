"""A text in pieces."""

from __future__ import annotations

from generation.extraction.passage_pieces import PieceKind, pieces

TEXT = """Sales

Sales rose in 2019. They fell before.

|  | Years ended |  |
| --- | --- | --- |
|  | 2019 | 2018 |
| Lamps | 1,200 | 900 |

***"""


def test_every_character_but_white_space_is_in_one_piece_and_rows_bear_their_column_names() -> None:
    found = list(pieces(TEXT))
    assert "".join("".join(TEXT[one.start : one.end].split()) for one in found) == "".join(TEXT.split())
    assert [one.kind for one in found if one.kind is not PieceKind.MARKS] == [
        PieceKind.HEADING,
        PieceKind.SENTENCE,
        PieceKind.SENTENCE,
        PieceKind.TABLE_HEADER,
        PieceKind.TABLE_HEADER,
        PieceKind.TABLE_ROW,
    ]
    row = next(one for one in found if one.kind is PieceKind.TABLE_ROW)
    assert row.scored == "Lamps; Years ended 2019 1,200; 2018 900"


def test_nothing() -> None:
    assert list(pieces(" \n ")) == []
