"""Does the interval of the hallucination rate hold the rate as often as it says, and when does the monitor alarm?

    python -m bench.hallucination_rate [--small]

Simulates answers, flags, error counts and audits, and asks `corrected_rate` and `Monitor` about them as the service
does. Every figure is seeded. Takes about fifteen minutes; `--small` half a minute.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import inspect
import itertools
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.report import publish, table
from evals.hallucination_rate.audit_sampling import StratumSize, allocation
from evals.hallucination_rate.burn_rate import DEFAULT_OBJECTIVE
from evals.hallucination_rate.corrected_rate import (
    AuditedAnswer,
    CorrectedRate,
    ErrorCounts,
    SideVerdicts,
    rate_from_sides,
)
from evals.hallucination_rate.sequential_monitor import Monitor, least_visible_rate

RATES = (0.01, 0.02, 0.05, 0.1, 0.3)
CHECKERS = ((0.95, 0.98), (0.85, 0.9), (0.7, 0.8), (0.55, 0.6))
SIZES = (200, 2_000, 20_000)
AUDITS = (0, 50, 200, 1_000)
COUNTED = ((60, 60), (600, 1_000))
"""Answers with unsupported content and sound ones on which the checker was counted."""
SHIPPED = (0.85, 0.9)
ELSEWHERE = ((0.85, 0.9), (0.8, 0.87), (0.85, 0.95), (0.7, 0.8), (0.95, 0.98), (0.6, 0.9))
"""What the checker does in truth where the counts say `SHIPPED`."""
MONITORED = ((0.95, 0.98), (0.85, 0.9), (0.7, 0.8))
AFTER_GOOD = 10_000
AGAIN = 8

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """What one data set is drawn from. `counts_as` are sensitivity and specificity where the counts come from."""

    rate: float
    checker: tuple[float, float]
    answers: int
    audits: int
    counted: tuple[int, int]
    counts_as: tuple[float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """Over the runs of a cell."""

    coverage: float
    width: float
    bias: float
    contradicted: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=inspect.cleandoc(__doc__ or ""), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="a quick check of the script; prints, writes no section")
    arguments = parser.parse_args()
    small = arguments.small
    parts = [
        *_intervals(40 if small else 500, small=small),
        *_transfer(40 if small else 400, small=small),
        *_monitor(*((8, 2_000) if small else (200, 20_000))),
    ]
    title = "Hallucination rate: coverage of its interval, alarms of its monitor"
    publish("hallucination_rate", title, "\n\n".join(parts), arguments)


def _intervals(runs: int, *, small: bool) -> Iterator[str]:
    yield (
        f"Coverage of the 95% interval, {runs:,} runs a cell. A row sums up rates of 1 to 30%, checkers of sensitivity "
        "/ specificity .95/.98, .85/.9, .7/.8 and .55/.6, and counts on 60 + 60 and on 600 + 1,000 answers of the same "
        f"kind of text. A cell below 94% is run again with {AGAIN * runs:,} other runs, which are what is shown of it. "
        "Width: mean over the cells, and that of .85/.9 at a rate of 5% with the larger counts."
    )
    rows, everything = [], []
    for size, audits in itertools.product(SIZES[:2] if small else SIZES, AUDITS[:2] if small else AUDITS):
        if audits > size:
            continue
        cells = [
            Cell(rate, checker, size, audits, counted, checker)
            for rate, checker, counted in itertools.product(RATES[::2] if small else RATES, CHECKERS, COUNTED)
        ]
        found = [_again(cell, simulated(cell, runs), runs) for cell in cells]
        everything += list(zip(found, cells, strict=True))
        usual = Cell(0.05, SHIPPED, size, audits, COUNTED[1], SHIPPED)
        rows.append([f"{size:,}", f"{audits:,}", *_summary(found), f"{100 * found[cells.index(usual)].width:.1f}"])
    header = ["answers", "audited", "cells", "lowest", "mean", "below 94%", "above 97%", "width, points"]
    yield table([*header, "bias, points", "width .85/.9 at 5%"], rows)
    worst = sorted(everything, key=lambda pair: pair[0].coverage)[:5]
    yield "Lowest cells: " + "; ".join(f"{100 * one.coverage:.1f}% ({_words(cell)})" for one, cell in worst) + "."


def _again(cell: Cell, found: Found, runs: int) -> Found:
    """Coverage of a cell that looked bad, by other runs: among hundreds of cells some look bad by chance."""
    return found if found.coverage >= 0.94 else simulated(cell, AGAIN * runs, seed=1)


def _transfer(runs: int, *, small: bool) -> Iterator[str]:
    yield (
        "Counts of another kind of text: the counts say .85/.9, the checker does otherwise here (20,000 answers; "
        f"a row sums up rates of 1, 5 and 20%, {runs} runs each). Contradicted: the share of runs that said so and "
        "left the counts out."
    )
    rows = []
    for counted, truth in itertools.product(COUNTED, ELSEWHERE[:2] if small else ELSEWHERE):
        for audits in AUDITS[:2] if small else AUDITS:
            found = [simulated(Cell(rate, truth, 20_000, audits, counted, SHIPPED), runs) for rate in (0.01, 0.05, 0.2)]
            _, lowest, mean, _, _, width, _ = _summary(found)
            said = np.mean([one.contradicted for one in found])
            where = [f"{counted[0]:,} + {counted[1]:,}", f"{truth[0]:g}/{truth[1]:g}", f"{audits:,}"]
            rows.append([*where, lowest, mean, width, f"{100 * said:.0f}%"])
    yield table(["counted on", "in truth", "audited", "lowest", "mean", "width, points", "contradicted"], rows)


def simulated(cell: Cell, runs: int, seed: int = 0) -> Found:
    """Coverage, width and bias over `runs` data sets, the same ones for the same seed."""
    generator = np.random.default_rng([zlib.crc32(repr(cell).encode()), seed])
    estimated = functools.cache(functools.partial(_estimated, cell))  # small data sets come out alike
    results = [estimated(_draw(cell, generator)) for _ in range(runs)]
    low, high = (np.array([result.interval[side] for result in results]) for side in (0, 1))
    rates = np.array([np.nan if result.rate is None else result.rate for result in results])
    return Found(
        coverage=float(np.mean((low <= cell.rate) & (cell.rate <= high))),
        width=float(np.mean(high - low)),
        bias=float(np.nanmean(rates - cell.rate)) if not np.isnan(rates).all() else 0.0,
        contradicted=float(np.mean([result.counts_contradicted for result in results])),
    )


def _draw(cell: Cell, generator: np.random.Generator) -> tuple[int, ...]:
    """Flagged; flagged of unsupported and of sound answers counted; verdicts and unsupported ones on either side."""
    sensitivity, specificity = cell.checker
    unsupported = int(generator.binomial(cell.answers, cell.rate))
    hits = int(generator.binomial(unsupported, sensitivity))
    alarms = int(generator.binomial(cell.answers - unsupported, 1 - specificity))
    counted = (
        int(generator.binomial(cell.counted[0], cell.counts_as[0])),
        int(generator.binomial(cell.counted[1], 1 - cell.counts_as[1])),
    )
    flagged = hits + alarms
    drawn = allocation(StratumSize(flagged), StratumSize(cell.answers - flagged), cell.audits)
    misses = unsupported - hits
    of_flagged = int(generator.hypergeometric(hits, alarms, drawn[0])) if drawn[0] else 0
    of_unflagged = int(generator.hypergeometric(misses, cell.answers - flagged - misses, drawn[1])) if drawn[1] else 0
    return flagged, *counted, drawn[0], of_flagged, drawn[1], of_unflagged


def _estimated(cell: Cell, numbers: tuple[int, ...]) -> CorrectedRate:
    flagged, hits, alarms, drawn_flagged, of_flagged, drawn_unflagged, of_unflagged = numbers
    counts = ErrorCounts(hits, cell.counted[0], alarms, cell.counted[1], "simulated")
    return rate_from_sides(
        flagged,
        cell.answers,
        counts,
        SideVerdicts(of_flagged, drawn_flagged, drawn_flagged),
        SideVerdicts(of_unflagged, drawn_unflagged, drawn_unflagged),
    )


def _summary(found: Sequence[Found]) -> list[str]:
    coverages = np.array([one.coverage for one in found])
    return [
        f"{len(found)}",
        f"{100 * coverages.min():.1f}%",
        f"{100 * coverages.mean():.1f}%",
        f"{np.count_nonzero(coverages < 0.94)}",
        f"{np.count_nonzero(coverages > 0.97)}",
        f"{100 * np.mean([one.width for one in found]):.1f}",
        f"{100 * np.mean([one.bias for one in found]):+.2f}",
    ]


def _words(cell: Cell) -> str:
    return (
        f"rate {cell.rate:.0%}, {cell.checker[0]:g}/{cell.checker[1]:g}, {cell.answers:,} answers, "
        f"{cell.audits:,} audited, counted on {cell.counted[0]:,} + {cell.counted[1]:,}"
    )


def _monitor(streams: int, longest: int) -> Iterator[str]:
    yield (
        f"The monitor (objective {DEFAULT_OBJECTIVE:.0%}, false alarms at most 1%), {streams} streams of "
        f"{longest:,} answers for false alarms, at a rate of the objective, and {streams // 4} for each delay. It is "
        "looked at whenever an answer is flagged or a verdict comes: in between its evidence can only fall. Counts on "
        "600 + 1,000 answers, drawn anew for each stream. Audited: every answer is drawn with that probability. Delay: "
        "answers from the change to the alarm, median (90% quantile); - where it did not come. Turned: 4 times the "
        f"objective after {AFTER_GOOD:,} answers at a rate of 1%."
    )
    rows = []
    for checker, audited in itertools.product(MONITORED, (0.0, 0.02)):
        generator = np.random.default_rng(zlib.crc32(repr((checker, audited)).encode()))
        alarms = functools.partial(_alarms, checker=checker, audited=audited, longest=longest, generator=generator)
        delays = [_delay(alarms(worse * DEFAULT_OBJECTIVE, streams // 4)) for worse in (1.5, 2, 4)]
        rows.append(
            [
                f"{checker[0]:g}/{checker[1]:g}",
                f"{audited:.0%}",
                _visible(checker),
                f"{100 * np.mean(np.isfinite(alarms(DEFAULT_OBJECTIVE, streams))):.1f}%",
                *delays,
                _delay(alarms(4 * DEFAULT_OBJECTIVE, streams // 4, AFTER_GOOD) - AFTER_GOOD),
            ]
        )
    yield table(
        ["checker", "audited", "flags see above", "false alarms", "delay at 1.5 times", "2 times", "4 times", "turned"],
        rows,
    )


def _alarms(rate: float, number: int, good: int = 0, **stream: Any) -> Floats:
    return np.array([_alarm(rate, good, **stream) for _ in range(number)])


def _alarm(
    rate: float, good: int, checker: tuple[float, float], audited: float, longest: int, generator: np.random.Generator
) -> float:
    """After how many answers the alarm comes; infinite when it does not. The first `good` answers have a rate of 1%."""
    counts = ErrorCounts(
        int(generator.binomial(COUNTED[1][0], checker[0])),
        COUNTED[1][0],
        int(generator.binomial(COUNTED[1][1], 1 - checker[1])),
        COUNTED[1][1],
        "simulated",
    )
    rates = np.repeat([0.01, rate], [good, longest])
    unsupported = generator.random(len(rates)) < rates
    flagged = generator.random(len(rates)) < np.where(unsupported, checker[0], 1 - checker[1])
    drawn = generator.random(len(rates)) < audited
    monitor, last = Monitor.start(DEFAULT_OBJECTIVE, counts), -1
    for place in np.flatnonzero(flagged | drawn):
        verdicts = [AuditedAnswer(bool(flagged[place]), bool(unsupported[place]), audited)] if drawn[place] else []
        monitor = monitor.observe(int(place) - last, int(flagged[place]), int(drawn[place]), verdicts)
        last = int(place)
        if monitor.alarmed_at is not None:
            return monitor.alarmed_at
    return np.inf


def _visible(checker: tuple[float, float]) -> str:
    unsupported, sound = COUNTED[1]
    counts = ErrorCounts(unsupported * checker[0], unsupported, sound * (1 - checker[1]), sound, "simulated")
    rate = least_visible_rate(DEFAULT_OBJECTIVE, counts)
    return f"{100 * rate:.1f}%" if rate is not None else "nothing"


def _delay(delays: Floats) -> str:
    shown = np.quantile(delays, [0.5, 0.9], method="higher")
    median, most = (f"{value:,.0f}" if np.isfinite(value) else "-" for value in shown)
    return f"{median} ({most})"


if __name__ == "__main__":
    main()
