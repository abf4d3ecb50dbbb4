from __future__ import annotations

from generation.checking.contradiction.pair_encoding import (
    ABSENT,
    EVIDENCE,
    FIRST,
    LAST,
    MAX_CLAIM,
    MAX_EVIDENCE,
    PRESENT,
    row,
    visible,
)


def test_a_claim_counts_its_positions_anew_and_is_marked_against_the_evidence() -> None:
    found = row([10, 11, 12, 13], [[10, 11, 99, 13]])
    assert found.ids.tolist() == [101, 10, 11, 12, 13, 102, 101, 10, 11, 99, 13, 102]
    assert found.positions.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]
    assert found.marks.tolist() == [EVIDENCE] * 6 + [FIRST, PRESENT + 2, PRESENT + 1, ABSENT, PRESENT, LAST]
    assert found.claims == ((7, 11),)


def test_words_in_another_order_have_other_neighbours() -> None:
    same, turned = (row([1, 2, 3], [claim]).marks[-4:-1].tolist() for claim in ([1, 2, 3], [3, 2, 1]))
    assert same == [PRESENT + 2, PRESENT + 3, PRESENT + 1]
    assert turned == [PRESENT, PRESENT, PRESENT]


def test_claims_do_not_see_each_other_and_the_evidence_sees_none() -> None:
    found = row([1], [[2], [3]])
    seen = visible(found.parts)
    evidence, first, second = (found.parts == part for part in (0, 1, 2))
    assert seen[evidence][:, evidence].all()
    assert not seen[evidence][:, ~evidence].any()
    assert seen[first][:, evidence | first].all()
    assert not seen[first][:, second].any()
    assert not seen[second][:, first].any()


def test_long_texts_are_cut_and_empty_ones_are_read() -> None:
    long = row(list(range(1000, 2000)), [list(range(1000, 2000)), []])
    assert (long.parts == 0).sum() == MAX_EVIDENCE + 2
    assert long.claims[0][1] - long.claims[0][0] == MAX_CLAIM
    assert long.claims[1][0] == long.claims[1][1]
