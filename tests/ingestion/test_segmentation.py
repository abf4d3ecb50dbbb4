import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.segmentation import NEVER, Boundary, cheapest_segmentation

PLAIN = Boundary()


def cost(
    groups: list[tuple[int, int]], sizes: list[int], limits: list[int], boundaries: list[Boundary], target: int
) -> float:
    total = 0.0
    for first, last in groups:
        size = sum(sizes[first:last])
        if last - first > 1 and size > limits[first]:
            return math.inf
        short = 1 - size / target
        total += short * short if short > 0 else 2 * short * short
        total += boundaries[first].cut if first else 0.0
        total += sum(boundaries[piece].keep for piece in range(first + 1, last))
    return total


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 8))
def test_no_other_segmentation_is_cheaper(data: st.DataObject, count: int) -> None:
    sizes = data.draw(st.lists(st.integers(1, 60), min_size=count, max_size=count))
    limits = data.draw(st.lists(st.integers(20, 80), min_size=count, max_size=count))
    costs = st.sampled_from([0.0, 0.1, 0.5, 2.0])
    boundary = st.builds(Boundary, cut=costs, keep=st.one_of(costs, st.just(NEVER)))
    boundaries = data.draw(st.lists(boundary, min_size=count, max_size=count))
    found = cheapest_segmentation(sizes, limits, boundaries, 40)
    assert [first for first, _ in found] == [0] + [last for _, last in found[:-1]]
    assert found[-1][1] == count

    every = []
    for cuts in itertools.product([False, True], repeat=count - 1):
        edges = [0, *(place + 1 for place, is_cut in enumerate(cuts) if is_cut), count]
        every.append(list(itertools.pairwise(edges)))
    best = min(cost(groups, sizes, limits, boundaries, 40) for groups in every)
    assert math.isclose(cost(found, sizes, limits, boundaries, 40), best)


def test_nothing_to_cut() -> None:
    assert cheapest_segmentation([], [], [], 40) == []


def test_a_piece_above_the_limit_stands_alone() -> None:
    assert cheapest_segmentation([10, 500, 10], [50] * 3, [PLAIN] * 3, 40) == [(0, 1), (1, 2), (2, 3)]


def test_the_remainder_is_spread_instead_of_left_over() -> None:
    assert cheapest_segmentation([10] * 5, [50] * 5, [PLAIN] * 5, 40) in ([(0, 2), (2, 5)], [(0, 3), (3, 5)], [(0, 5)])


def test_what_must_not_stay_together_is_cut() -> None:
    boundaries = [PLAIN, PLAIN, Boundary(keep=NEVER), PLAIN]
    assert cheapest_segmentation([5] * 4, [50] * 4, boundaries, 40) == [(0, 2), (2, 4)]
