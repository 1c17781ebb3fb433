"""Load curves as charts: the knee is seen, and what was not measured so is marked."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from bench.model.finding import finding
from bench.reports.charts.load_curve import CurvePoint, curve_panel
from bench.reports.charts.rendering import render_svg
from bench.reports.curve_figures import curve_charts
from bench.reports.view import make_view
from tests.factories import Truth, open_profile, run_data, run_view

if TYPE_CHECKING:
    from bench.model.trial_record import TrialRecord
    from bench.reports.charts.chart import Chart

RATES = (1000.0, 2000.0, 4000.0, 8000.0, 9000.0)
SERVICE_US = 100.0


def _points(server: str = "a") -> list[CurvePoint]:
    """Of M/D/1 with 100 us of work, in ms: flat at first, steep near 10,000/s."""
    found = []
    for rate in RATES:
        load = rate * SERVICE_US / 1e6
        y = SERVICE_US / 1000 * (1 + load / (2 * (1 - load)))
        found.append(CurvePoint(server, rate, y, 0.9 * y, 1.1 * y))
    return found


def _layers(points: list[CurvePoint], **more: Any) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = curve_panel("p99 (ms)", points, ["a"], **more).spec["layer"]
    return layers


def test_both_axes_grow_by_factors() -> None:
    """Logarithmic, with every point and interval inside: a knee of tenfold time fits."""
    encoding = _layers(_points())[0]["encoding"]
    xs, ys = encoding["x"]["scale"], encoding["y"]["scale"]

    assert (xs["type"], ys["type"]) == ("log", "log")
    assert xs["domain"][0] <= RATES[0]
    assert xs["domain"][1] >= RATES[-1]
    assert ys["domain"][0] <= min(one.low or 0.0 for one in _points())
    assert ys["domain"][1] >= max(one.high or 0.0 for one in _points())


def test_the_knee_is_where_the_line_turns_upward() -> None:
    """On the axes as drawn, the steepest part of the line is its last one."""
    values = curve_panel("p99 (ms)", _points(), ["a"]).spec["data"]["values"]
    xs, ys = [value["x"] for value in values], [value["y"] for value in values]
    rises = [b / a for a, b in pairwise(ys)]
    strides = [b / a for a, b in pairwise(xs)]
    slopes = [(rise - 1) / (stride - 1) for rise, stride in zip(rises, strides, strict=True)]

    assert xs == list(RATES)
    assert slopes == sorted(slopes)
    assert slopes[-1] > 10 * slopes[0]


def test_a_marked_point_is_a_cross_without_line_and_interval() -> None:
    """Saturated or late: it is shown, and not drawn as if it had been measured."""
    points = _points()
    points[-1] = points[-1]._replace(mark="saturated")
    line, cross, *_, intervals = _layers(points)

    assert line["transform"] == [{"filter": "datum.mark === ''"}]
    assert cross["mark"]["shape"] == "cross"
    assert [value["x"] for value in intervals["data"]["values"]] == list(RATES[:-1])


def test_promise_and_answer_are_drawn_across_and_upright() -> None:
    """The limit of the promise and the rate that keeps it, both dashed."""
    across, upright = _layers(_points(), limit=0.5, rates=[7000.0])[-2:]

    assert across["data"]["values"] == [{"y": 0.5}]
    assert upright["data"]["values"] == [{"x": 7000.0}]
    assert all(layer["mark"]["strokeDash"] for layer in (across, upright))


def _run(marked: dict[float, str]) -> Chart:
    """A chart of a run with one server at four rates; rate -> finding in most of its trials."""
    profiles = tuple(
        open_profile(f"r{rate:g}", rate_rps=rate).model_copy(update={"curve": "c50"})
        for rate in RATES
    )

    def edit(trial: TrialRecord) -> TrialRecord:
        code = marked.get(trial.offered_rps or 0.0)
        if code is None or trial.round > 3:
            return trial
        return trial.model_copy(update={"findings": (finding(code, trial.trial, "tail"),)})

    data = run_data({"a": Truth()}, profiles=profiles, edit=edit)
    (chart,) = curve_charts(make_view(run_view(data)))
    return chart


@pytest.mark.parametrize(
    ("code", "mark"),
    [("saturated", "saturated"), ("timeouts", "saturated"), ("pacer-late", "late")],
)
def test_what_the_trials_found_marks_the_point(code: str, mark: str) -> None:
    """In three of five trials: the point of that rate alone, in the chart and in its words."""
    chart = _run({RATES[-1]: code})

    for panel in chart.panels:
        marks = {value["x"]: value["mark"] for value in panel.spec["data"]["values"]}
        assert marks.pop(RATES[-1], mark) == mark
        assert set(marks.values()) == {""}
    assert f"at 9,000/s ({mark})" in chart.alt


def test_the_chart_has_time_and_cost_over_the_rate() -> None:
    """p50, p99 and CPU per request, each with its unit; it can be drawn."""
    chart = _run({})
    titles = [panel.spec["layer"][0]["encoding"]["y"]["title"] for panel in chart.panels]

    assert titles == ["p50 response time (ms)", "p99 response time (ms)", "CPU per request (us)"]
    assert b"offered rate (requests/s)" in render_svg(chart)["light"]
