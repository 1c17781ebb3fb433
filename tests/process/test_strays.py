"""Processes that outlived their run are found by the mark in their environment."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.process import Command, SupervisorClient, strays
from bench.process.strays import Carrier, Stray, linux_carriers, ps_carriers

if TYPE_CHECKING:
    from pathlib import Path

_ONLY_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_only_carriers_without_a_supervisor() -> None:
    """A carrier whose supervisor lives, or whose mark is damaged, is no stray."""
    carriers = [
        Carrier(10, "run-a/1", "python app.py"),
        Carrier(11, "run-b/2", "node " + "x" * 300),
        Carrier(12, "run-c", "sh"),
    ]

    found = strays(carriers, lambda pid: pid == 1)

    assert found == (Stray(11, "run-b", ("node " + "x" * 300)[:200]),)


def test_lines_of_ps() -> None:
    """Each line of `ps -E` is a process id, a command line and an environment."""
    text = (
        "  501 python app.py --port 1 HOME=/Users/x BENCH_RUN=run-a/77 PATH=/bin\n"
        "  502 /bin/zsh HOME=/Users/x\n"
        "  503 node a.js BENCH_RUN=run-b/78\n"
        "garbage\n"
    )

    assert ps_carriers(text) == [
        Carrier(501, "run-a/77", "python app.py --port 1 HOME=/Users/x"),
        Carrier(503, "run-b/78", "node a.js"),
    ]


@_ONLY_LINUX
def test_children_carry_the_mark(tmp_path: Path) -> None:
    """Whatever the supervisor starts is known as its run's, and is no stray while it lives."""
    command = Command(("sleep", "30"), {"PATH": os.defpath}, tmp_path, None, tmp_path / "out")
    with SupervisorClient(run="run-x") as supervisor:
        child = supervisor.spawn(command)
        mine = [one for one in linux_carriers() if one.pid == child.pid]

        assert mine == [Carrier(child.pid, f"run-x/{supervisor.pid}", "sleep 30")]
        assert child.pid not in [one.pid for one in strays()]


@_ONLY_LINUX
def test_a_real_stray() -> None:
    """A process whose mark names a supervisor that is gone is found."""
    env = {**os.environ, "BENCH_RUN": f"run-y/{2**22 + 1}"}
    with subprocess.Popen(["sleep", "30"], env=env) as process:
        try:
            assert Stray(process.pid, "run-y", "sleep 30") in strays()
        finally:
            process.kill()
