"""`bench import` refuses what no report can hold, and leaves nothing half written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bench.errors import StoreError
from bench.run.importing import import_run
from tests.cli.test_import_command import run
from tests.loadtools.recorded import WRK

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (("--connections", "99999999999999999999"), "1<=x<=1000000000"),
        (("--body-bytes", "99999999999999999999999999"), "0<=x<=1000000000000000"),
        (("--duration", f"{'9' * 400}s"), "expected a duration of at most 24h"),
        (("--duration", "9" * 400), "expected a duration of at most 24h"),
        (("--duration", "1.2.3"), "expected a duration such as"),
        (("--workload", "w" * 3000), "--workload: expected at most 500 characters"),
        (("--workload", "a\nb"), "--workload 'a\\nb': expected UTF-8 without line breaks"),
        (("--title", "a\x1bb"), "--title"),
        (("--hardware", "Mac\udcff"), "--hardware 'Mac\\udcff': expected UTF-8"),
        (("--date", "0001-01-01T00:00:00+14:00"), "expected a date such as"),
        (("--date", "9999-12-31T23:00:00-14:00"), "expected a date such as"),
    ],
)
def test_what_no_report_can_hold_leaves_nothing_behind(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, told: tuple[str, str], said: str
) -> None:
    """Everything is checked before the run is written."""
    target = tmp_path / "new" / "run"
    text = WRK / "good.txt"
    code, _, err = run(capsys, "import", "wrk", f"A={text}", "--output", target, *told)

    assert (code, said in err) == (2, True), err
    assert not target.parent.exists()


@pytest.mark.parametrize("label", ["a\nb", "a\udcff", "a" * 501])
def test_a_label_that_no_report_can_hold(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, label: str
) -> None:
    """It is refused before the run is written."""
    text = WRK / "good.txt"
    code, _, err = run(capsys, "import", "wrk", f"{label}={text}", "--output", tmp_path / "run")

    assert (code, "error: label" in err) == (2, True), err
    assert not (tmp_path / "run").exists()


def test_long_words_still_are_names_of_folders(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Labels that are alike for long get names that are not."""
    text, other = WRK / "good.txt", tmp_path / "other.txt"
    other.write_text(text.read_text())
    words = [f"{'a' * 400}{end}={file}" for end, file in (("x", text), ("y", other))]
    more = ("--workload", "w" * 400, "--output", tmp_path / "run")
    code, _, err = run(capsys, "import", "wrk", *words, *more)

    assert code == 0, err
    assert len(list((tmp_path / "run" / "trials").iterdir())) == 2


def test_a_url_that_cannot_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A bracket of an IPv6 address that is not closed."""
    text = re.sub(r"@ \S+", "@ http://[::1/", (WRK / "good.txt").read_text())
    (tmp_path / "wrk.txt").write_text(text)
    words = (f"A={tmp_path / 'wrk.txt'}", "--output", tmp_path / "run")
    code, _, err = run(capsys, "import", "wrk", *words)

    assert (code, "URL cannot be read" in err) == (2, True), err


def test_a_failure_while_writing_leaves_nothing_behind(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a run is no run."""

    def full(_path: Path) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(import_run, "write_derived", full)
    (tmp_path / "there").mkdir()
    text = WRK / "good.txt"
    for target in (tmp_path / "there", tmp_path / "new" / "deep" / "run"):
        code, _, err = run(capsys, "import", "wrk", f"A={text}", "--output", target)
        assert (code, "disk full" in err) == (1, True)

    assert [path.name for path in tmp_path.rglob("*")] == ["there"]
