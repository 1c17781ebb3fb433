"""Terminal, JSON, CSV and RESULTS.md of the same run."""

from __future__ import annotations

import csv
import io
import re
import time
from pathlib import PurePosixPath

import orjson
import pytest

from bench.model.summary import Summary
from bench.reports import REPORTS
from bench.reports.assembly import Rendering
from bench.reports.terminal import WIDTH
from bench.reports.wording.in_words import summary_in_words
from tests.golden import assert_golden
from tests.reports import samples

RUNS = ("two_servers", "one_round", "five_servers", "all_failed", "baseline_failed")


@pytest.mark.parametrize("form", list(REPORTS))
@pytest.mark.parametrize("name", RUNS)
def test_every_form_renders_every_run(form: str, name: str) -> None:
    """Each renders what there is, the same bytes each time."""
    run = getattr(samples, name)()
    first = REPORTS[form].render(Rendering(run))

    assert first == REPORTS[form].render(Rendering(run))
    assert all(first.values())


def test_names_are_those_of_the_option() -> None:
    """The registry is keyed by what `--as` takes."""
    assert {name: report.name for name, report in REPORTS.items()} == {
        name: name for name in ("markdown", "html", "json", "csv", "terminal", "results")
    }


def test_terminal_is_as_recorded() -> None:
    """Every line that `bench run` prints."""
    assert_golden(
        "reports/two_servers.txt", samples.text(samples.two_servers(), "terminal").encode()
    )


@pytest.mark.parametrize("name", RUNS)
def test_terminal_has_no_control_characters(name: str) -> None:
    """Plain text needs no terminal and obeys NO_COLOR."""
    page = samples.text(getattr(samples, name)(), "terminal")

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", page)


def test_terminal_text_fits() -> None:
    """Prose is wrapped; only tables and commands may be wider."""
    page = samples.text(samples.five_servers(), "terminal")
    prose = [line for line in page.splitlines() if line.lstrip().startswith("- ")]

    assert max(len(line) for line in prose if "bench " not in line) <= WIDTH


def test_wide_tables_are_turned() -> None:
    """The answer stands upright however wide; a table of metrics is turned where that fits."""
    page = samples.text(samples.five_servers(), "terminal")

    assert re.search(r"^Metric +Requests/sec +Average Latency", page, re.MULTILINE)
    assert re.search(r"^Workload +Server +Requests/sec +Rate against baseline", page, re.MULTILINE)


def test_json_is_the_summary() -> None:
    """What is read back is what the analysis found, unrounded, and its words."""
    run = samples.five_servers()
    found = orjson.loads(samples.text(run, "json"))

    expected = summary_in_words(run.summary).model_dump_json()
    assert Summary.model_validate(found) == Summary.model_validate_json(expected)
    assert list(found)[:3] == ["schema_version", "run_id", "title"]


def test_csv_has_one_line_per_cell() -> None:
    """Numbers come back unrounded; what was not measured is empty."""
    run = samples.five_servers()
    rows = list(csv.DictReader(io.StringIO(samples.text(run, "csv"))))
    first, cell = rows[0], run.summary.cells[0]

    assert len(rows) == len(run.summary.cells)
    assert cell.metrics.throughput_rps is not None
    assert float(first["throughput_rps_value"]) == cell.metrics.throughput_rps.value
    assert first["instructions_per_request_value"] == ""
    assert first["throughput_rps_verdict"] == "baseline"


def test_csv_of_an_arm_that_failed() -> None:
    """What was not counted is empty, and no 0; its errors are counted."""
    run = samples.all_failed()
    cell = run.summary.cells[0].model_copy(update={"errors_excluded": 22_491})
    summary = run.summary.model_copy(update={"cells": (cell, *run.summary.cells[1:])})
    page = REPORTS["csv"].render(Rendering(run.model_copy(update={"summary": summary})))
    rows = list(csv.DictReader(io.StringIO(page[PurePosixPath("report.csv")].decode())))

    assert (rows[0]["total_requests"], rows[0]["errors"], rows[0]["errors_excluded"]) == (
        "", "", "22491",
    )  # fmt: skip
    assert rows[1]["errors_excluded"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_csv_holds_no_formulas(start: str) -> None:
    """A spreadsheet takes no text for a formula."""
    run = samples.two_servers()
    cells = tuple(cell.model_copy(update={"workload": f"{start}1+1"}) for cell in run.summary.cells)
    summary = run.summary.model_copy(update={"cells": cells})
    page = REPORTS["csv"].render(Rendering(run.model_copy(update={"summary": summary})))
    rows = list(csv.DictReader(io.StringIO(page[PurePosixPath("report.csv")].decode())))

    assert rows[0]["workload"] == f"'{start}1+1"


def test_results_link_to_nothing_that_git_ignores() -> None:
    """The committed report names the run, its hash and the command that repeats it."""
    run = samples.two_servers()
    page = samples.text(run, "results")

    assert "](" not in page
    assert run.info.run_id in page
    assert run.trials_sha256 in page
    assert "bench run synthetic" in page
    assert 'src="charts/throughput.svg"' in page


def test_results_come_with_their_charts() -> None:
    """RESULTS.md is the main file; its charts stand beside it."""
    files = list(REPORTS["results"].render(Rendering(samples.two_servers())))

    assert files[0] == PurePosixPath("RESULTS.md")
    assert all(path.parts[0] == "charts" for path in files[1:])


@pytest.mark.slow
def test_summary_of_a_thousand_trials_in_time() -> None:
    """summary.json in a second, or a few on a slow machine."""
    run = samples.five_servers()
    begin = time.process_time()
    REPORTS["json"].render(Rendering(run))

    assert time.process_time() - begin < 5.0
