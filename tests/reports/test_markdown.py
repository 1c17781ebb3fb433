"""report.md: the source report's document."""

from __future__ import annotations

import re
import time
from pathlib import PurePosixPath

import pytest

from bench.reports import REPORTS
from bench.reports.assembly import Rendering, make_document
from bench.reports.markdown import render_markdown
from bench.reports.view import make_view
from bench.run.opening import DERIVED, render
from tests.factories import Truth, run_data, run_view
from tests.golden import assert_golden
from tests.reports import samples

SECTIONS = (
    "Test Configuration",
    "Servers Tested",
    "Results Summary",
    "Key Findings",
    "Implications",
    "Next Steps",
    "Raw Data",
    "Conclusion",
)


@pytest.mark.parametrize("name", ["two_servers", "one_round", "five_servers"])
def test_report_is_as_recorded(name: str) -> None:
    """Every word and number of the document."""
    assert_golden(f"reports/{name}.md", samples.text(getattr(samples, name)()).encode())


def test_sections_in_the_order_of_the_source() -> None:
    """Each section of the source report has its counterpart, in its order."""
    found = re.findall(r"^## (.+)$", samples.text(samples.two_servers()), re.MULTILINE)

    assert tuple(found) == SECTIONS


def test_same_bytes_each_time() -> None:
    """The report is a pure function of the run, charts included."""
    run = samples.two_servers()

    assert REPORTS["markdown"].render(Rendering(run)) == REPORTS["markdown"].render(Rendering(run))


def test_files() -> None:
    """The document comes first, then each chart for a light and a dark page."""
    files = list(REPORTS["markdown"].render(Rendering(samples.two_servers())))

    assert files[0] == PurePosixPath("report.md")
    assert PurePosixPath("charts/throughput.svg") in files
    assert PurePosixPath("charts/throughput.dark.svg") in files


def test_every_chart_that_is_shown_is_there() -> None:
    """No picture is named that is not rendered, and none rendered that is not shown."""
    files = REPORTS["markdown"].render(Rendering(samples.five_servers()))
    (_, page), *_ = files.items()
    named = set(re.findall(r'(?:src|srcset)="([^"]+)"', page.decode()))

    assert named == {str(path) for path in files if path.suffix == ".svg"}


def test_every_link_stays_in_the_run() -> None:
    """Links are relative paths."""
    found = re.findall(r"\]\(([^)]+)\)", samples.text(samples.two_servers()))

    assert found == ["trials.jsonl", "summary.json", "plan.json", "host.json", "trials/"]


def test_no_row_without_data() -> None:
    """What the tool did not measure leaves no row and no gap."""
    run = run_view(run_data({"axum": Truth()}, rounds=1))
    page = samples.text(run)

    assert "Instructions" not in page
    assert "| **Requests/sec** |" in page
    assert "95 % interval**" not in page


@pytest.mark.parametrize("name", ["all_failed", "baseline_failed"])
def test_failed_runs_say_what_there_is_not(name: str) -> None:
    """A run without usable trials or without a baseline still renders and heads with it."""
    page = samples.text(getattr(samples, name)())

    assert "> - **baseline-missing**" in page.split("## Test Configuration")[0]
    assert "has no usable trial" in page
    assert "Ratio =" not in page
    assert "| Ratio |" not in page


def test_without_a_baseline_the_fastest_stands_first() -> None:
    """Servers are sorted by rate where there is nothing to compare with."""
    page = samples.text(samples.baseline_failed())
    header = next(line for line in page.splitlines() if line.startswith("| Metric |"))

    assert header == "| Metric | Robyn (Rust) | Spikard (Python) | Axum (Rust) |"


def test_hostile_names_stay_text() -> None:
    """Titles, details and versions from outside cannot add markup to the document."""
    run = samples.two_servers()
    arm = run.plan.arms[0]
    evil = "<img src=x onerror=alert(1)> | [a](b)\x1b[31m"
    arms = (
        arm.model_copy(update={"config": arm.config.model_copy(update={"title": evil})}),
        *run.plan.arms[1:],
    )
    plan = run.plan.model_copy(update={"arms": arms, "title": evil})
    page = render_markdown(make_document(make_view(run.model_copy(update={"plan": plan})))).decode()

    assert "<img" not in page
    assert "\x1b" not in page
    assert "[a](b)" not in page
    rows = [line for line in page.splitlines() if line.startswith("| **Requests/sec**")]
    assert rows[0].count(" | ") == 3


@pytest.mark.slow
def test_two_thousand_trials_are_rendered_in_time() -> None:
    """All files of a run of 2,000 trials: seconds of CPU time, a generous limit for a slow machine.

    The number of pictures decides most of it, so that does not grow with the number of trials.
    """
    profiles, names = samples.BOTH_LOOPS, [f"w{n}" for n in range(8)]
    run = run_view(run_data(samples.FIVE, workloads=names, profiles=profiles, rounds=25))
    begin = time.process_time()
    files = render(run, DERIVED)

    assert len(run.trials) == 2000
    assert time.process_time() - begin < 9.0
    assert sum(name.endswith(".dark.svg") for name in files) <= 5
    assert len(files["report.html"]) < 3_000_000
