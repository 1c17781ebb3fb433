"""On a terminal there are colors and a live line, unless the user wants none."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.progress import Progress
from tests.factories import Truth, run_data

ROOT = Path(__file__).parents[2]
ESCAPE = b"\x1b"
PROGRAM = """
import click
from bench.cli.common import plain
from bench.cli.progress import Progress
from tests.factories import Truth, run_data

data = run_data({"axum": Truth()}, rounds=1)
broken = data.trials[0].model_copy(update={"status": "failed", "detail": "it died\\n\\nat once"})
with click.Context(click.Command("run"), color=False if plain() else None):
    progress = Progress(data.plan)
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


def test_a_terminal_has_a_live_line() -> None:
    """The line of the running trial is replaced by that of the finished one."""
    said = on_a_terminal("-c", PROGRAM)

    assert b"\r\x1b[2K" in said
    assert b"it died\r\n" in said


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
