"""Runs that the tests of reports share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bench.model.summary import Cost
from tests.factories import Truth, closed_profile, open_profile, run_data, run_view, with_status

if TYPE_CHECKING:
    from bench.model.summary import CellSummary, RunView

RUST = Truth(rps=65_983)
PYTHON = Truth(rps=18_427, cpu_us=54.0, rss=80_000_000, open_us=900, language="Python")
FIVE = {
    "axum": Truth(rps=45_000),
    "spikard": Truth(rps=5_200, cpu_us=190.0, rss=90_000_000, language="Python"),
    "fastapi": Truth(rps=6_100, cpu_us=160.0, rss=70_000_000, sigma=0.6, language="Python"),
    "robyn": Truth(rps=9_800, cpu_us=99.0, rss=60_000_000, language="Python"),
    "fastify": Truth(rps=21_000, cpu_us=46.0, rss=110_000_000, language="JavaScript"),
}
CEILING = Truth(rps=90_000, cpu_us=8.0)
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
def rich() -> RunView:
    """All that a report can show of a run: copy, ceiling, both loops, lost rounds, cost."""
    edit = with_status("invalid", "errors", where=lambda trial: trial.order % 13 == 3)
    servers = {**FIVE, "axum-again": FIVE["axum"]._replace(server="axum"), "ceiling": CEILING}
    data = run_data(servers, workloads=SIZES, profiles=BOTH_LOOPS, rounds=6, seed=3, edit=edit)
    return with_cost(run_view(data))


def with_cost(run: RunView) -> RunView:
    """The run with cost in its closed cells, as duets at an equal rate give it."""
    cells = tuple(
        cell if (verdict := _cost(cell)) is None else cell.model_copy(update={"cost": verdict})
        for cell in run.summary.cells
    )
    return run.model_copy(update={"summary": run.summary.model_copy(update={"cells": cells})})


def _cost(cell: CellSummary) -> Cost | None:
    found = cell.metrics.cpu_us_per_request
    if cell.offered_rps or found is None or found.verdict is None:
        return None
    if found.verdict.word == "baseline" or found.verdict.ratio is None:
        return None
    ratio = found.verdict.ratio * 1.1
    ends = {"ratio": ratio, "low": ratio * 0.98, "high": ratio * 1.02}
    verdict = found.verdict.model_copy(update=ends)
    mine = found.value * 2
    base = mine / ratio
    told = {"rate_rps": 3100.0, "cpu_us": mine, "baseline_cpu_us": base, "floor": 0.021}
    return Cost(**ends, **told, n=6, verdict=verdict)


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
