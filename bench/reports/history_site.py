"""A static site of a history: an overview and a page per server, each complete in itself."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from bench.reports.wording.history_words import (
    cause_words,
    change_words,
    metric_name,
    where_words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.model.history import History, HistoryEntry, Series, SeriesPoint

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


def render_site(
    history: History, entries: Sequence[HistoryEntry], *, commit_url: str = ""
) -> Mapping[PurePosixPath, bytes]:
    """All pages, by their paths in the site.

    Args:
        history: the series and their shifts.
        entries: for subjects of commits and the machines' words.
        commit_url: address of a commit's page with `{commit}` in it; "" = no links.
    """
    from bench.reports.jinja import environment, read  # noqa: PLC0415 - jinja2 is late

    template = environment(autoescape=True).get_template("history.html.j2")
    pages = _pages(history)
    subjects = {entry.run_id: (entry.subject, entry.dirty) for entry in entries}
    machines = {entry.fingerprint: entry.machine for entry in entries}
    menu = [(server, file) for server, file in pages.items()]
    found: dict[PurePosixPath, bytes] = {}
    for name, file in (("", "index.html"), *menu):
        own = [each for each in history.series if name in ("", each.server)]
        runs = {point.run_id: point for each in own for point in _kept(each, whole=bool(name))}
        places = {run_id: place for place, run_id in enumerate(runs)}
        data = {
            "overview": not name,
            "series": [_series(each, pages, places, whole=bool(name)) for each in own],
            # Once per run: a page has dozens of series of the same runs.
            "runs": [
                (run_id, point.commit, point.date, *subjects[run_id])
                for run_id, point in runs.items()
            ],
            "machines": machines,
            "commit": commit_url,
        }
        page = template.render(
            title=name or "History",
            menu=menu,
            file=file,
            style=read("report.css") + read("history.css"),
            script=read("history.js"),
            data=json.dumps(data, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c"),
        )
        found[PurePosixPath(file)] = page.strip().encode() + b"\n"
    return found


def _pages(history: History) -> dict[str, str]:
    """Server -> name of its page; names that a file cannot have are made safe, and unique."""
    found: dict[str, str] = {}
    for server in sorted({each.server for each in history.series}):
        name = _UNSAFE.sub("-", server)
        while f"{name}.html" in (*found.values(), "index.html"):
            name += "-"
        found[server] = f"{name}.html"
    return found


def _kept(series: Series, *, whole: bool) -> Sequence[SeriesPoint]:
    """The points that a page shows; the overview needs the newest only."""
    return series.points if whole else series.points[-1:]


def _series(
    series: Series, pages: Mapping[str, str], places: Mapping[str, int], *, whole: bool
) -> dict[str, Any]:
    """One series for the script; points name their run by its place in the page.

    The overview shows the last shift only.
    """
    return {
        "server": series.server,
        "page": pages[series.server],
        "workload": series.workload,
        "profile": series.profile,
        "metric": metric_name(series.metric),
        "unit": series.metric,
        "machine": series.points[0].fingerprint,
        "count": len(series.points),
        "shifts": len(series.changes),
        "points": [
            (places[each.run_id], *map(_short, (each.value, each.low, each.high)))
            for each in _kept(series, whole=whole)
        ],
        "changes": [
            {
                "index": change.index,
                "commit": change.commit,
                "date": series.points[change.index].date,
                "worse": change.worse,
                "cause": change.cause,
                "words": change_words(change, series.metric),
                "where": where_words(change, series),
                "held": cause_words(change),
            }
            for change in (series.changes if whole else series.changes[-1:])
        ],
    }


def _short(value: float | None) -> float | None:
    """Five digits: what a chart can show."""
    return None if value is None else float(f"{value:.5g}")
