"""The experiment over body sizes: bodies, lines, tables, the report alone."""

from __future__ import annotations

import orjson
import pytest

from bench.profiling.conversion import SIZES, body_of, render, tables_of
from tests.profiles import conversion, rows_of


@pytest.mark.parametrize("size", SIZES)
def test_a_body_is_a_json_object_of_about_that_size(size: int) -> None:
    """At least as large, by less than one item; nothing is an empty object."""
    body = body_of(size)

    assert isinstance(orjson.loads(body), dict)
    assert size <= len(body) < size + 100


def test_the_table_has_the_line_of_each_server() -> None:
    """Intercept and slope with intervals, and the mean at each size."""
    found = conversion({"spikard": (130.0, 160.0), "axum": (6.0, 10.0)})

    lines, sizes = tables_of(found)

    assert rows_of(lines)[0][0] == "spikard"
    assert rows_of(lines)[0][1].startswith("130 us [")
    assert rows_of(lines)[1][2].startswith("10.0 us [")
    assert rows_of(sizes)[0] == ("0", "130.0", "6.0")


def test_unusable_trials_are_left_out() -> None:
    """A server without usable trials has a row without figures."""
    found = conversion({"spikard": (130.0, 160.0)})
    points = tuple(p.model_copy(update={"us": None, "status": "invalid"}) for p in found.points)

    lines, sizes = tables_of(found.model_copy(update={"points": points}))

    assert rows_of(lines) == (("spikard", "-", "-", "0"),)
    assert rows_of(sizes)[0] == ("0", "-")


def test_the_report_is_the_same_each_time() -> None:
    """Markdown, page and a chart for light and for dark."""
    found = conversion({"spikard": (130.0, 160.0)})
    files = dict(render(found))

    assert files == dict(render(found))
    assert set(files) == {
        "charts/conversion.svg",
        "charts/conversion.dark.svg",
        "report.md",
        "report.html",
    }
    assert b"spikard: 130 us and 160.0 us for each KB" in files["report.md"]
    assert b"<svg" in files["report.html"]
