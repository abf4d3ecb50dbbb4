"""Passages packed into a budget."""

from __future__ import annotations

import dataclasses

import pytest

from generation.prompting.context_packing import GAP, ContextPacker
from retrieval.assembly import build_embedder
from retrieval.embedding import Embedder
from retrieval.lexical import LexicalEncoder
from retrieval.passages import Passage
from runtime.settings import Settings
from tests.generation.passage_making import passage

FILLER = "The canteen serves soup on Mondays. Bicycles are kept behind the hall. Doors are painted green every spring."
LEAVE = f"{FILLER} Annual leave is 28 days a year. {FILLER}"
TABLE = (
    "|  | Years ended June 30 |  |\n| --- | --- | --- |\n|  | 2019 | 2018 |\n"
    + "\n".join(f"| Product {letter} | {ord(letter)}1 | {ord(letter)}7 |" for letter in "ABCDEFGHIJKL")
    + "\n| Costs: |  |  |\n| Rent of the Oslo depot | 4,410 | 3,300 |\n| Heating | 77 | 76 |"
)
BUDGET = 100_000


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return build_embedder(Settings())


@pytest.fixture(scope="module")
def packer(embedder: Embedder) -> ContextPacker:
    return ContextPacker(LexicalEncoder("english", 80.0))


def ranked(*passages: Passage) -> list[Passage]:
    return [dataclasses.replace(one, score=1.0 - 0.1 * rank) for rank, one in enumerate(passages)]


def test_a_ratio_of_one_keeps_everything_that_fits(packer: ContextPacker) -> None:
    passages = ranked(passage(LEAVE), passage(TABLE, document="e", start=40))
    packed = packer.pack("How long is annual leave?", passages, budget_tokens=BUDGET, ratio=1)
    assert [one.text for one in packed.passages] == [LEAVE, TABLE]
    assert [one.spans for one in packed.passages] == [((0, len(LEAVE)),), ((40, 40 + len(TABLE)),)]
    assert packed.tokens == packed.tokens_before


@pytest.mark.parametrize("ratio", [2.0, 4.0, 8.0])
def test_the_answer_survives_and_the_limit_holds(packer: ContextPacker, embedder: Embedder, ratio: float) -> None:
    passages = ranked(passage(LEAVE), *(passage(f"{FILLER} Note {n}.", document=f"f{n}") for n in range(6)))
    packed = packer.pack("How many days of annual leave are there?", passages, budget_tokens=BUDGET, ratio=ratio)
    assert packed.tokens <= packed.tokens_before / ratio
    text = " ".join(one.text for one in packed.passages)
    assert "Annual leave is 28 days a year." in text
    assert sum(embedder.count_tokens([text.replace(GAP, " ")])) <= packed.tokens_before / ratio


def test_the_budget_holds_whatever_the_ratio(packer: ContextPacker) -> None:
    packed = packer.pack("How long is annual leave?", ranked(passage(LEAVE)), budget_tokens=12, ratio=1)
    assert [one.text for one in packed.passages] == ["Annual leave is 28 days a year."]
    assert packed.tokens <= 12


def test_the_texts_are_verbatim_at_their_spans_with_gaps_shown(packer: ContextPacker) -> None:
    text = f"Annual leave is 28 days a year. {FILLER} {FILLER} Unused annual leave expires in March."
    one = passage(text, start=500)
    packed = packer.pack("What about annual leave?", [one], budget_tokens=20, ratio=1).passages[0]
    pieces = [text[start - 500 : end - 500] for start, end in packed.spans]
    assert pieces == ["Annual leave is 28 days a year.", "Unused annual leave expires in March."]
    assert packed.text == GAP.join(pieces)


def test_a_table_row_keeps_its_headers_and_stays_a_table(packer: ContextPacker) -> None:
    packed = packer.pack(
        "What was the rent of the Oslo depot in 2019?", [passage(TABLE)], budget_tokens=BUDGET, ratio=2
    )
    lines = packed.passages[0].text.split("\n")
    assert lines[:3] == TABLE.split("\n")[:3]
    assert lines.index("| Costs: |  |  |") + 1 == lines.index("| Rent of the Oslo depot | 4,410 | 3,300 |")
    assert all(line.startswith("|") for line in lines)


def test_passages_of_a_document_stand_together_in_reading_order(packer: ContextPacker) -> None:
    later = passage("Second half of the lease text.", document="lease", start=900)
    earlier = passage("First half of the lease text.", document="lease", start=100)
    other = passage("Another contract text.", document="other")
    packed = packer.pack("lease", ranked(later, other, earlier), budget_tokens=BUDGET, ratio=1).passages
    assert [one.passage.chunk.document_id for one in packed] == ["lease", "lease", "other"]
    assert [one.spans[0][0] for one in packed] == [100, 900, 0]
    assert [one.number for one in packed] == [1, 2, 3]


def test_a_context_that_two_hits_share_is_given_once(packer: ContextPacker) -> None:
    first = passage(LEAVE)
    second = dataclasses.replace(
        first, chunk=dataclasses.replace(first.chunk, ordinal=1, start=len(FILLER), text=LEAVE[len(FILLER) :])
    )
    packed = packer.pack("leave", ranked(first, second), budget_tokens=BUDGET, ratio=1)
    assert [one.text for one in packed.passages] == [LEAVE]


def test_a_heading_comes_with_what_stands_under_it_and_never_alone(packer: ContextPacker) -> None:
    text = f"Annual leave\n\nIt is 28 days a year.\n\nBicycles\n\n{FILLER}"
    packed = packer.pack("How many days a year?", [passage(text)], budget_tokens=14, ratio=1)
    assert packed.passages[0].text == "Annual leave\n\nIt is 28 days a year."


def test_speech_without_stops_is_cut_to_pieces(packer: ContextPacker) -> None:
    speech = "so then we said " * 200 + "the annual leave is twenty eight days " + "and on it went " * 200
    packed = packer.pack("How long is annual leave?", [passage(speech)], budget_tokens=200, ratio=1)
    assert "annual leave is twenty eight days" in packed.passages[0].text


def test_nothing_to_pack(packer: ContextPacker) -> None:
    assert packer.pack("Who?", [], budget_tokens=100, ratio=2).passages == ()
    packed = packer.pack("Who?", [passage("---")], budget_tokens=100, ratio=4)
    assert packed.tokens <= packed.tokens_before
    assert packer.pack("Who?", [passage(LEAVE)], budget_tokens=0, ratio=4).passages == ()


def test_a_ratio_below_one_is_refused(packer: ContextPacker) -> None:
    with pytest.raises(ValueError, match="ratio"):
        packer.pack("Who?", [], budget_tokens=100, ratio=0.5)
