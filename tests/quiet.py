"""Second tries for tests that measure, and for no others: only while the machine was not quiet.

A test marked `alone` that fails is believed when, by the machine's own counters, nobody else used
the CPUs meanwhile, and its cores were as fast as ever (bench/host/core_speed.py). Where that was
not so, it is run again; where that never ends, its outcome is "not shown", with what disturbed it:
neither failed nor passed. `alone(again=False)` is for a test that starts processes of which nobody
can tell that they are its own.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import psutil
import pytest
from _pytest.runner import runtestprotocol

from bench.host.core_speed import work_us

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

TRIES: Final = 3
PAUSE_S: Final = 1.0
STOLEN_CPUS: Final = 0.02
"""What the hypervisor may take of a quiet machine."""

OTHERS_CPUS: Final = 0.1
"""What other processes may use of it; on one with many CPUs a fiftieth of them."""

COUNTED: Final = 0.05
"""The kernel counts in ticks what it tells of CPUs, and exactly what it tells of processes."""


SLOWED: Final = 1.3
"""What the fixed computation may take, of the least ever; a shared core takes 1.6 of it."""

_fastest_us = float("inf")


class Reading(NamedTuple):
    """The machine's counters, in CPU seconds since some start, and the speed of its cores.

    Attributes:
        total_s: of all CPUs, idle ones too.
        busy_s: used by processes and the kernel.
        stolen_s: wanted, while the hypervisor ran something else.
        own_s: used by this process and its descendants, those that have ended too.
        slowed: time of one fixed computation now / the least of all readings so far.
    """

    total_s: float
    busy_s: float
    stolen_s: float
    own_s: float
    slowed: float = 1.0


def read() -> Reading:
    """Read the counters now."""
    told = psutil.cpu_times()._asdict()
    stolen = told.get("steal", 0.0)
    # `user` holds what guests used; iowait is idle time.
    parts = ("user", "nice", "system", "irq", "softirq")
    busy = sum(told.get(part, 0.0) for part in parts)
    idle = told["idle"] + told.get("iowait", 0.0)
    return Reading(busy + idle + stolen, busy, stolen, _own_s(), _slowed())


def _slowed() -> float:
    global _fastest_us  # noqa: PLW0603 - of this process, as the cores are
    allowed = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    now_us = work_us(allowed)
    if now_us is None:
        return 1.0
    _fastest_us = min(_fastest_us, now_us)
    return now_us / _fastest_us


def _own_s() -> float:
    me = psutil.Process()
    used = 0.0
    for process in (me, *me.children(recursive=True)):
        try:
            used += sum(process.cpu_times()[:4])  # its own, and of children it waited for
        except psutil.Error:
            continue
    return used


def noise(before: Reading, after: Reading, cpus: int) -> str | None:
    """What disturbed this machine between two readings, in words; None where it was quiet."""
    slowed = max(before.slowed, after.slowed)
    spent = Reading(*(b - a for a, b in zip(before, after, strict=True)))
    if spent.total_s <= 0:
        return None
    each_s = spent.total_s / cpus
    stolen = spent.stolen_s / each_s
    own = spent.own_s / each_s
    others = (spent.busy_s - spent.own_s) / each_s
    said = []
    if stolen > STOLEN_CPUS:
        said.append(f"{stolen:.0%} of a CPU stolen")
    if others > max(OTHERS_CPUS, cpus / 50) + COUNTED * own:
        said.append(f"{others:.0%} of a CPU used by others")
    if slowed > SLOWED:
        said.append(f"cores took {slowed:.1f} times as long as at best")
    return ", ".join(said) or None


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test marked `alone`, again where it failed while the machine was not quiet."""
    mark = item.get_closest_marker("alone")
    if mark is None or not mark.kwargs.get("again", True):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _tries(item, nextitem):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _tries(item: pytest.Item, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
    """Reports of the try that counts; of the last one, marked, where none does."""
    disturbed: list[str] = []
    while True:
        before = read()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        failed = next((report for report in reports if report.failed), None)
        said = noise(before, read(), os.cpu_count() or 1) if failed else None
        if failed is None or said is None:
            _tell(reports, "disturbed", disturbed)
            return reports
        disturbed.append(said)
        if len(disturbed) == TRIES:
            return [_not_shown(failed, disturbed)]
        # What was measured for several tests was measured in the same noise: once more as well.
        item.session._setupstate.teardown_exact(None)
        time.sleep(PAUSE_S)


def _tell(reports: list[pytest.TestReport], what: str, disturbed: list[str]) -> None:
    """Keep it where pytest-xdist takes it along."""
    for report in reports:
        if disturbed and report.when == "call":
            report.user_properties.append((what, "; ".join(disturbed)))


def _told(report: pytest.CollectReport | pytest.TestReport, what: str) -> str:
    return str(dict(getattr(report, "user_properties", ())).get(what, ""))


def _not_shown(report: pytest.TestReport, disturbed: list[str]) -> pytest.TestReport:
    crash = getattr(report.longrepr, "reprcrash", None)
    words = str(crash.message if crash else report.longrepr).partition("\n")[0]
    report.user_properties += [("not shown", "; ".join(disturbed)), ("failed with", words)]
    report.outcome = "skipped"
    report.longrepr = (str(report.fspath), report.location[1] or 0, disturbed[-1])
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport,
) -> tuple[str, str, str] | None:
    """Count it apart from tests that were skipped."""
    return ("not shown", "n", "NOT SHOWN") if _told(report, "not shown") else None


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Name the tests that were not shown, and those that were run again."""
    write = terminalreporter.write_line
    for report in terminalreporter.getreports("not shown"):
        write(f"NOT SHOWN {report.nodeid}: {_told(report, 'not shown')}")
        write(f"  the last try ended with: {_told(report, 'failed with')}")
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        if said := _told(report, "disturbed"):
            write(f"AGAIN {report.nodeid}: {said}")
