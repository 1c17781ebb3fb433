"""Runs that the tests of reports share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tests.factories import Truth, closed_profile, open_profile, run_data, run_view, with_status

if TYPE_CHECKING:
    from bench.model.summary import RunView

RUST = Truth(rps=65_983)
PYTHON = Truth(rps=18_427, cpu_us=54.0, rss=80_000_000, open_us=900, language="Python")
FIVE = {
    "axum": Truth(rps=45_000),
    "spikard": Truth(rps=5_200, cpu_us=190.0, rss=90_000_000, language="Python"),
    "fastapi": Truth(rps=6_100, cpu_us=160.0, rss=70_000_000, sigma=0.6, language="Python"),
    "robyn": Truth(rps=9_800, cpu_us=99.0, rss=60_000_000, language="Python"),
    "fastify": Truth(rps=21_000, cpu_us=46.0, rss=110_000_000, language="JavaScript"),
}
SIZES = ("json-small", "json-medium", "json-large")
BOTH_LOOPS = (closed_profile(), open_profile())


@cache
def two_servers() -> RunView:
    """The source report's two servers, five rounds."""
    return run_view(run_data({"axum": RUST, "spikard": PYTHON}))


@cache
def one_round() -> RunView:
    """The same, one trial each: no interval, no verdict."""
    return run_view(run_data({"axum": RUST, "spikard": PYTHON}, rounds=1))


@cache
def five_servers() -> RunView:
    """Five servers, three payload sizes, both loops, three rounds, some trials left out."""
    edit = with_status("invalid", "errors", where=lambda trial: trial.order % 17 == 3)
    return run_view(run_data(FIVE, workloads=SIZES, profiles=BOTH_LOOPS, rounds=4, edit=edit))


@cache
def all_failed() -> RunView:
    """No usable trial at all."""
    edit = with_status("failed", "server-died", where=lambda _: True)
    return run_view(run_data({"axum": RUST, "spikard": PYTHON}, edit=edit))


@cache
def baseline_failed() -> RunView:
    """Nothing to compare with."""
    edit = with_status("failed", "server-died", where=lambda trial: trial.server == "axum")
    return run_view(
        run_data({"axum": RUST, "spikard": PYTHON, "robyn": Truth(rps=30_000)}, edit=edit)
    )


def text(run: RunView, form: str = "markdown") -> str:
    """The main file of a report."""
    from bench.reports import REPORTS  # noqa: PLC0415 - samples are used without reports too
    from bench.reports.assembly import Rendering  # noqa: PLC0415 - as above

    return next(iter(REPORTS[form].render(Rendering(run)).values())).decode()
