from __future__ import annotations

import numpy as np
import pytest

from bench.hallucination_rate import COUNTED, ELSEWHERE, SHIPPED, Cell, _alarms, simulated


@pytest.mark.parametrize(
    "cell",
    [
        Cell(0.01, (0.95, 0.98), 200, 0, COUNTED[0], (0.95, 0.98)),
        Cell(0.05, SHIPPED, 20_000, 200, COUNTED[1], SHIPPED),
        Cell(0.3, (0.55, 0.6), 2_000, 50, COUNTED[0], (0.55, 0.6)),
    ],
)
def test_intervals_cover_in_the_simulation(cell: Cell) -> None:
    found = simulated(cell, 80)
    assert found.coverage >= 0.9
    assert 0 < found.width < 0.6
    assert simulated(cell, 80) == found  # seeded


def test_wrong_counts_are_noticed_by_a_large_audit() -> None:
    wrong = Cell(0.05, ELSEWHERE[3], 20_000, 1_000, COUNTED[1], SHIPPED)
    found = simulated(wrong, 40)
    assert found.contradicted > 0.9
    assert found.coverage >= 0.85


def test_alarms_of_a_stream() -> None:
    stream = {"checker": SHIPPED, "audited": 0.0, "longest": 1_500, "generator": np.random.default_rng(1)}
    assert np.isfinite(_alarms(0.3, 3, **stream)).all()
    assert not np.isfinite(_alarms(0.02, 3, **stream)).any()
