"""Processes that outlived a run are told with the command that ends them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.host.doctor import leftovers
from bench.process import Stray
from bench.reports.wording.findings import in_words as told


def test_none() -> None:
    """Without strays there is nothing to say."""
    assert leftovers([]) == ()


def test_the_command_names_them_all() -> None:
    """One finding, and one command that ends exactly those processes."""
    (found,) = leftovers([Stray(7, "run-a", "python app.py"), Stray(9, "run-b", "node a.js")])

    assert found.code == "stray-processes"
    assert told(found).text == (
        "2 processes of earlier runs still alive: "
        "7 (python app.py, of run-a); 9 (node a.js, of run-b)"
    )
    assert told(found).advice == "kill -9 7 9"


@pytest.mark.real
@pytest.mark.skipif(sys.platform != "linux", reason="macOS could not be tried")
def test_doctor_finds_one() -> None:
    """`bench doctor` names a process whose supervisor is gone, and how to end it."""
    env = {**os.environ, "BENCH_RUN": f"run-z/{2**22 + 1}"}
    with subprocess.Popen(["sleep", "900"], env=env) as process:
        try:
            argv = [sys.executable, "-m", "bench", "doctor"]
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
        finally:
            process.kill()

    assert "stray-processes" in done.stdout
    assert f"{process.pid} (sleep 900, of run-z)" in " ".join(done.stdout.split())
    assert "kill -9" in done.stdout
