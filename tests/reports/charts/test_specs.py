"""Charts as specifications: compared with recorded ones, and read for what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from bench.reports.charts.chart import Bar, Chart, Point
from bench.reports.charts.rendering import specification
from bench.reports.charts.specs import (
    bars,
    deviation_axis,
    factor_axis,
    latency_curves,
    lines,
    percentile_position,
    round_axis,
)
from bench.reports.charts.theme import PALETTE, colors, dashes
from bench.reports.figures import make_charts
from bench.reports.view import make_view
from tests.factories import Truth, open_profile, run_data, run_view
from tests.golden import assert_golden
from tests.reports import samples

if TYPE_CHECKING:
    from bench.model.summary import RunView

NAMES = ("against", "throughput", "latency", "cpu", "payload", "trials", "warmup", "rounds")


def _charts(run: RunView) -> dict[str, Chart]:
    return {chart.name: chart for chart in make_charts(make_view(run)).all}


def _values(chart: Chart, panel: int = 0) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = chart.panels[panel].spec["data"]["values"]
    return values


@pytest.mark.parametrize("name", NAMES)
def test_specification_is_as_recorded(name: str) -> None:
    """Marks, scales, titles and figures of each chart of a run that has data for all."""
    spec = specification(_charts(samples.five_servers())[name])

    assert_golden(f"charts/{name}.json", orjson.dumps(spec, option=orjson.OPT_INDENT_2))


def test_charts_without_data_are_left_out() -> None:
    """One round, one workload, closed loop: no percentiles, no payload sizes, no rounds."""
    assert set(_charts(samples.one_round())) == {"throughput", "cpu", "warmup"}
    assert _charts(samples.all_failed()) == {}


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_speaks(name: str) -> None:
    """A title that says what is seen, a text alternative with figures, units on both axes."""
    chart = _charts(samples.five_servers())[name]
    layers = [layer for panel in chart.panels for layer in panel.spec["layer"]]

    assert chart.title
    assert chart.alt.startswith(chart.title)
    assert any(character.isdigit() for character in chart.alt)
    assert all(layer["encoding"]["x"].get("title") for layer in layers[:1])


def test_a_server_keeps_its_color() -> None:
    """The same server has the same color in every chart, whoever else is in it."""
    scales = [
        layer["encoding"]["color"]["scale"]
        for chart in _charts(samples.five_servers()).values()
        for panel in chart.panels
        for layer in panel.spec["layer"]
        if "color" in layer["encoding"]
    ]

    assert len(scales) > 10
    assert all(scale == scales[0] for scale in scales)
    assert scales[0]["range"] == list(PALETTE[:5])


def test_more_servers_than_colors_differ_by_dash() -> None:
    """No two of sixteen servers share color and dash."""
    pairs = list(zip(colors(16), map(tuple, dashes(16)), strict=True))

    assert len(set(pairs)) == 16


def test_bars_start_at_zero_and_carry_their_interval() -> None:
    """A bar is as long as its value; the interval is drawn only where there is one."""
    panel = bars(
        "t", [Bar("a", 10.0, 8.0, 12.0, "10"), Bar("b", 5.0, None, None, "5")], ["a", "b"], "u"
    )
    bar, rule, _ = panel.spec["layer"]

    assert bar["encoding"]["x"]["scale"]["zero"] is True
    assert rule["transform"] == [{"filter": "isValid(datum.low)"}]
    assert panel.spec["data"]["values"][0]["end"] == 12.0
    assert panel.spec["data"]["values"][1]["end"] == 5.0


def test_percentile_axis_gives_each_nine_the_same_room() -> None:
    """90, 99 and 99.9 stand one step apart."""
    assert percentile_position(90) == pytest.approx(1)
    assert percentile_position(99) == pytest.approx(2)
    assert percentile_position(99.9) == pytest.approx(3)


def test_curves_are_thinned_and_end_where_the_data_end() -> None:
    """A curve of 10,000 points is drawn with few, its last one kept; 100 has no place."""
    curve = [(100 * k / 10_000, 10.0 + k) for k in range(10_001)]
    values = latency_curves("t", [("a", curve)], ["a"], "ms").spec["data"]["values"]

    assert len(values) < 400
    assert values[-1]["x"] == pytest.approx(percentile_position(99.99))
    assert values[-1]["y"] == pytest.approx(10.009)


def test_a_curve_without_points_is_no_line() -> None:
    """A server without a distribution does not stop the chart."""
    panel = latency_curves("t", [("a", [(100.0, 5.0)]), ("b", [(50.0, 5.0)])], ["a", "b"], "ms")

    assert {value["server"] for value in panel.spec["data"]["values"]} == {"b"}


def test_left_out_trials_are_crosses() -> None:
    """A marked point is no part of the line and is drawn apart."""
    points = [Point("a", 1, 0.0), Point("a", 2, 1.0, "invalid")]
    panel = lines("t", points, ["a"], round_axis(2), deviation_axis("%", [1.0]))
    line, cross = panel.spec["layer"]

    assert line["transform"] == [{"filter": "datum.mark === ''"}]
    assert cross["mark"]["shape"] == "cross"


def test_rounds_show_left_out_trials() -> None:
    """The chart of rounds holds every trial, the excluded ones with their status."""
    chart = _charts(samples.five_servers())["rounds"]
    marks = {value["mark"] for panel in range(len(chart.panels)) for value in _values(chart, panel)}

    assert marks == {"", "invalid"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [([3.0, 40.0], [5.0, 10.0, 20.0, 50.0]), ([1.0, 1e6], [10.0**n for n in range(7)])],
)
def test_factor_axis_labels(values: list[float], expected: list[float]) -> None:
    """1, 2 and 5 of each ten where there is room, else the tens."""
    assert factor_axis("t", values)["axis"]["values"] == pytest.approx(expected)


def test_deviation_axis_is_symmetric() -> None:
    """As far down as up, so that the eye is not misled; never narrower than 2 %."""
    assert deviation_axis("t", [-10.0, 3.0])["scale"]["domain"] == pytest.approx([-11.5, 11.5])
    assert deviation_axis("t", [])["scale"]["domain"] == [-2.0, 2.0]


def test_many_rounds_are_labeled_sparsely() -> None:
    """At most a dozen labels."""
    values = round_axis(100)["axis"]["values"]

    assert values[0] == 1
    assert len(values) <= 12


def test_open_loop_is_where_latency_is_drawn() -> None:
    """A closed loop has no latency chart, an open one has no throughput chart."""
    run = run_view(run_data({"a": Truth(), "b": Truth()}, profiles=(open_profile(),)))

    assert "latency" in _charts(run)
    assert "throughput" not in _charts(run)


def test_figures_are_finite() -> None:
    """No specification holds a number that JSON cannot."""
    for chart in _charts(samples.five_servers()).values():
        for panel in range(len(chart.panels)):
            spec = chart.panels[panel].spec
            parts = [part["data"]["values"] for part in (spec, *spec["layer"]) if "data" in part]
            for value in (value for values in parts for value in values):
                assert all(math.isfinite(v) for v in value.values() if isinstance(v, float))
