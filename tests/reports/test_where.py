"""Where the time goes: profiles of a run become sentences, tables and charts by rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.model.cpu_profile import Conversion, Gil, ServerProfile
from bench.profiling.rules import rule_book
from bench.reports.blocks import OnPage, Table
from bench.reports.charts.stacked_bars import COLORS, Part, stacked
from bench.reports.figures import make_charts
from bench.reports.profiles import by_workload, differences, line_of, mean_of
from bench.reports.sections.where_time_goes import where_time_goes
from bench.reports.view import View, make_view
from bench.reports.wording.time_goes import (
    DOING,
    gap_words,
    gil_words,
    growth,
    shares_and_gaps,
    slope_words,
)
from tests.profiles import breakdown, conversion, profile
from tests.reports.samples import five_servers, text

if TYPE_CHECKING:
    from bench.model.summary import RunView

SPIKARD = {"kernel and network": 0.2, "event loop": 0.3, "JSON decode": 0.5}
AXUM = {"kernel and network": 0.6, "JSON decode": 0.4}


def run_with(*profiles: ServerProfile, conversions: tuple[Conversion, ...] = ()) -> RunView:
    return five_servers().model_copy(update={"breakdowns": profiles, "conversions": conversions})


def view_with(*profiles: ServerProfile) -> View:
    return make_view(run_with(*profiles))


def test_a_run_without_profiles_has_no_such_section() -> None:
    """Nothing is said where nothing was profiled."""
    assert "Where the time goes" not in text(five_servers())


def test_the_section_stands_in_every_form_with_its_chart() -> None:
    """Markdown and HTML say the same and show the bars; foreign names stay harmless."""
    run = run_with(profile("spikard", SPIKARD, 200.0), profile("axum", AXUM, 10.0))

    markdown, html = text(run), text(run, "html")

    assert "## Where the time goes" in markdown
    assert 'src="charts/where-json-small.svg"' in markdown
    assert "| JSON decode | 100 us (50.0%) |" not in markdown  # columns in the plan's order
    assert "| JSON decode | 4.00 us (40.0%) | 100 us (50.0%) |" in markdown
    assert 'id="chart-where-json-small"' in html
    assert "echo&lt;b&gt;" in html
    assert "echo<b>" not in html.replace("echo\\u003cb>", "")


def test_the_committed_report_links_to_no_profile() -> None:
    """RESULTS.md names the command instead of files that git ignores."""
    run = run_with(profile("spikard", SPIKARD))

    assert "spikard.flame.svg" in text(run)
    assert "spikard.flame.svg" not in text(run, "results")
    assert "bench profile --into" in text(run, "results")


def test_rows_are_sorted_and_unknown_is_always_there() -> None:
    """The largest category comes first, unknown last, whether it has samples or not."""
    rows = text(run_with(profile("spikard", SPIKARD, 200.0)))
    order = [rows.index(f"| {name} |") for name in ("JSON decode", "event loop", "unknown")]

    assert order == sorted(order)
    assert "| unknown | 0 |" in rows


def test_each_server_is_compared_with_the_baseline() -> None:
    """Sentences name what it costs, the largest parts, and where the difference lies."""
    view = view_with(profile("axum", AXUM, 10.0), profile("spikard", SPIKARD, 200.0))

    first, second = shares_and_gaps(view, by_workload(view)["json-small"])

    assert first == (
        "Axum (Rust) needs 10.0 us of CPU per request, chiefly in the kernel and network "
        "(6.00 us, 60.0%) and decoding JSON (4.00 us, 40.0%)."
    )
    assert second == (
        "Spikard (Python) needs 200 us of CPU per request, chiefly decoding JSON (100 us, 50.0%), "
        "in the event loop (60.0 us, 30.0%) and in the kernel and network (40.0 us, 20.0%). "
        "That is 190 us more than Axum (Rust): 96.0 us decoding JSON, 60.0 us in the event loop "
        "and 34.0 us in the kernel and network."
    )


def test_without_cpu_per_request_only_shares_are_said() -> None:
    """A profile whose cost is not known gets shares and no comparison."""
    view = view_with(profile("axum", AXUM, 10.0), profile("spikard", SPIKARD, None))

    said = shares_and_gaps(view, by_workload(view)["json-small"])

    assert said[1] == (
        "Spikard (Python) spends its CPU time chiefly decoding JSON (50.0%), "
        "in the event loop (30.0%) and in the kernel and network (20.0%)."
    )
    assert "CPU time of a request" in text(view.run)


def test_a_difference_within_the_sampling_noise_is_not_named() -> None:
    """What could be chance gets no words; what is cheaper is said."""
    ours = breakdown({"event loop": 0.5, "JSON decode": 0.5}, 100.0)
    equal = breakdown({"event loop": 0.49, "JSON decode": 0.51}, 99.5)
    other = breakdown({"event loop": 0.2, "JSON decode": 0.8}, 90.0)

    assert gap_words(differences(ours, equal)) == ""
    assert gap_words(differences(other, ours)) == ""
    assert gap_words(differences(ours, other)) == (
        "That is 10.0 us more than {other}: 32.0 us in the event loop; "
        "it spends 22.0 us less decoding JSON."
    )


def test_differences_come_largest_first_and_cancel_when_swapped() -> None:
    """A against B is the negative of B against A, category by category."""
    a, b = breakdown(SPIKARD, 200.0), breakdown(AXUM, 10.0)
    there = {item.category: item.extra for item in differences(a, b)}

    assert list(there) == sorted(there, key=lambda name: -there[name])
    assert {item.category: -item.extra for item in differences(b, a)} == pytest.approx(there)
    assert sum(there.values()) == pytest.approx(190.0)
    with pytest.raises(ValueError, match="not known"):
        differences(a, breakdown(AXUM, None))


def test_the_later_of_two_profiles_counts() -> None:
    """Profiling again replaces what was seen before; the order is that of the plan."""
    view = view_with(
        profile("spikard", SPIKARD, 200.0, started="2026-01-02T00:00:00+00:00"),
        profile("spikard", AXUM, 300.0),
        profile("axum", AXUM, 10.0, started="2026-01-03T00:00:00+00:00"),
    )

    assert [(p.server, p.cpu_us) for p in by_workload(view)["json-small"]] == [
        ("axum", 10.0),
        ("spikard", 200.0),
    ]


def test_a_profile_that_saw_too_little_is_named_and_not_shown() -> None:
    """Its shares stand in no table."""
    run = run_with(profile("spikard", SPIKARD, refused="perf saw 3 samples"))

    assert "not shown: Perf saw 3 samples." in text(run)
    assert "where-json-small" not in text(run)


def test_the_growth_with_the_body_is_said_by_category() -> None:
    """From the cheapest to the costliest workload, where the extra goes."""
    view = view_with(
        profile("spikard", SPIKARD, 200.0),
        profile("spikard", {"JSON decode": 1.0}, 2_000.0, workload="json-large"),
        profile("axum", AXUM, 10.0),
        profile("axum", AXUM, 11.0, workload="json-large"),
    )

    (said,) = growth(view, by_workload(view))

    assert said.startswith("Spikard (Python): ")
    assert "costs 1,800 us more CPU than" in said
    assert said.endswith("spent decoding JSON (1,900 us, 106%).")


def test_the_lock_is_said_where_it_costs() -> None:
    """One thread that never waits gets no sentence; what a method cannot see is left out."""
    busy = Gil(held_on_cpu=0.4, taking_share=0.1, threads=7)
    idle = Gil(held_on_cpu=0.8, taking_share=0.001, threads=1)
    looked = Gil(held_on_cpu=None, taking_share=None, threads=3, held=0.9)
    profiles = [
        profile("spikard", SPIKARD, 200.0, gil=busy),
        profile("fastapi", SPIKARD, gil=idle),
        profile("robyn", SPIKARD, gil=looked),
        profile("axum", AXUM),
    ]

    assert gil_words(view_with(), profiles) == [
        (
            "Spikard (Python): 7 threads were seen taking the GIL, taking and releasing it is "
            "10.0% of the CPU time (20.0 us per request) and its holder ran on a CPU for 40.0% "
            "of the window."
        ),
        (
            "Robyn (Python): 3 threads were seen taking the GIL and it was held for 90.0% of "
            "the window."
        ),
    ]
    assert "| Spikard (Python) | Json small | 40.0% | 10.0% | 7 |" in text(run_with(*profiles))


def test_what_each_kb_costs_has_intervals_that_hold_the_truth() -> None:
    """The line is found although the spread grows with the cost."""
    found = conversion({"spikard": (130.0, 160.0), "axum": (6.0, 10.0)})
    line = line_of(found, "spikard")

    assert line is not None
    assert line.intercept.low < 130.0 < line.intercept.high
    assert line.slope.low < 160.0 < line.slope.high
    assert line.intercept.high - line.intercept.low < 10
    assert mean_of(found, "axum", 1_000) == pytest.approx(16.0)
    assert mean_of(found, "axum", 999) is None


def test_the_experiment_over_sizes_stands_in_the_report() -> None:
    """Sentence, table, chart; the last experiment counts."""
    old = conversion({"spikard": (1.0, 1.0)})
    new = conversion({"spikard": (130.0, 160.0)}).model_copy(update={"started": "2027"})
    run = run_with(conversions=(new, old))

    shown = text(run)

    assert "### What each KB costs" in shown
    assert "adds 160 us [" in shown
    assert 'src="charts/where-per-kb.svg"' in shown
    (said,) = slope_words(make_view(run), new)
    assert said.startswith("Spikard (Python): each KB of body, sent and returned, adds 160 us [")


def test_too_few_points_make_no_line() -> None:
    """Two sizes once, or one size often, have a row without figures and no sentence."""
    found = conversion({"spikard": (130.0, 160.0)})
    one_size = found.model_copy(
        update={"points": tuple(p for p in found.points if p.body_bytes == 0) * 2}
    )
    view = make_view(run_with(conversions=(one_size,)))

    assert line_of(one_size, "spikard") is None
    assert slope_words(view, one_size) == []
    assert "| Spikard (Python) | - | - | 4 |" in text(view.run)


def test_a_line_through_zero_is_said_so() -> None:
    """An intercept that cannot be distinguished from 0 is no finding."""
    found = conversion({"spikard": (0.01, 160.0)})
    bent = found.model_copy(
        update={
            "points": tuple(
                p.model_copy(update={"us": (p.us or 0) * (3 if p.round == 1 else 0.3)})
                for p in found.points
            )
        }
    )

    (said,) = slope_words(view_with(), bent)

    assert "cannot be distinguished from 0" in said


def test_bars_are_placed_end_to_end_in_one_order() -> None:
    """Each part begins where the last one ends; narrow parts carry no share."""
    parts = [Part("event loop", 30.0, 0.3), Part("JSON decode", 69.0, 0.69)]
    rest = [Part("compiler", 1.0, 0.01), Part("unknown", 0.0, 0.0)]
    order = ["JSON decode", "event loop", "compiler", "unknown"]

    panel = stacked([("a", [*parts, *rest])], order, "us")
    values = panel.spec["data"]["values"]

    assert [(v["category"], v["start"], v["end"], v["wide"]) for v in values] == [
        ("JSON decode", 0.0, 69.0, True),
        ("event loop", 69.0, 99.0, True),
        ("compiler", 99.0, 100.0, False),
    ]


@pytest.mark.parametrize("runtime", ["python", "node", "native"])
def test_every_category_has_a_color_and_words(runtime: str) -> None:
    """A category of the rules keeps its color in every chart and can be named in a sentence."""
    names = set(rule_book(runtime).categories)

    assert names <= set(COLORS)
    assert names <= set(DOING)
    known = [COLORS[name] for name in names]
    assert len(known) == len(set(known))


def test_the_charts_tell_their_figures_in_words() -> None:
    """Whoever cannot see a bar gets its largest parts."""
    view = view_with(profile("spikard", SPIKARD, 200.0))

    (chart,) = make_charts(view).where

    assert chart.name == "where-json-small"
    assert "Spikard (Python) 200 us: JSON decode 50%, event loop 30%, kernel" in chart.alt


def test_another_cost_than_in_the_run_is_said() -> None:
    """A profile taken in another state of the machine is no picture of the run's figures."""
    run = run_with(profile("spikard", SPIKARD, 900.0), profile("axum", AXUM, 16.0))

    assert "trials cost 900 us of CPU per request, those of the run 190 us" in text(run)
    assert "Axum (Rust), Json small: the profile's own trials" not in text(run)


