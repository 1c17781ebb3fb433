"""Programs whose shares are known by their own account, seen through perf within five points."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bench.process import Command, SupervisorClient, capture
from bench.profiling.breakdown import break_down
from bench.profiling.methods import FREQUENCY, perf_record, perf_script
from bench.profiling.rules import rule_book
from bench.profiling.setup import facts_of, find_trampoline
from bench.profiling.stacks import parse_perf

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.cpu_profile import Breakdown

POINTS = 0.05
SECONDS = 3.0
PROGRAM = """
import json, sys, threading, time

def until(spent, work):
    begun = time.thread_time()
    while time.thread_time() - begun < spent:
        work()

def burn():
    total = 0
    for number in range(2000):
        total += number
    return total

def other():
    total = 0
    for number in range(2000):
        total ^= number
    return total

document = json.dumps({"items": [{"id": n, "name": "n" * 20, "ok": True} for n in range(60)]})
numbers = list(range(20000, 0, -1)) + list(range(20000))

def codec():
    json.dumps(json.loads(document))

def hold():
    hash(tuple(numbers))

open(sys.argv[2], "w").close()
wall, cpu = time.monotonic(), time.process_time()
while time.monotonic() - wall < float(sys.argv[3]):
    if sys.argv[1] == "function":
        until(0.003, burn)
        until(0.007, other)
    elif sys.argv[1] == "json":
        until(0.005, codec)
        until(0.005, other)
    else:
        until(0.004, hold)
        time.sleep(0.006)
print((time.process_time() - cpu) / (time.monotonic() - wall))
"""


def look(kind: str, folder: Path) -> tuple[Breakdown, float]:
    """Breakdown of the program, and the share of wall time that it says it ran."""
    python = find_trampoline(">=3.12")
    if python is None or facts_of(python).perf is False or os.geteuid() != 0:
        pytest.skip("needs perf, root and a Python of at least 3.12")
    program, ready, out = folder / "program.py", folder / "ready", folder / "out.txt"
    program.write_text(PROGRAM)
    env = {"PATH": os.environ["PATH"], "PYTHONPERFSUPPORT": "1"}
    with SupervisorClient() as supervisor:
        argv = (python.path, str(program), kind, str(ready), f"{SECONDS + 1.5:g}")
        child = supervisor.spawn(Command(argv, env, folder, None, out))
        while not ready.exists():
            assert not child.wait(0.02), out.read_text()
        data = folder / "perf.data"
        record = perf_record([child.pid], data, SECONDS, "python")
        perf = supervisor.run(
            Command(record, dict(os.environ), folder, None, folder / "perf.log"), 30
        )
        assert perf.rc == 0, (folder / "perf.log").read_text()
        printed = capture(perf_script(data), timeout_s=60)
        assert printed is not None
        assert child.wait(20)
    profile = parse_perf(printed.stdout, FREQUENCY)
    found = break_down(
        profile, rule_book("python"), window_s=SECONDS, cpu_us=None, cpu_s=None, asked=FREQUENCY
    )
    return found, float(out.read_text())


def share(found: Breakdown, *names: str) -> float:
    """Share of the functions of those names, or of the categories."""
    functions = sum(f.own_share for f in found.functions if f.name in names)
    return functions + sum(s.share for s in found.slices if s.category in names)


@pytest.mark.real
@pytest.mark.alone
def test_a_function_that_burns_three_tenths_is_seen_as_that(tmp_path: Path) -> None:
    """A named function with 30 % of the CPU time gets 30 % of the samples."""
    found, _ = look("function", tmp_path)

    assert share(found, "burn") == pytest.approx(0.3, abs=POINTS)
    assert share(found, "other") == pytest.approx(0.7, abs=POINTS)
    assert share(found, "unknown") < POINTS


@pytest.mark.real
@pytest.mark.alone
def test_a_program_that_spends_half_its_time_in_json_is_seen_as_that(tmp_path: Path) -> None:
    """Both JSON categories together hold half of the time, memory for values included."""
    found, _ = look("json", tmp_path)

    assert share(found, "JSON decode", "JSON encode") == pytest.approx(0.5, abs=POINTS)
    assert share(found, "JSON decode") > 0
    assert share(found, "JSON encode") > 0


@pytest.mark.real
@pytest.mark.alone
def test_a_gil_held_in_c_for_a_known_share_is_seen_as_held(tmp_path: Path) -> None:
    """A C call that keeps the GIL and sleeps that release it: held as long as it ran."""
    found, ran = look("gil", tmp_path)

    assert found.gil is not None
    assert found.gil.held_on_cpu == pytest.approx(ran, abs=POINTS)
    assert 0.2 < ran < 0.6
