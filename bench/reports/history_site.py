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

    from bench.model.history import History, HistoryEntry, Series

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
    runs = {
        entry.run_id: [entry.subject, entry.dirty, entry.date, entry.title] for entry in entries
    }
    machines = {entry.fingerprint: entry.machine for entry in entries}
    menu = [(server, file) for server, file in pages.items()]
    found: dict[PurePosixPath, bytes] = {}
    for name, file in (("", "index.html"), *menu):
        own = [each for each in history.series if name in ("", each.server)]
        data = {
            "overview": not name,
            "series": [_series(each, pages, whole=bool(name)) for each in own],
            "runs": {
                point.run_id: runs[point.run_id]
                for each in (own if name else ())
                for point in each.points
            },
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


def _series(series: Series, pages: Mapping[str, str], *, whole: bool) -> dict[str, Any]:
    """One series for the script; the overview needs its newest value only."""
    points = series.points if whole else series.points[-1:]
    return {
        "server": series.server,
        "page": pages[series.server],
        "workload": series.workload,
        "profile": series.profile,
        "metric": metric_name(series.metric),
        "unit": series.metric,
        "machine": series.points[0].fingerprint,
        "count": len(series.points),
        "points": [
            (each.run_id, each.commit, each.date, *map(_short, (each.value, each.low, each.high)))
            for each in points
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
            for change in series.changes
        ],
    }


def _short(value: float | None) -> float | None:
    """Five digits: what a chart can show."""
    return None if value is None else float(f"{value:.5g}")
