"""What a report is made from is made once, and RESULTS.md stays short whatever was run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bench.reports import assembly
from bench.reports.assembly import Rendering
from bench.reports.results import MOST_BYTES, MOST_LINES
from bench.run.opening import render
from tests.factories import Truth, closed_profile, open_profile, run_data, run_view
from tests.reports import samples

if TYPE_CHECKING:
    from collections.abc import Callable

EIGHT = ("json-small", "json-medium", "json-large", "json-varied", "path", "query", "mixed", "text")
ARMS = {
    **samples.FIVE,
    "axum-again": Truth(rps=45_000, server="axum"),
    "ceiling": Truth(rps=90_000),
}


def test_view_charts_and_document_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All forms of a run come from one of each; pictures are drawn once, for two themes."""
    made: Counter[str] = Counter()

    def counted(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            made[name] += 1
            return real(*args, **options)

        return call

    for name in ("make_view", "make_charts", "make_document", "render_svg"):
        monkeypatch.setattr(assembly, name, counted(name, getattr(assembly, name)))

    files = render(samples.two_servers(), ["json", "markdown", "html", "csv", "terminal"])

    pictures = made.pop("render_svg")
    assert made == {"make_view": 1, "make_charts": 1, "make_document": 1}
    assert pictures * 2 == sum(name.endswith(".svg") for name in files)


@pytest.mark.parametrize("loops", [1, 2])
def test_results_stay_short(loops: int) -> None:
    """Eight workloads, seven arms, one or two loops, as `bench-all` has them."""
    profiles = (closed_profile(), open_profile())[:loops]
    run = run_view(run_data(ARMS, workloads=EIGHT, profiles=profiles, rounds=3))
    report = Rendering(samples.with_cost(run))
    page = render_results(report)

    assert page.count("\n") <= MOST_LINES
    assert len(page.encode()) <= MOST_BYTES
    assert page.count("| Axum (Rust) |") >= len(EIGHT)
    assert "## Results Summary" in page
    assert page.count("### ") >= len(profiles) * len(EIGHT)


def render_results(run: Rendering) -> str:
    from bench.reports import REPORTS  # noqa: PLC0415 - pictures are not needed

    run.__dict__["pictures"] = {}
    return next(iter(REPORTS["results"].render(run).values())).decode()


def test_what_is_left_out_for_length_is_said() -> None:
    """Four load profiles: tables go, the answer stays, and the reader learns where they are."""
    profiles = [closed_profile(f"wrk-c{n}", connections=n) for n in (1, 8, 50, 200)]
    run = run_view(run_data(ARMS, workloads=EIGHT, profiles=profiles, rounds=3))
    page = render_results(Rendering(run))

    assert page.count("\n") <= MOST_LINES
    assert len(page.encode()) <= MOST_BYTES
    assert "Left out here to keep this file short: " in page
    assert page.count("| Axum (Rust) |") >= len(profiles) * len(EIGHT)
