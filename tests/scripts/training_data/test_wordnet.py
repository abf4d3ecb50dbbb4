"""A dictionary of a few words in WordNet's file format."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.training_data.wordnet import WordNet

_DATA = {
    "verb": [
        "00000001 30 v 02 rise 0 climb 0 001 ! 00000002 v 0101 01 + 02 00 | go up",
        "00000002 30 v 01 fall 0 001 ! 00000001 v 0101 01 + 02 00 | go down",
    ],
    "noun": [
        "00000010 05 n 01 animal 0 002 ~ 00000011 n 0000 ~ 00000012 n 0000 | a living thing",
        "00000011 05 n 02 dog 0 hound 0 001 @ 00000010 n 0000 | it barks",
        "00000012 05 n 01 cat 0 001 @ 00000010 n 0000 | it purrs",
    ],
    "adj": [],
    "adv": [],
}
_COUNTS = {"rise%2": 9, "climb%2": 5, "fall%2": 9, "dog%1": 9, "hound%1": 4, "cat%1": 9, "animal%1": 9}


@pytest.fixture
def wordnet(tmp_path: Path) -> WordNet:
    for name, lines in _DATA.items():
        (tmp_path / f"data.{name}").write_text("\n".join(["  1 licence", *lines]) + "\n")
        index = []
        for line in lines:
            fields = line.split()
            index += [f"{word} {fields[2]} 1 0 1 1 {fields[0]}" for word in fields[4 : 4 + 2 * int(fields[3], 16) : 2]]
        (tmp_path / f"index.{name}").write_text("\n".join(["  1 licence", *index]) + "\n")
        (tmp_path / f"{name}.exc").write_text("rose rise\nfell fall\n" if name == "verb" else "")
    (tmp_path / "cntlist.rev").write_text("".join(f"{key}:30:00:: 1 {count}\n" for key, count in _COUNTS.items()))
    return WordNet(tmp_path)


def test_replacements_keep_the_inflection(wordnet: WordNet) -> None:
    rises = wordnet.senses("rises")
    assert rises is not None
    assert rises.same == ("climbs",)
    assert rises.opposite == ("falls",)
    climbed = wordnet.senses("climbed")
    assert climbed is not None
    assert climbed.same == ("rose",)


def test_things_under_one_sort_are_others_and_the_sort_is_wider(wordnet: WordNet) -> None:
    dogs = wordnet.senses("dogs")
    assert dogs is not None
    assert (dogs.same, dogs.wider, dogs.other) == (("hounds",), ("animals",), ("cats",))


def test_an_unknown_word_has_no_replacement(wordnet: WordNet) -> None:
    assert wordnet.senses("bridge") is None
    assert wordnet.part_of_speech("rose") == ("rise", "v", "ed")
