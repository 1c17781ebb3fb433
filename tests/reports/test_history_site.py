"""The site of a long history: small pages, few elements, drawn by a real browser."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from bench.model.history import History, HistoryEntry, Series, SeriesChange, SeriesPoint
from bench.reports.history_site import render_site
from tests.reports.test_html import browse, needs_browser

if TYPE_CHECKING:
    from pathlib import Path

RUNS = 1000
METRICS = {
    "full": ("throughput_rps", "cpu_us_per_request", "rss_peak_bytes"),
    "open": ("p50_us", "p99_us", "cpu_us_per_request"),
}
WORKLOADS = ("plaintext", "json-small", "json-large", "upload", "static", "query", "echo", "db")
_FIRST = datetime(2023, 1, 1, tzinfo=UTC)


def long_history(servers: tuple[str, ...]) -> tuple[History, list[HistoryEntry]]:
    """A thousand runs of servers with 48 series each, and six shifts in every series."""
    entries = [
        HistoryEntry(
            run_id=f"{_FIRST + timedelta(days=run):%Y%m%dT%H%M%SZ}-all-{run:06x}",
            title="All",
            commit=f"{run:040x}",
            dirty=False,
            subject=f"Change number {run} of what is served here",
            committed=None,
            date=(_FIRST + timedelta(days=run)).isoformat(),
            fingerprint="f00d",
            machine="a CPU, 2 CPUs",
            bench_version="0.2.0",
            reference=servers[0],
            values=(),
        )
        for run in range(RUNS)
    ]
    series = tuple(
        _series(entries, (server, workload, profile, metric))
        for server in servers
        for workload in WORKLOADS
        for profile, metrics in METRICS.items()
        for metric in metrics
    )
    return History(series=series), entries


def _series(entries: list[HistoryEntry], cell: tuple[str, str, str, str]) -> Series:
    server, workload, profile, metric = cell
    points = tuple(
        SeriesPoint(
            run_id=entry.run_id,
            commit=entry.commit,
            date=entry.date,
            value=(value := 1234.567 + run * 37 % 101),
            low=value * 0.97,
            high=value * 1.03,
            fingerprint="f00d",
        )
        for run, entry in enumerate(entries)
    )
    changes = tuple(
        SeriesChange(
            commit=points[at].commit,
            after=points[at - 1].commit,
            index=at,
            first_index=at - 2,
            last_index=at + 2,
            ratio=1.05,
            low=1.03,
            high=1.07,
            p=0.0001,
            worse=True,
            cause="server",
        )
        for at in range(100, RUNS, 150)
    )
    return Series(
        server=server,
        workload=workload,
        profile=profile,
        metric=metric,
        points=points,
        changes=changes,
    )


@pytest.fixture(scope="module")
def site() -> dict[str, bytes]:
    """Pages of two servers and the overview."""
    pages = render_site(*long_history(("axum", "fastify")))
    return {str(path): data for path, data in pages.items()}


def test_pages_of_a_thousand_runs_are_small(site: dict[str, bytes]) -> None:
    """What belongs to a run is in a page once, not once for each of its 48 series."""
    page = site["axum.html"].decode()
    found = re.search(r'<script id="data"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])

    assert len(site["axum.html"]) < 48 * RUNS * 34
    assert len(site["index.html"]) < 200_000
    assert len(data["runs"]) == RUNS
    assert len(data["series"]) == 48
    assert page.count(f"{7:040x}") == 1
    assert data["series"][5]["points"][7][0] == 7
    assert data["runs"][7][1:] == [
        *(f"{7:040x}", "2023-01-08T00:00:00+00:00"),
        *("Change number 7 of what is served here", False),
    ]


@needs_browser
def test_a_browser_draws_few_elements(site: dict[str, bytes], tmp_path: Path) -> None:
    """Every chart is there, its line whole; elements grow with series and shifts, not with runs."""
    page, console = browse(site["axum.html"].decode(), tmp_path)
    lines = re.findall(r'<polyline class="line" points="([^"]*)"', page)

    assert console == ""
    assert len(lines) == 48
    assert {len(line.split()) for line in lines} == {RUNS}
    assert page.count('class="mark worse"') == 48 * 6
    assert len(re.findall(r"<[a-z]", page)) < 48 * 60


def test_names_of_pages_are_safe() -> None:
    """A server may be called what no file can be."""
    history, entries = long_history(("a/b",))
    pages = render_site(history.model_copy(update={"series": history.series[:1]}), entries)

    assert set(pages) == {PurePosixPath("index.html"), PurePosixPath("a-b.html")}
