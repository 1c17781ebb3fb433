"""Ctrl-C and SIGTERM: a run stops, keeps what is finished, and leaves no process."""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.run.helpers import Project, wait_until
from tests.run.test_resume import interrupted, two_servers
from tests.servers.ground_truth import TRUTH

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of its own for a test that interrupts."""
    return two_servers(tmp_path)


def test_ctrl_c_once(project: Project) -> None:
    """Ctrl-C stops cleanly, keeps finished trials with a report, says how to go on, exits 130."""
    code, stderr = interrupted(project, signal.SIGINT)
    run = project.runs()[0]

    assert code == 130
    assert "`bench run --resume latest` goes on" in stderr
    assert "Traceback" not in stderr
    planned = [trial["id"] for trial in json.loads((run / "plan.json").read_text())["trials"]]
    assert 0 < len(kept := project.planned()) < len(planned)
    assert kept == planned[: len(kept)]
    assert (run / "report.md").is_file()
    assert json.loads((run / "run.json").read_text())["finished"] is None
    assert project.nothing_left()


def test_ctrl_c_twice(tmp_path: Path) -> None:
    """A second Ctrl-C ends at once, and still nothing stays.

    The server obeys nobody once it was asked its first questions: without a second Ctrl-C the
    run would wait for it, however late that one comes.
    """
    project = Project(tmp_path)
    once = tmp_path / "once"
    script = f'mkdir {once} && exec "$@"; exec "$@" --ignore-term'
    run = ["sh", "-c", script, "sh", sys.executable, str(TRUTH), "--port={port}"]
    project.server("held", run=run, stop={"grace": "10m"})
    load = {"connections": 8, "warmup": "0s", "duration": "60s", "timeout": "10s"}
    project.matrix("held", profiles=[load])
    with project.running("run", "faults") as process:
        assert wait_until(lambda: any("wrk" in one.command for one in project.left()))
        process.send_signal(signal.SIGINT)
        while process.poll() is None:
            time.sleep(0.2)  # two at the same moment would be one
            process.send_signal(signal.SIGINT)
        stderr = process.communicate(timeout=200)[1]

    assert process.returncode == 130
    assert "stopped at once" in stderr
    assert "Traceback" not in stderr
    assert not (project.runs()[0] / "report.md").is_file()
    assert project.nothing_left()


def test_sigterm(project: Project) -> None:
    """SIGTERM stops as cleanly, with exit code 143."""
    code, stderr = interrupted(project, signal.SIGTERM)

    assert code == 143
    assert "`bench run --resume latest` goes on" in stderr
    assert project.nothing_left()
