"""On a terminal there are colors and a live table, unless the user wants none."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bench.cli.live import LiveProgress
from bench.cli.progress import Progress
from bench.reports.wording.verdict_words import times
from tests.factories import Truth, run_data, run_view
from tests.run.helpers import wait_until

if TYPE_CHECKING:
    from bench.analysis import RunData

ROOT = Path(__file__).parents[2]
ESCAPE = b"\x1b"
PROGRAM = """
import click
from bench.cli.common import plain
from bench.cli.progress import watch
from tests.factories import Truth, run_data

data = run_data({"axum": Truth()}, rounds=1)
broken = data.trials[0].model_copy(update={"status": "failed", "detail": "it died\\n\\nat once"})
with click.Context(click.Command("run"), color=False if plain() else None):
    progress = watch(data.plan)
    progress.began(data.plan.trials[0], 0, 2)
    progress.finished(broken, 1, 2)
    progress.close()
"""


def on_a_terminal(*argv: str, **env: str) -> bytes:
    """What a program prints on a terminal of its own."""
    ours, its = pty.openpty()
    clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
    done = subprocess.Popen(
        [sys.executable, *argv],
        stdin=its,
        stdout=its,
        stderr=its,
        cwd=ROOT,
        env={**clean, "TERM": "xterm", **env},
    )
    os.close(its)
    said = b""
    try:
        while data := os.read(ours, 65536):
            said += data
    except OSError:  # Linux says so when the other end is closed
        pass
    finally:
        os.close(ours)
        done.wait(30)
    return said


def test_a_terminal_has_a_live_table() -> None:
    """The running trial stands below a table that is replaced; what was marked stays above it."""
    said = on_a_terminal("-c", PROGRAM)

    assert b"\x1b[2K" in said
    assert b"it died" in said
    assert b"Against baseline" in said
    assert said.endswith(b"\x1b[?25h") or b"\x1b[?25h" in said  # the cursor comes back


WAITING = """
import time
from bench.cli.waiting import Waiting

with Waiting() as waiting:
    waiting("building mine")
    time.sleep(1.1)
    waiting("starting mine")
"""


def test_a_build_counts_its_seconds_on_a_terminal() -> None:
    """The line is redrawn while it goes on and is gone at the end; a log has a plain one."""
    said = on_a_terminal("-c", WAITING)
    logged = subprocess.run(
        [sys.executable, "-c", WAITING], capture_output=True, check=True, cwd=ROOT
    ).stderr

    assert b"building mine ... 0 s" in said
    assert b"building mine ... 1 s" in said
    assert said.rstrip().endswith(b"\x1b[2K")
    assert logged == b"building mine ...\nstarting mine ...\n"


def test_a_build_of_a_run_is_shown_while_it_goes_on() -> None:
    """No thread is left of it when the first trial begins."""
    progress, screen, data = _watched()
    arm = data.plan.arms[0]
    arm = arm.model_copy(update={"config": arm.config.model_copy(update={"build": [["make"]]})})
    threads = threading.active_count()
    progress.building(arm)
    assert threading.active_count() > threads
    progress.began(data.plan.trials[0], 0, 6)

    assert wait_until(lambda: threading.active_count() == threads)
    assert f"building {arm.name} (what is unchanged is kept) ... 0 s" in screen.getvalue()
    progress.close()


def _watched(design: str = "blocks") -> tuple[LiveProgress, io.StringIO, RunData]:
    data = run_data({"axum": Truth(), "spikard": Truth(rps=17_000)}, rounds=3)
    plan = data.plan.model_copy(update={"design": design})
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, height=40, color_system=None)
    return LiveProgress(plan, console), screen, data


def _last(screen: io.StringIO) -> str:
    """The table as it was drawn last."""
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", screen.getvalue()).rsplit("Server", 1)[1]


def test_the_table_fills_in() -> None:
    """Rate, interval and ratio so far are those that the report will print."""
    progress, screen, data = _watched()
    trials = [
        *data.trials[:-1],
        data.trials[-1].model_copy(update={"status": "suspect", "reasons": ("steal",)}),
    ]
    for done, (planned, record) in enumerate(zip(data.plan.trials, trials, strict=True)):
        progress.began(planned, done, 6)
        assert f"[{done + 1}/6] {planned.id}, saturated by 50 connections" in _last(screen)
        progress.finished(record, done + 1, 6)
    shown = _last(screen)
    view = run_view(data)
    for cell in view.summary.cells:
        metric = cell.metrics.throughput_rps
        assert metric is not None
        (row,) = [line for line in shown.splitlines() if line.startswith(cell.server)]
        assert f"{metric.value:,.0f}" in row
        assert f"[{metric.low:,.0f}, {metric.high:,.0f}]" in row
        assert metric.verdict is not None
        against = times(metric.verdict) if metric.verdict.low else "baseline"
        assert against in row
        assert ("1: steal" in row) == (cell.server == trials[-1].server)
    assert "suspect" in re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", screen.getvalue())
    progress.close()


def test_nothing_is_drawn_inside_a_trial() -> None:
    """Between its begin and its end no thread runs, no byte is written and no CPU time spent."""
    progress, screen, data = _watched()
    threads = threading.active_count()
    progress.began(data.plan.trials[0], 0, 6)
    drawn, used = len(screen.getvalue()), time.process_time()

    time.sleep(1.2)

    assert time.process_time() - used < 0.0012
    assert len(screen.getvalue()) == drawn
    assert threading.active_count() == threads
    progress.close()


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_control_characters_for_who_wants_none(env: dict[str, str]) -> None:
    """NO_COLOR and a dumb terminal get plain lines, each without a blank one between."""
    said = on_a_terminal("-c", PROGRAM, **env)

    assert b"it died\r\nat once\r\n" in said
    assert ESCAPE not in said


@pytest.mark.parametrize("argv", [("report", "nope"), ("doctor", "--root", str(ROOT / "tests"))])
def test_no_color_is_for_every_command(argv: tuple[str, ...]) -> None:
    """Errors and reports are in color on a terminal, and without where NO_COLOR is set."""
    assert ESCAPE in on_a_terminal("-m", "bench", *argv)
    assert ESCAPE not in on_a_terminal("-m", "bench", *argv, NO_COLOR="1")


def test_color_for_a_log_brings_no_cursor_movement(tmp_path: Path) -> None:
    """FORCE_COLOR is set for logs: a file gets no escape and no carriage return all the same."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "FORCE_COLOR": "1", "CI": "true", "HOME": str(tmp_path)},
    )
    said = done.stdout + done.stderr

    assert b"it died" in said
    assert ESCAPE not in said
    assert b"\r" not in said


@pytest.mark.parametrize("kept", [False, True])
def test_only_a_run_on_disk_can_be_gone_on_with(
    *, kept: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """After Ctrl-C the command that goes on is named, unless it would be that of another run."""
    progress = Progress(run_data({"axum": Truth()}, rounds=1).plan)
    if kept:
        progress.kept()

    progress.interrupted("bench run --resume latest")

    said = capsys.readouterr().err
    assert ("`bench run --resume latest` goes on" in said) == kept
    assert ("nothing was kept" in said) != kept
