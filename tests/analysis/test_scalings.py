"""Sweeps: what was put in comes out, in numbers and in words, in every form of report."""

from __future__ import annotations

import json
import math
import random
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from bench.reports import REPORTS
from bench.reports.assembly import Rendering
from tests.factories import Truth, closed_profile, run_data, run_view
from tests.reports import samples

if TYPE_CHECKING:
    from bench.model.plan import LoadProfile
    from bench.model.scaling import Scaling
    from bench.model.summary import RunView
    from bench.model.trial_record import TrialRecord
    from tests.factories import Edit

LEVELS = (1, 2, 4, 8, 16, 32)


def law(n: float, contention: float, coherency: float) -> float:
    return 1000.0 * n / (1 + contention * (n - 1) + coherency * n * (n - 1))


def over_connections(levels: tuple[int, ...] = LEVELS) -> list[LoadProfile]:
    return [
        closed_profile(f"wrk-c{n}", connections=n).model_copy(update={"swept": "connections"})
        for n in levels
    ]


def over_cpus(levels: tuple[int, ...]) -> list[LoadProfile]:
    return [
        closed_profile(f"wrk-c50-s{n}").model_copy(
            update={"swept": "server_cpus", "server_cpus": n}
        )
        for n in levels
    ]


def drawn(profiles: list[LoadProfile], contention: float, coherency: float, noise: float) -> Edit:
    """Rates of the law with noise from trial to trial."""
    rng = random.Random(5)
    at = {one.id: one.server_cpus or one.connections for one in profiles}

    def edit(trial: TrialRecord) -> TrialRecord:
        assert trial.load is not None
        rate = law(at[trial.profile], contention, coherency) * math.exp(rng.gauss(0, noise))
        load = trial.load.model_copy(update={"throughput_rps": rate})
        return trial.model_copy(update={"load": load})

    return edit


def swept(
    profiles: list[LoadProfile], contention: float, coherency: float, noise: float = 0.01
) -> RunView:
    edit = drawn(profiles, contention, coherency, noise)
    return run_view(run_data({"axum": Truth()}, profiles=profiles, edit=edit))


def only(run: RunView) -> Scaling:
    view = Rendering(run).view
    (one,) = view.run.summary.scaling
    return one


@pytest.mark.parametrize(("contention", "coherency"), [(0.06, 0.002), (0.3, 0.0), (0.02, 0.01)])
def test_the_law_that_was_put_in_comes_out(contention: float, coherency: float) -> None:
    """Within its intervals, and the intervals are narrow where noise is small."""
    one = only(swept(over_connections(), contention, coherency))

    assert one.law is not None
    assert one.law.contention.low <= contention <= (one.law.contention.high or 1)
    assert one.law.coherency.low <= coherency <= (one.law.coherency.high or 1)
    assert one.law.contention.value == pytest.approx(contention, abs=0.02)
    assert [point.at for point in one.points] == list(LEVELS)
    assert (one.law.peak is None) is (coherency == 0)


def test_where_it_stops_gaining_in_words() -> None:
    """The first level that reaches the most but for the margin, and the share that is serial."""
    steep = only(swept(over_cpus((1, 2, 4, 8)), 0.06, 0.06, noise=0.002))
    assert steep.gains_until == (4, 4)
    assert steep.text.startswith("stops gaining at 4 CPUs (at most ")
    assert "] of the work is serial; " in steep.text
    assert "for each pair of CPUs to keep agreed" in steep.text
    assert "more is less beyond 4 CPUs" in steep.text

    straight = only(swept(over_cpus((1, 2, 4, 8)), 0.0, 0.0, noise=0.002))
    assert straight.text.startswith("still gains at 8 CPUs, the most that was tried")
    assert "no cost of keeping CPUs agreed is shown" in straight.text


def test_noise_leaves_a_range_of_levels() -> None:
    """What the intervals cannot tell apart is said as a range."""
    one = only(swept(over_connections(), 0.2, 0.005, noise=0.1))

    assert one.gains_until is not None
    first, last = one.gains_until
    assert first < last
    assert f"stops gaining between {first} and {last} connections" in one.text


def test_few_points_have_no_law() -> None:
    """One is said to be one; below four levels there are rates alone."""
    single = only(swept(over_cpus((1,)), 0.06, 0.0))
    assert (single.gains_until, single.law, single.no_law) == (None, None, "one-point")
    assert single.text.startswith("one point, 1 CPU: ")

    three = only(swept(over_cpus((1, 2, 4)), 0.06, 0.0))
    assert (three.law, three.no_law) == (None, "few-levels")
    assert "3 levels, and the law needs four" in three.text


def test_rates_that_the_load_tool_limited_are_no_part_of_the_law() -> None:
    """They are lower bounds: marked, and left out of the fit."""
    profiles = over_connections()
    law_of = drawn(profiles, 0.06, 0.0, 0.005)

    def edit(trial: TrialRecord) -> TrialRecord | None:
        done = law_of(trial)
        assert done is not None
        assert done.load is not None
        if trial.profile != "wrk-c32":
            return done
        load = done.load.model_copy(update={"throughput_rps": 100.0})
        return done.model_copy(update={"load": load, "bound": "client"})

    one = only(run_view(run_data({"axum": Truth()}, profiles=profiles, edit=edit)))
    assert [point.at for point in one.points if point.client_bound] == [32]
    assert one.law is not None
    assert one.law.contention.value == pytest.approx(0.06, abs=0.01)


def test_every_form_of_report_has_it() -> None:
    """Section and picture in Markdown, a chart in HTML, figures and words in JSON."""
    profiles = [*over_connections(), *over_cpus((1,))]
    edit = drawn(profiles, 0.06, 0.002, 0.01)
    run = run_view(
        run_data({"axum": Truth(), "robyn": Truth()}, profiles=profiles, rounds=3, edit=edit)
    )

    page = samples.text(run)
    assert "## Scaling" in page
    assert "Json small over connections (wrk)" in page
    assert "one point, 1 CPU" in page
    files = REPORTS["markdown"].render(Rendering(run))
    assert PurePosixPath("charts/scaling-json-small-connections-wrk.svg") in files
    data = json.loads(samples.text(run, "json"))
    assert [(one["server"], one["swept"]) for one in data["scaling"]] == [
        ("axum", "connections"),
        ("robyn", "connections"),
        ("axum", "server_cpus"),
        ("robyn", "server_cpus"),
    ]
    assert "of the work is serial" in data["scaling"][0]["text"]
    assert "scaling-json-small-connections-wrk" in samples.text(run, "html")


def test_a_run_without_a_sweep_has_none() -> None:
    """Neither a section nor a key in JSON."""
    run = run_view(run_data({"axum": Truth()}))

    assert "## Scaling" not in samples.text(run)
    assert "scaling" not in json.loads(samples.text(run, "json"))
