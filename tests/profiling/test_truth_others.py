"""Programs whose shares are known by their own account, seen through V8's profiler and py-spy."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from bench.loadtools.install.find import search_path
from bench.process import Command, SupervisorClient
from bench.profiling.breakdown import break_down
from bench.profiling.methods import PRELOAD, PRELOAD_OUT, frequency, refusal, spy_record
from bench.profiling.rules import rule_book
from bench.profiling.setup import facts_of
from bench.profiling.spy import parse_collapsed, parse_told
from bench.profiling.stacks import parse_cpuprofile
from tests.profiling.test_truth import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.cpu_profile import Breakdown
    from bench.process import Child

pytestmark = [pytest.mark.real, pytest.mark.alone]
POINTS = 0.05
SECONDS = 3.0
LIMIT_S = 30.0
SCRIPT = """
const { writeFileSync } = require('node:fs')
function spent () { const used = process.cpuUsage(); return used.user + used.system }
function loop (total) { for (let i = 0; i < 5000; i++) total += Math.sqrt(i); return total }
function burn (micros) { const begun = spent(); while (spent() - begun < micros) loop(0) }
function other (micros) { const begun = spent(); while (spent() - begun < micros) loop(1) }
let rounds = 0
setInterval(() => {
  burn(3000)
  other(7000)
  if (rounds++ === 20) writeFileSync(process.argv[2], '')
}, 0)
"""


def share(found: Breakdown, name: str) -> float:
    """Share of samples that have the function in their stack."""
    return sum(f.share for f in found.functions if f.name == name)


def await_file(path: Path, child: Child) -> None:
    limit = time.monotonic() + LIMIT_S
    while not path.exists():
        assert child.rc is None, child.command.stdout.read_text()
        assert time.monotonic() < limit, f"{path} did not come"
        child.wait(0.02)


@pytest.mark.needs("node")
def test_v8_s_profiler_sees_the_shares_of_two_functions(tmp_path: Path) -> None:
    """30 and 70 % of the CPU time by the program's own clock, within five points."""
    script, ready, out = tmp_path / "program.js", tmp_path / "ready", tmp_path / "profile"
    script.write_text(SCRIPT)
    env = {"PATH": search_path(), PRELOAD_OUT: str(out)}
    with SupervisorClient() as supervisor:
        argv = ("node", "--require", str(PRELOAD), str(script), str(ready))
        child = supervisor.spawn(Command(argv, env, tmp_path, None, tmp_path / "log"))
        await_file(ready, child)
        os.kill(child.pid, signal.SIGUSR2)
        child.wait(SECONDS)
        os.kill(child.pid, signal.SIGUSR2)
        written = out.with_name(f"profile.{child.pid}")
        await_file(written, child)
        child.signal(signal.SIGKILL)
    found = break_down(
        parse_cpuprofile(json.loads(written.read_bytes())), rule_book("node"),
        window_s=SECONDS, cpu_us=None, cpu_s=None, asked=None,
    )  # fmt: skip

    assert share(found, "burn") == pytest.approx(0.3, abs=POINTS)
    assert share(found, "other") == pytest.approx(0.7, abs=POINTS)


def test_py_spy_sees_the_shares_of_two_functions(tmp_path: Path) -> None:
    """The same with py-spy, within four standard errors of its fewer samples."""
    if reason := refusal("py-spy", "python", facts_of(None)):
        pytest.skip(f"py-spy: {reason}")
    program, ready, out = tmp_path / "program.py", tmp_path / "ready", tmp_path / "out.txt"
    program.write_text(PROGRAM)
    raw, log = tmp_path / "raw.txt", tmp_path / "py-spy.log"
    env = {"PATH": search_path()}
    with SupervisorClient() as supervisor:
        # sys.executable may be a venv's link: py-spy reads the interpreter behind it.
        argv = (sys.executable, str(program), "function", str(ready), f"{SECONDS + 3:g}")
        child = supervisor.spawn(Command(argv, env, tmp_path, None, out))
        await_file(ready, child)
        look = spy_record(child.pid, raw, SECONDS + 1, gil=False)
        done = supervisor.run(Command(look, env, tmp_path, None, log), LIMIT_S)
        child.signal(signal.SIGKILL)
    assert done.rc == 0, log.read_text()
    told = parse_told(log.read_text())
    profile = parse_collapsed(raw.read_text(), frequency("py-spy"), told.errors)
    found = break_down(
        profile, rule_book("python"), window_s=SECONDS, cpu_us=None, cpu_s=None, asked=None
    )
    error = 4 * (0.3 * 0.7 / profile.samples) ** 0.5

    assert told.samples > 0
    assert share(found, "burn") == pytest.approx(0.3, abs=max(POINTS, error))
    assert found.quality.error_share < 0.2
