"""Plots as SVG to stand inline in a page: text drawn as paths, no fonts, scripts or files from elsewhere."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evals.groundedness.groundedness_metrics import reliability, roc_curve
from evals.report.html import Html, escaped

COLOURS = ("#2b6ca3", "#d9622b", "#3f8f5f", "#8a5aa8", "#b08a1e", "#5b6b79")
SUPPORTED, UNSUPPORTED = "#2b6ca3", "#d9622b"
_INK, _MUTED, _GRID = "#243038", "#63717d", "#e3e8ec"
_FONT = "DejaVu Sans"  # comes with the library
_STYLE = {
    "svg.fonttype": "path",
    "svg.hashsalt": "plumbline",
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.family": _FONT,
    "font.size": 8.5,
    "text.color": _INK,
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _INK,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _GRID,
    "grid.linewidth": 0.7,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
}
_LOCK = threading.Lock()
_NOT_NEEDED = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)
_WIDTH, _HEIGHT = 4.3, 3.1
_LONGEST_NAME = 36


def roc_plot(runs: Sequence[tuple[str, ArrayLike, ArrayLike]]) -> Html:
    """ROC curves of (name, scores, labels), "supported" being the positive class."""
    with _figure("ROC curve: supported answers passed against unsupported answers passed") as (figure, made):
        axes = _square(figure)
        axes.plot([0, 1], [0, 1], color=_MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        for (name, scores, labels), colour in zip(runs, _cycled(len(runs)), strict=True):
            false_rate, true_rate = roc_curve(scores, labels)
            axes.plot(false_rate, true_rate, color=colour, label=_drawable(name))
        axes.set(xlabel="unsupported answers passed", ylabel="supported answers passed")
        _legend(axes, runs, loc="lower right")
    return made()


def reliability_plot(runs: Sequence[tuple[str, ArrayLike, ArrayLike]]) -> Html:
    """Share supported against mean score in ten bins of equal mass, with the 95% interval of each share (Wilson)."""
    with _figure("Reliability diagram: share supported against predicted probability") as (figure, made):
        axes = _square(figure)
        axes.plot([0, 1], [0, 1], color=_MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        for (name, scores, labels), colour in zip(runs, _cycled(len(runs)), strict=True):
            mass, mean, share = reliability(scores, labels)
            low, high = _wilson(share, mass * len(np.asarray(labels)))
            axes.errorbar(
                mean, share, yerr=[share - low, high - share], color=colour, marker="o", markersize=4,
                elinewidth=0.8, linewidth=1.2, label=_drawable(name),
            )  # fmt: skip
        axes.set(xlabel="predicted probability of being supported", ylabel="share supported")
        _legend(axes, runs, loc="lower right")
    return made()


def score_histograms(runs: Sequence[tuple[str, ArrayLike, ArrayLike]]) -> Html:
    """How the scores of supported and of unsupported answers are spread, a panel a run."""
    with _figure("Histograms of scores by what people found", rows=len(runs)) as (figure, made):
        for place, (name, scores, labels) in enumerate(runs, start=1):
            axes = figure.add_subplot(len(runs), 1, place)
            score, label = np.asarray(scores), np.asarray(labels, dtype=bool)
            parts, colours = [score[~label], score[label]], (UNSUPPORTED, SUPPORTED)
            held = [number for number, part in enumerate(parts) if len(part)]
            axes.hist(
                [parts[number] for number in held], bins=list(np.linspace(0, 1, 21)), stacked=True,
                color=[colours[number] for number in held], rwidth=0.92,
            )  # fmt: skip
            axes.set(xlim=(0, 1), ylabel="answers")
            axes.set_title(_drawable(name) if len(runs) > 1 else "", fontsize=8.5, loc="left")
            axes.grid(axis="x", visible=False)
        axes.set_xlabel("score")
        for words, colour in (("unsupported", UNSUPPORTED), ("supported", SUPPORTED)):
            axes.bar(0, 0, color=colour, label=words)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return made()


def value_plot(runs: Sequence[tuple[str, ArrayLike]], label: str) -> Html:
    """How values of 0..1 are spread over the items: a histogram of one run, cumulative shares of several."""
    with _figure(f"Distribution of {label}") as (figure, made):
        axes = figure.add_subplot()
        for (name, values), colour in zip(runs, _cycled(len(runs)), strict=True):
            ordered = np.sort(np.clip(np.asarray(values, dtype=np.float64), 0, 1))
            if len(runs) == 1:
                axes.hist(ordered, bins=list(np.linspace(0, 1, 21)), color=colour, rwidth=0.92)
            else:
                shares = np.arange(len(ordered) + 1) / max(1, len(ordered))
                axes.step(
                    [0.0, *ordered, 1.0], [*shares, shares[-1]], color=colour, where="post", label=_drawable(name)
                )
        axes.set(xlim=(0, 1), xlabel=label, ylabel="items" if len(runs) == 1 else "share of items, up to this")
        axes.grid(axis="x", visible=False)
        _legend(axes, runs, loc="upper left")
    return made()


def latency_plot(runs: Sequence[tuple[str, ArrayLike]]) -> Html:
    """Share of the items that took at most so long (logarithmic), with p50 and p95 marked."""
    with _figure("Distribution of latency") as (figure, made):
        axes = figure.add_subplot()
        for (name, values), colour in zip(runs, _cycled(len(runs)), strict=True):
            ordered = np.sort(np.maximum(np.asarray(values, dtype=np.float64), 1e-3))
            axes.step(
                ordered,
                np.arange(1, len(ordered) + 1) / len(ordered),
                color=colour,
                where="post",
                label=_drawable(name),
            )
            for q in (0.5, 0.95):
                axes.plot(np.quantile(ordered, q), q, "o", color=colour, markersize=4)
        axes.set(xscale="log", ylim=(0, 1.02), xlabel="latency, ms", ylabel="share of items")
        axes.xaxis.set_major_formatter(lambda value, _place: f"{value:g}")
        low, high = axes.get_xlim()
        named = "25" if high / low < 100 else ""
        axes.xaxis.set_minor_formatter(lambda value, _place: f"{value:g}" if f"{value:e}"[0] in named else "")
        for q in (0.5, 0.95):
            axes.axhline(q, color=_MUTED, linewidth=0.6, linestyle=(0, (4, 3)))
            axes.annotate(f"p{round(100 * q)}", (1, q), xycoords=("axes fraction", "data"), fontsize=7.5, color=_MUTED,
                          xytext=(2, 0), textcoords="offset points", va="center")  # fmt: skip
        _legend(axes, runs, loc="lower right")
    return made()


def interval_plot(
    rows: Sequence[str], runs: Sequence[tuple[str, Sequence[tuple[float, float, float] | None]]], *, zero: bool = False
) -> Html:
    """A row a metric, a colour a run: (value, low, high) as a point in its interval. `zero`: differences, about 0."""
    height = 0.55 + len(rows) * (0.2 + 0.11 * len(runs))
    with _figure("Values with their 95% intervals", width=2 * _WIDTH, height=height) as (figure, made):
        axes = figure.add_subplot()
        if zero:
            axes.axvline(0, color=_MUTED, linewidth=0.8)
        for number, ((name, values), colour) in enumerate(zip(runs, _cycled(len(runs)), strict=True)):
            offset = (number - (len(runs) - 1) / 2) * 0.7 / max(1, len(runs))
            for row, found in enumerate(values):
                if found is not None:
                    value, low, high = found
                    axes.plot([low, high], [row + offset] * 2, color=colour, linewidth=1.6, solid_capstyle="butt")
                    axes.plot(value, row + offset, "o", color=colour, markersize=4.5)
            axes.plot([], [], "o-", color=colour, markersize=4.5, label=_drawable(name))
        axes.set_yticks(range(len(rows)), [_drawable(row) for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        if not zero:
            axes.set_xlim(-0.01, 1.01)
        axes.grid(axis="y", visible=False)
        if len(runs) > 1:
            figure.legend(loc="outside upper left", ncols=min(4, len(runs)))
    return made()


def outcome_plot(runs: Sequence[tuple[str, Sequence[int]]], outcomes: Sequence[tuple[str, str]]) -> Html:
    """Counts of each outcome (name, colour) as one bar a run."""
    height = 1.05 + 0.36 * len(runs)
    with _figure("What became of the questions", width=2 * _WIDTH, height=height) as (figure, made):
        axes = figure.add_subplot()
        for row, (_, counts) in enumerate(runs):
            left, whole = 0.0, max(1, sum(counts))
            for (_, colour), count in zip(outcomes, counts, strict=True):
                share = count / whole
                axes.barh(row, share, left=left, color=colour, height=0.62)
                if share > 0.04:
                    axes.text(
                        left + share / 2, row, f"{share:.0%}", ha="center", va="center", color="white", fontsize=8
                    )
                left += share
        for name, colour in outcomes:
            axes.barh(0, 0, color=colour, label=name)
        axes.set_yticks(range(len(runs)), [_drawable(name) for name, _ in runs])
        axes.set(xlim=(0, 1), ylim=(len(runs) - 0.5, -0.5))
        axes.xaxis.set_major_formatter(lambda value, _place: f"{value:.0%}")
        axes.grid(visible=False)
        figure.legend(loc="outside upper left", ncols=3)
    return made()


@contextmanager
def _figure(
    title: str, *, rows: int = 1, width: float = _WIDTH, height: float | None = None
) -> Iterator[tuple[Any, Callable[[], Html]]]:
    """A figure in our style, and a function that gives it as SVG once the block has ended."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    drawn = io.StringIO()
    with _LOCK, matplotlib.rc_context(_STYLE):  # the style is global to the library
        tall = height or (_HEIGHT if rows == 1 else 1.5 * rows + 0.4)
        figure = Figure(figsize=(width, tall), layout="constrained")
        yield figure, lambda: _inline(drawn.getvalue(), title)
        FigureCanvasSVG(figure).print_svg(drawn, metadata={"Date": None})


def _drawable(name: str) -> str:
    """A name as far as it can be drawn: short, in one line, of characters that the font has."""
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont(_FONT))
    line = " ".join(name.split())
    short = line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1] + "…"
    return "".join(one if one.isprintable() and font.get_char_index(ord(one)) else "?" for one in short)


def _inline(svg: str, title: str) -> Html:
    plain = _NOT_NEEDED.sub("", svg).strip()
    return Html(plain.replace("<svg ", f'<svg role="img" aria-label="{escaped(title)}" ', 1))


def _square(figure: Any) -> Any:
    axes = figure.add_subplot()
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.set_aspect("equal")
    return axes


def _legend(axes: Any, runs: Sequence[Any], loc: str) -> None:
    if len(runs) > 1:
        axes.legend(loc=loc)


def _cycled(count: int) -> list[str]:
    return [COLOURS[place % len(COLOURS)] for place in range(count)]


def _wilson(share: Any, count: Any) -> tuple[Any, Any]:
    """The 95% interval of a share of `count` items (Wilson, 1927)."""
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return np.minimum(middle - half, share), np.maximum(middle + half, share)
