"""oha's single responses: exact to the microsecond, from SQLite and CSV, checked."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import ParseError
from bench.loadtools import oha_json, oha_result, oha_rows
from bench.reports.wording.findings import in_words as told
from tests.loadtools.recorded import OHA, OLD_OHA, profile

if TYPE_CHECKING:
    from pathlib import Path

CSV = (OHA / "good.csv").read_text()


def database(path: Path, rows: list[tuple[object, ...]], *, columns: str | None = None) -> Path:
    names = columns or "url, start, start_latency_correction, end, duration, status, len_bytes, run"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"CREATE TABLE oha ({names})")
        marks = ",".join("?" * len(names.split(",")))
        db.executemany(f"INSERT INTO oha VALUES ({marks})", rows)  # noqa: S608 - marks are ours
    return path


def row(
    duration: object = 0.001, status: object = 200, run: int = 1, **at: object
) -> tuple[object, ...]:
    return ("/", at.get("start", 0.0), at.get("due"), at.get("end", 0.1), duration, status, 2, run)


@pytest.mark.parametrize("name", ["good", "open", "resets", "some-timeouts", "refused"])
def test_recorded_responses_agree_with_the_report(name: str) -> None:
    """Number, statuses, fastest and slowest."""
    report = oha_json.read((OHA / f"{name}.json").read_text())
    rows = oha_rows.read_db(OHA / f"{name}.sqlite")

    assert oha_result.mismatch(report, rows) == ""
    assert rows.histogram.count == report.requests
    assert rows.status == report.status


def test_percentiles_come_from_every_response() -> None:
    """Sorted by hand they are the same, to the microsecond."""
    with closing(sqlite3.connect(OHA / "good.sqlite")) as db:
        durations = sorted(d for (d,) in db.execute("SELECT duration FROM oha"))
    report = oha_json.read((OHA / "good.json").read_text())
    rows = oha_rows.read_db(OHA / "good.sqlite")
    latency = oha_result.build(report, rows, loop="closed").latency_us

    assert latency is not None
    assert latency.exact
    assert latency.percentiles["50"] == round(durations[999] * 1e6)
    assert latency.percentiles["99"] == round(durations[1979] * 1e6)


def test_timeouts_rank_above_every_response() -> None:
    """1 % timed out: p99 is the slowest response that came, not the 99th percentile of those."""
    report = oha_json.read((OHA / "some-timeouts.json").read_text())
    rows = oha_rows.read_db(OHA / "some-timeouts.sqlite")
    latency = oha_result.build(report, rows, loop="closed").latency_us

    assert latency is not None
    assert latency.percentiles["99"] == latency.max


def test_a_database_of_an_old_oha_is_read() -> None:
    """It has no column `run`."""
    report = oha_json.read((OLD_OHA / "good.json").read_text())

    assert oha_result.mismatch(report, oha_rows.read_db(OLD_OHA / "good.sqlite")) == ""


def test_corrected_latencies_are_marked_by_the_database() -> None:
    """The intended time is in it."""
    rows = oha_rows.read_db(OHA / "open.sqlite", pacer=True)

    assert rows.corrected
    assert len(rows.intended_s) == rows.stored == 1200
    assert list(rows.intended_s) == sorted(rows.intended_s)
    report = oha_json.read((OHA / "open.json").read_text())
    latency = oha_result.build(report, rows, loop=None).latency_us
    assert latency is not None
    assert latency.source == "intended-time"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """And not made."""
    with pytest.raises(ParseError, match="wrote no"):
        oha_rows.read_db(tmp_path / "x.sqlite")
    assert not list(tmp_path.iterdir())


def test_two_runs_in_one_file_are_refused(tmp_path: Path) -> None:
    """oha appends."""
    path = database(tmp_path / "x.sqlite", [row(run=1), row(run=2)])
    with pytest.raises(ParseError, match="2 runs"):
        oha_rows.read_db(path)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([row("late")], "not a number"),
        ([row(status="ok")], "no response"),
        ([row(status=20)], "no response"),
        ([row(-0.5)], "no response"),
        ([row(end="x")], "not a number"),
        ([row(due=0.1), row()], "mixes"),
    ],
)
def test_rows_that_are_no_responses_are_refused(
    rows: list[tuple[object, ...]], text: str, tmp_path: Path
) -> None:
    """SQLite keeps text in any column."""
    with pytest.raises(ParseError, match=text):
        oha_rows.read_db(database(tmp_path / "x.sqlite", rows))


@pytest.mark.parametrize("due", ["soon", float("inf")])
def test_an_intended_time_that_is_no_number_is_refused(due: object, tmp_path: Path) -> None:
    """Among numbers it could not even be sorted."""
    path = database(tmp_path / "x.sqlite", [row(due=0.2), row(due=due), row(due=0.1)])
    with pytest.raises(ParseError, match="not a number"):
        oha_rows.read_db(path, pacer=True)


def test_another_table_is_refused(tmp_path: Path) -> None:
    """The columns are named."""
    path = database(tmp_path / "x.sqlite", [], columns="a, b")
    with pytest.raises(ParseError, match="'a', 'b'"):
        oha_rows.read_db(path)


def test_a_damaged_database_is_refused_or_complete(tmp_path: Path) -> None:
    """Cut at every kilobyte: a ParseError, or rows that the totals then contradict."""
    data = (OHA / "resets.sqlite").read_bytes()
    report = oha_json.read((OHA / "resets.json").read_text())
    for end in range(0, len(data), 1024):
        path = tmp_path / f"{end}.sqlite"
        path.write_bytes(data[:end])
        try:
            rows = oha_rows.read_db(path)
        except ParseError:
            continue
        assert oha_result.mismatch(report, rows)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"stored": 1}, "stored 1 responses and reports 950"),
        ({"status": {"200": 949, "500": 1}}, "statuses"),
        ({"fastest_s": 1e-9}, "fastest"),
        ({"slowest_s": 9.0}, "slowest"),
    ],
)
def test_disagreement_in_a_trial_is_a_finding_without_latency(
    changes: dict[str, object], text: str
) -> None:
    """Rates stay, latencies go, and the reader is told."""
    report = oha_json.read((OHA / "resets.json").read_text())
    rows = oha_rows.read_db(OHA / "resets.sqlite")._replace(**changes)  # type: ignore[arg-type] # the test gives what the type would not
    result = oha_result.of_trial(report, rows, profile(tool="oha"))

    assert (result.latency_us, result.histogram) == (None, None)
    assert result.requests == 950
    assert [found.code for found in result.findings] == ["histogram-mismatch"]
    assert text in told(result.findings[0]).text


def test_an_interrupted_open_loop_says_why_it_has_no_latencies() -> None:
    """oha writes no responses then."""
    report = oha_json.read((OHA / "interrupted-open.json").read_text())
    open_loop = profile(tool="oha", loop="open", rate_rps=400.0, duration_s=20.0)
    result = oha_result.of_trial(report, oha_rows.NO_ROWS, open_loop)

    assert told(result.findings[0]).advice.startswith("oha was interrupted")
    assert result.duration_s == pytest.approx(report.total_s + 1 / 400)  # the gap after the last


def test_a_million_rows_take_about_a_second(tmp_path: Path) -> None:
    """Measured on a fifth of it."""
    rows = [row(0.0001 + number % 5000 / 1e6) for number in range(200_000)]
    path = database(tmp_path / "x.sqlite", rows)

    begun = time.process_time()
    oha_rows.read_db(path)

    assert time.process_time() - begun < 2.0  # a fifth of a second here


def test_csv_holds_the_same_as_the_report() -> None:
    """One row per response, durations as printed."""
    rows = oha_rows.read_csv(CSV)

    assert rows.stored == 500
    assert rows.status == {"200": 500}
    assert rows.fastest_s == min(float(line.split(",")[4]) for line in CSV.splitlines()[1:])
    assert not rows.corrected


def test_a_csv_without_responses_is_empty() -> None:
    """The header alone: nothing succeeded."""
    assert oha_rows.read_csv(oha_rows.CSV_HEADER + "\n") == oha_rows.NO_ROWS


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "not a CSV"),
        ("a,b\n", "not a CSV"),
        (CSV[:-1], "cut short"),
        (CSV + "1,2\n", "line 502"),
        (CSV + "1,0,0,0,x,2,200\n", "line 502"),
        (CSV + "1,0,0,0,nan,2,200\n", "line 502"),
        (CSV + "1,0,0,0,-1,2,200\n", "line 502"),
        (CSV + "1,0,0,0,1,2,20\n", "line 502"),
    ],
)
def test_what_is_no_csv_is_refused_with_its_line(text: str, place: str) -> None:
    """Another format, cut short, garbled."""
    with pytest.raises(ParseError, match=place):
        oha_rows.read_csv(text)


@given(st.text(max_size=80))
def test_any_line_in_a_csv_is_a_row_or_refused(line: str) -> None:
    """Never another exception."""
    try:
        rows = oha_rows.read_csv(f"{oha_rows.CSV_HEADER}\n{line}\n")
    except ParseError:
        return

    assert rows.stored <= 2
