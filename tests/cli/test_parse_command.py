"""`bench parse` prints the agreed JSON, or refuses with exit code 2 and the place."""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

from bench.cli import main
from tests.loadtools.recorded import OHA, WRK

if TYPE_CHECKING:
    from pathlib import Path

KEYS = [
    "schema_version",
    "tool",
    "tool_version",
    "loop",
    "latency_kind",
    "duration_s",
    "requests",
    "ok",
    "throughput_rps",
    "bytes_in",
    "bytes_kind",
    "status",
    "errors",
    "latency_us",
]


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as done:
        main(["parse", *map(str, args)])
    printed = capsys.readouterr()
    assert isinstance(done.value.code, int)
    return done.value.code, printed.out, printed.err


def parsed(capsys: pytest.CaptureFixture[str], *args: object) -> dict[str, Any]:
    code, out, _ = run(capsys, *args)
    assert code == 0
    value: dict[str, Any] = json.loads(out)
    return value


def test_the_object_has_the_agreed_keys(capsys: pytest.CaptureFixture[str]) -> None:
    """In this order; the histogram only when asked for."""
    value = parsed(capsys, "wrk", WRK / "good-latency.txt")

    assert list(value) == KEYS
    assert list(value["errors"]) == [
        "connect", "read", "write", "timeout", "status", "deadline", "other",
    ]  # fmt: skip
    assert list(value["latency_us"]) == [
        "count", "min", "mean", "max", "exact", "source", "percentiles",
    ]  # fmt: skip
    assert list(value["latency_us"]["percentiles"]) == ["50", "90", "99", "99.9"]


def test_the_histogram_is_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    """[[microseconds, count], ...]; null where the tool tells none."""
    value = parsed(
        capsys, "oha", OHA / "good.json", "--db", OHA / "good.sqlite", "--histogram", "--json"
    )

    assert sum(count for _, count in value["histogram"]) == 2000
    assert parsed(capsys, "oha", OHA / "good.json", "--histogram")["histogram"] is None


def test_the_loop_of_oha_is_what_the_user_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Else null."""
    value = parsed(capsys, "oha", OHA / "open.json", "--loop", "open")

    assert (value["loop"], value["latency_kind"]) == ("open", "response")
    assert parsed(capsys, "oha", OHA / "open.json")["loop"] is None


def test_csv_and_detail_make_it_exact(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The other two kinds of single responses."""
    report = json.loads((OHA / "good.json").read_text())
    durations = [
        float(line.split(",")[4]) for line in (OHA / "good.csv").read_text().splitlines()[1:]
    ]
    report["summary"] |= {"fastest": min(durations), "slowest": max(durations)}
    report["summary"]["average"] = sum(durations) / len(durations)
    report["statusCodeDistribution"] = {"200": len(durations)}
    (tmp_path / "csv.json").write_text(json.dumps(report))

    value = parsed(capsys, "oha", tmp_path / "csv.json", "--csv", OHA / "good.csv")
    assert value["latency_us"]["exact"] is True
    detail = ("--detail", WRK / "good.detail.json", "--connections", 20)
    value = parsed(capsys, "wrk", WRK / "good.detail.txt", *detail)
    assert value["latency_us"]["source"] == "raw"


@pytest.mark.parametrize(
    ("args", "place"),
    [
        (("wrk", WRK / "usage.txt"), "Time arguments"),
        (("oha", OHA / "text.txt"), "Summary"),
        (("oha", WRK / "good.txt"), "Running 1s test"),
        (("wrk", OHA / "good.json"), "the output of oha, not of wrk"),
        (("wrk", WRK / "good.txt", "--db", OHA / "good.sqlite"), "--db"),
        (("wrk", WRK / "absent.txt"), "does not exist"),
        (("hey", WRK / "good.txt"), "hey"),
        (("wrk", WRK / "good.txt", "--connections", "0"), "connections"),
    ],
)
def test_what_is_no_result_exits_with_2_and_quotes_the_place(
    capsys: pytest.CaptureFixture[str], args: tuple[object, ...], place: str
) -> None:
    """Nothing on stdout, no traceback."""
    code, out, err = run(capsys, *args)

    assert (code, out) == (2, "")
    assert place in err
    assert "Traceback" not in err


def test_more_from_a_pipe_than_a_result_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe has no size before it is read: the reading itself ends at the limit."""
    monkeypatch.setattr("bench.loadtools.tool._READ_MAX", 100_000)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    wrote = 0

    def write() -> None:
        nonlocal wrote
        with contextlib.suppress(BrokenPipeError), pipe.open("wb", buffering=0) as file:
            for _ in range(100):
                wrote += file.write(bytes(10_000)) or 0

    writer = threading.Thread(target=write)
    writer.start()
    code, _, err = run(capsys, "wrk", pipe)
    writer.join(timeout=20)

    assert (code, "too large to be a result" in err) == (2, True), err
    assert wrote < 1_000_000


def test_a_result_from_a_pipe(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """As `bench parse wrk <(wrk ...)` gives it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=((WRK / "good.txt").read_bytes(),))
    writer.start()
    code, _, err = run(capsys, "wrk", pipe)
    writer.join(timeout=20)

    assert code == 0, err


def test_a_device_is_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    """Some never end."""
    code, _, err = run(capsys, "wrk", "/dev/null")

    assert (code, "is a device" in err) == (2, True), err


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"[0-9]+ requests in", "99999999999999999999 requests in"),
        (r"[0-9]+ requests in", f"{'9' * 400} requests in"),
        (r"[0-9]+ requests in", f"{'9' * 5000} requests in"),
        (r"[0-9.]+[KMG]B read", "9999999999.00PB read"),
        (r"[0-9.]+[KMG]B read", f"{'9' * 400}.00MB read"),
        (r"and [0-9]+ connections", f"and {'9' * 400} connections"),
        (r"Requests/sec: *[0-9]+", f"Requests/sec: {'9' * 400}"),
    ],
)
def test_numbers_that_no_run_has(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, old: str, new: str
) -> None:
    """They are refused like any other line that cannot be read."""
    file = tmp_path / "wrk.txt"
    file.write_text(re.sub(old, new, (WRK / "good.txt").read_text()))
    code, _, err = run(capsys, "wrk", file)

    assert (code, "error: " in err) == (2, True), err
