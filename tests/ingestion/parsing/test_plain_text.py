from __future__ import annotations

import pytest

TEXT = """PUMP RULES

Pumps are to be switched off at night. The keeper writes the
hour into the book that lies in the keeper's room, and signs
it.

1. Safety

- wear gloves
- wear glasses
  at all times

Anna Miller
Mill Lane 3
"""


def test_structure_of_plain_text(read, outline_of):
    assert outline_of(read(TEXT.encode(), "rules.txt")) == [
        ("heading", 1, "PUMP RULES"),
        (
            "paragraph",
            None,
            "Pumps are to be switched off at night. The keeper writes the hour into the book that lies in the keeper's "
            "room, and signs it.",
        ),
        ("heading", 1, "1. Safety"),
        ("list_item", None, "- wear gloves"),
        ("list_item", None, "- wear glasses\nat all times"),
        ("paragraph", None, "Anna Miller\nMill Lane 3"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings(read, encoding):
    sentence = "Die Düse kostet drei Euro, größere Düsen kosten fünf. Früher waren sie billiger."
    parsed = read((sentence + "\n").encode(encoding), "duese.txt")
    assert parsed.text == sentence and parsed.language == "de" and not parsed.warnings


def test_japanese_in_shift_jis(read):
    sentence = "ポンプは夜間に停止します。担当者は時刻を記録してください。毎日の点検も忘れないでください。"
    assert read((sentence * 3).encode("shift_jis"), "pump.txt").text == sentence * 3


def test_broken_bytes_give_text_and_a_warning(read):
    data = "Größe und Länge und Wärme und Kälte der Düse. ".encode() * 20
    parsed = read(data[:300] + b"\xff\xfe\x80" + data[300:], "broken.txt")
    assert "Wärme und Kälte" in parsed.text
    assert any("not valid text" in warning for warning in parsed.warnings)


def test_control_characters_are_removed(read):
    parsed = read(b"Pumps\0 are\x07 loud, and " + b"they run day and night. " * 20 + b"Nobody\x1b sleeps.", "bell.txt")
    assert not any(ord(c) < 32 and c != "\n" for c in parsed.text)
    assert "Pumps are loud" in parsed.text


def test_subtitles(read):
    parsed = read(b"WEBVTT\n\nNOTE nothing\n\n7\n00:01.000 --> 00:02.000\n<v Ann>Open the valve</v>\n", "talk.vtt")
    assert parsed.text == "Ann: Open the valve"


def test_title_is_the_stem_when_nothing_else_is_known(read):
    assert read(b"some words without any heading in them", "folder/My notes.v2.txt").title == "My notes.v2"
