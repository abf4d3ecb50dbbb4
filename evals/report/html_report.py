"""Runs as one HTML page that stands alone: no scripts, nothing from elsewhere, everything escaped."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from evals.report.answers_section import answers_section, worst_questions
from evals.report.common_sections import differences, metric_tables, provenance, settings
from evals.report.groundedness_section import groundedness_section, worst_answers
from evals.report.html import Html, element, escaped, joined
from evals.report.naming import TITLES, NamedRun, kind_of, named
from evals.report.retrieval_section import retrieval_section, worst_queries
from evals.runs.run_record import RunRecord
from runtime.errors import InvalidInput

_STYLE = Path(__file__).with_name("report.css")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_PLOTS = {"groundedness": groundedness_section, "answers": answers_section, "retrieval": retrieval_section}
_ITEMS = {"groundedness": worst_answers, "answers": worst_questions, "retrieval": worst_queries}


def render_report(runs: Sequence[RunRecord]) -> str:
    """The page of one run, or of several of one kind, which are compared when they are over the same data.

    Raises `InvalidInput` without a run and for runs of different kinds. Takes a second or so.
    """
    if not runs:
        raise InvalidInput("A report needs at least one run.")
    kinds = sorted({kind_of(run) for run in runs})
    if len(kinds) > 1:
        raise InvalidInput(f"A report is about one kind of evaluation, and these are {' and '.join(kinds)}.")
    kind, shown = kinds[0], named(runs)
    comparable = len(runs) > 1 and len({run.data_hash for run in runs}) == 1
    measured = any(run.records for run in runs)
    body = [
        _header(kind, shown),
        _PLOTS[kind](shown) if kind in _PLOTS and measured else Html(""),
        differences(shown) if comparable else Html(""),
        metric_tables(shown),
        *(_ITEMS[kind](one) for one in shown if kind in _ITEMS and one.run.records),
        provenance(shown),
        settings(shown),
    ]
    head = joined(
        [
            Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
            Html(f'<meta http-equiv="Content-Security-Policy" content="{escaped(_POLICY)}">'),
            element("title", _title(kind, shown)),
            Html(f"<style>{_STYLE.read_text(encoding='utf-8')}</style>"),
        ]
    )
    page = element("html", element("head", head), element("body", element("main", *body)), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def write_report(runs: Sequence[RunRecord], path: Path) -> None:
    """Write the page; the file appears whole or not at all. Raises `InvalidInput`."""
    page = render_report(runs)
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(page, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise InvalidInput(f"The report could not be written to {path}: {error.strerror}.") from error


def _title(kind: str, runs: Sequence[NamedRun]) -> str:
    data = list(dict.fromkeys(str(one.run.settings.get("data") or "") for one in runs))
    return " · ".join([TITLES.get(kind, kind), *filter(None, data)])


def _header(kind: str, runs: Sequence[NamedRun]) -> Html:
    facts = []
    for one in runs:
        commit = (one.run.commit or "commit not known")[:10]
        items = f"{len(one.run.records):,} items"
        facts.append(element("p", f"{one.name} · {one.run.started[:10]} · {commit} · {items}", class_="note"))
    same = len({one.run.data_hash for one in runs}) == 1
    warning = (
        Html("") if same else element("p", "These runs are over different data and are not compared.", class_="note")
    )
    return element("header", element("h1", _title(kind, runs)), *facts, warning)