def test_tiny_parts_are_not_printed_to_the_nanosecond() -> None:
    """Below a tenth of a microsecond sampling knows nothing."""
    tiny = {"event loop": 0.999, "compiler": 0.001}

    assert "| compiler | under 0.1 us (0.1%) |" in text(run_with(profile("axum", tiny, 10.0)))


def test_every_row_has_a_cell_for_each_column() -> None:
    """No table of the section is askew, whatever is known of a profile."""
    gil = Gil(held_on_cpu=0.4, taking_share=0.1, threads=7)
    run = run_with(
        profile("axum", AXUM, 10.0),
        profile("spikard", SPIKARD, 200.0, gil=gil),
        profile("robyn", SPIKARD, None, workload="json-large"),
        conversions=(conversion({"axum": (6.0, 10.0)}),),
    )
    view = make_view(run)
    section = where_time_goes(view, make_charts(view), links=True)
    tables = [
        inner
        for block in section.blocks
        for inner in (block.blocks if isinstance(block, OnPage) else (block,))
        if isinstance(inner, Table)
    ]

    assert len(tables) > 6
    for table in tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_what_is_done_is_no_next_step() -> None:
    """A report that says where the time goes does not ask for a profile."""
    assert "Find where the time goes" in text(five_servers())
    assert "Find where the time goes" not in text(run_with(profile("axum", AXUM, 10.0)))
