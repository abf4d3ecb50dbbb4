"""What every report shows: metrics, differences between runs, how to repeat them, and their settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals.report.html import Html, element, joined, table
from evals.report.naming import NamedRun, number, value_with_interval
from evals.report.plots import interval_plot
from evals.runs.compare_runs import Difference, compare_many

_SHOWN_DIGITS = 12


def cards(run: NamedRun, metrics: Mapping[str, str]) -> Html:
    """The figures to look at first: metric to the words for it."""
    found = []
    for metric, words in metrics.items():
        value, interval = value_with_interval(run.run, metric)
        if value:
            found.append(
                element(
                    "div",
                    element("div", words, class_="card-name"),
                    element("div", value, class_="card-value"),
                    element("div", interval or "\u00a0", class_="card-interval"),
                    class_="card",
                )
            )
    return element("div", *found, class_="cards")


def metric_tables(runs: Sequence[NamedRun]) -> Html:
    """All metrics with their 95% intervals, a column a run; those of parts (`kind:...`) in a table of their own."""
    names = list(dict.fromkeys(name for one in runs for name in one.run.metrics))
    parts = [name for name in names if name.startswith(("kind:", "domain:"))]
    whole = [name for name in names if name not in set(parts)]
    found = [section("Metrics", _metric_table(runs, whole), note="Values with their 95% intervals.")]
    if parts:
        found.append(section("By kind and domain", *(_part_table(one, parts) for one in runs)))
    return joined(found)


def _metric_table(runs: Sequence[NamedRun], names: Sequence[str]) -> Html:
    head: list[str | Html] = ["metric"]
    for one in runs:
        head += [one.name if len(runs) > 1 else "value", "95% interval"]
    rows = [[name, *(cell for one in runs for cell in value_with_interval(one.run, name))] for name in names]
    return table(head, rows, class_="numbers")


def _part_table(one: NamedRun, names: Sequence[str]) -> Html:
    by_part: dict[str, dict[str, str]] = {}
    for name in names:
        part, metric = name.rsplit("/", 1)
        value, interval = value_with_interval(one.run, name)
        by_part.setdefault(part, {})[metric] = f"{value} ({interval})" if interval else value
    metrics = list(dict.fromkeys(metric for values in by_part.values() for metric in values))
    rows = [
        [part.replace(":", ": ", 1), *(values.get(name, "") for name in metrics)] for part, values in by_part.items()
    ]
    return joined([element("h3", one.name), table(["part", *metrics], rows, class_="numbers")])


def differences(runs: Sequence[NamedRun]) -> Html:
    """Every other run against the first, item by item; all runs must be over the same data."""
    first, *others = runs
    found = compare_many(first.run, [one.run for one in others])
    quality = [
        [one for one in part if one.metric.rsplit("/", 1)[-1] not in ("latency_ms", "ms", "cost_usd")] for part in found
    ]
    rows = list(dict.fromkeys(one.metric for part in quality for one in part))
    series = [
        (f"{other.name} - {first.letter}", [_of_metric(part, metric) for metric in rows])
        for other, part in zip(others, quality, strict=True)
    ]
    return section(
        "Differences",
        element("figure", interval_plot(rows, series, zero=True)) if rows else Html(""),
        *(_difference_table(first, other, part) for other, part in zip(others, found, strict=True)),
        note="Paired item by item, with 95% intervals; p values corrected for all of them together (Holm).",
    )


def _of_metric(part: Sequence[Difference], metric: str) -> tuple[float, float, float] | None:
    return next(((one.difference, one.low, one.high) for one in part if one.metric == metric), None)


def _difference_table(first: NamedRun, other: NamedRun, part: Sequence[Difference]) -> Html:
    a, b = first.letter, other.letter
    head = ["metric", "items", a, b, f"{b} - {a}", "95% interval", "p (Holm)", ""]
    rows: list[list[str | Html]] = []
    for one in part:
        clear = one.p_holm < 0.05 and one.difference != 0
        words, class_ = ("no clear difference", "even") if not clear else (f"{b} is worse", "worse")
        if clear and not one.b_is_worse:
            words, class_ = f"{b} is better", "better"
        rows.append(
            [
                one.metric,
                str(one.items),
                number(one.a),
                number(one.b),
                f"{one.difference:+.4g}",
                f"{one.low:+.4g} to {one.high:+.4g}",
                f"{one.p_holm:.3f}",
                element("span", words, class_=class_),
            ]
        )
    return joined(
        [
            element("h3", f"{other.name} against {first.name}"),
            table(head, rows, class_="numbers"),
        ]
    )


def provenance(runs: Sequence[NamedRun]) -> Html:
    """How to make each run again: command, commit, data, models, versions."""
    return section("How to repeat", *(_provenance(one, len(runs) > 1) for one in runs))


def _provenance(one: NamedRun, headed: bool) -> Html:
    run = one.run
    machine = run.machine
    rows: list[list[str | Html]] = [
        ["commit", element("code", run.commit or "not known")],
        ["data, SHA-256", element("code", run.data_hash)],
        ["started", f"{run.started}, {run.seconds:.1f} s"],
        ["machine", ", ".join(_machine(machine))],
        ["libraries", ", ".join(f"{name} {version}" for name, version in dict(machine.get("libraries") or {}).items())],
        ["seeds", ", ".join(f"{name} {value}" for name, value in run.seeds.items())],
        *([f"model: {name}", _in_words(value)] for name, value in run.models.items()),
    ]
    return joined(
        [
            element("h3", one.name) if headed else Html(""),
            element("pre", element("code", run.command)),
            table([], [row for row in rows if row[1]], class_="facts"),
        ]
    )


def _machine(machine: Mapping[str, Any]) -> list[str]:
    facts = {"processor": "{}", "cores": "{} cores", "memory_gib": "{} GiB", "system": "{}", "python": "Python {}"}
    return [form.format(machine[name]) for name, form in facts.items() if machine.get(name)]


def settings(runs: Sequence[NamedRun]) -> Html:
    """The effective settings; of several runs, those that differ first."""
    names = sorted({name for one in runs for name in one.run.settings})
    rows = [[name, *(_in_words(one.run.settings.get(name)) for one in runs)] for name in names]
    differing = [row for row in rows if len(set(row[1:])) > 1]
    same = [[row[0], row[1]] for row in rows if len(set(row[1:])) == 1]
    parts = []
    if differing:
        parts.append(table(["differing", *(one.name for one in runs)], differing, class_="facts"))
    half = (len(same) + 1) // 2
    columns = (table([], part, class_="facts") for part in (same[:half], same[half:]))
    parts.append(element("div", *columns, class_="settings"))
    return section("Settings", *parts)


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_short(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_in_words(one) for one in value)
    return "" if value is None else str(value)


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:_SHOWN_DIGITS]}…" if len(text) == 64 else text  # a SHA-256


def section(title: str, *children: Html, note: str = "", class_: str | None = None) -> Html:
    said = element("p", note, class_="note") if note else Html("")
    return element("section", element("h2", title), said, *children, class_=class_)


def figures(*pairs: tuple[str, Html]) -> Html:
    """Plots side by side, each with its caption."""
    return element(
        "div", *(element("figure", plot, element("figcaption", words)) for words, plot in pairs), class_="figures"
    )
