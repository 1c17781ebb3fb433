"""A 2-second measurement of the machine itself: clock, steadiness of each CPU, loopback.

It sees a noisy neighbor where no counter tells. It changes nothing but the CPUs on which this
thread may run, and puts those back.
"""

from __future__ import annotations

import gc
import itertools
import socket
import statistics
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

import psutil

from bench.host.core_speed import held_on
from bench.model.finding import finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.model.finding import Finding

_CLOCK_READINGS: Final = 20_000
_CHUNK: Final = 5_000
"""Loop rounds of one chunk: 0.1 to 0.3 ms, far below a scheduler's slice."""
_LEAST_CHUNKS: Final = 20
_MESSAGE: Final = b"x" * 86
_QUIET_S: Final = 0.3
_SPIN_S: Final = 1.3
_LOOPBACK_S: Final = 0.3
_LOST: Final = 0.03
_BUSY: Final = 0.10
_UNFIT_BUSY: Final = 0.50
_SLOW_CLOCK_NS: Final = 500.0
_US: Final = 1e6


class Clock(NamedTuple):
    """The clock that measures everything.

    Attributes:
        resolution_ns: smallest step ever seen between two readings.
        cost_ns: time of one reading, Python's part included.
    """

    resolution_ns: float
    cost_ns: float


class Steadiness(NamedTuple):
    """How evenly one CPU did a fixed piece of work over and over.

    Attributes:
        cpu: its number; None where this thread could not be held on one.
        chunks: how often the work was done.
        lost: share of the time by which the chunks took longer than the fastest tenth of them.
        longest_us: the longest chunk: a stall caused by other work.
    """

    cpu: int | None
    chunks: int
    lost: float
    longest_us: float


class RoundTrip(NamedTuple):
    """A message to and fro over TCP on loopback within one thread: the kernel's share alone."""

    messages: int
    median_us: float
    p99_us: float


class Measured(NamedTuple):
    """The whole measurement.

    Attributes:
        busy: share of each CPU that others used while this process slept.
    """

    clock: Clock
    busy: tuple[float, ...]
    cpus: tuple[Steadiness, ...]
    loopback: RoundTrip | None
    seconds: float


def measure(cpus: Sequence[int], *, scale: float = 1.0) -> Measured:
    """Measure for about two seconds.

    Args:
        cpus: logical CPUs to hold the loop on, one after the other; none = not held.
        scale: factor on the length of every part; for tests.
    """
    begin = time.perf_counter()
    clock = measure_clock()
    busy = psutil.cpu_percent(interval=_QUIET_S * scale, percpu=True)
    each_s = _SPIN_S * scale / max(1, len(cpus))
    steady = [measure_spin(cpu, each_s) for cpu in cpus] or [measure_spin(None, each_s)]
    loopback = measure_loopback(_LOOPBACK_S * scale)
    return Measured(
        clock,
        tuple(share / 100 for share in busy),
        tuple(steady),
        loopback,
        time.perf_counter() - begin,
    )


def measure_clock(readings: int = _CLOCK_READINGS) -> Clock:
    """Read the clock over and over: its smallest step, and what one reading costs."""
    read = time.perf_counter_ns
    stamps = [read() for _ in range(readings)]
    steps = [after - before for before, after in itertools.pairwise(stamps)]
    smallest = min((step for step in steps if step > 0), default=0)
    cost = (stamps[-1] - stamps[0]) / (readings - 1)
    return Clock(float(smallest), cost)


def measure_spin(cpu: int | None, seconds: float) -> Steadiness:
    """Do the same piece of work on one CPU for a while."""
    with held_on(cpu) as held, _collector_off():
        spin_once()
        times: list[float] = []
        end = time.perf_counter() + seconds
        while len(times) < _LEAST_CHUNKS or time.perf_counter() < end:
            times.append(spin_once())
    return steadiness(held, times)


def spin_once() -> float:
    """Seconds that one chunk of work takes."""
    begin = time.perf_counter()
    value = 0
    for number in range(_CHUNK):
        value ^= number
    return time.perf_counter() - begin


def steadiness(cpu: int | None, times: Sequence[float]) -> Steadiness:
    """Judge the lengths of the chunks: the fastest tenth is what the CPU can do undisturbed."""
    ordered = sorted(times)
    best = ordered[len(ordered) // 10]
    mean = statistics.fmean(ordered)
    return Steadiness(cpu, len(ordered), max(0.0, 1 - best / mean), ordered[-1] * _US)


@contextmanager
def _collector_off() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def measure_loopback(seconds: float) -> RoundTrip | None:
    """Send a small request's worth of bytes to and fro on 127.0.0.1; None where that fails."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(1)
            with socket.create_connection(listener.getsockname(), timeout=1) as near:
                far, _ = listener.accept()
                with far:
                    return _round_trips(near, far, seconds)
    except OSError:
        return None


def _round_trips(near: socket.socket, far: socket.socket, seconds: float) -> RoundTrip:
    for end in (near, far):
        end.settimeout(1)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times: list[float] = []
    finish = time.perf_counter() + seconds
    while not times or time.perf_counter() < finish:
        begin = time.perf_counter()
        near.sendall(_MESSAGE)
        far.recv(len(_MESSAGE))
        far.sendall(_MESSAGE)
        near.recv(len(_MESSAGE))
        times.append(time.perf_counter() - begin)
    times.sort()
    p99 = times[min(len(times) - 1, len(times) * 99 // 100)]
    return RoundTrip(len(times), statistics.median(times) * _US, p99 * _US)


def host_findings(measured: Measured) -> tuple[Finding, ...]:
    """What the measurement says about this machine."""
    return (*_judge_busy(measured.busy), *_judge_cpus(measured.cpus), *_judge_clock(measured.clock))


def _judge_busy(busy: Sequence[float]) -> Iterator[Finding]:
    mean = statistics.fmean(busy) if busy else 0.0
    if mean <= _BUSY:
        return
    each = ", ".join(f"CPU {cpu} {share:.0%}" for cpu, share in enumerate(busy) if share > _BUSY)
    yield finding(
        "others-on-cpu",
        "host",
        "now",
        severity="error" if mean > _UNFIT_BUSY else "warning",
        busy=round(mean, 3),
        each=each,
    )


def _judge_cpus(cpus: Sequence[Steadiness]) -> Iterator[Finding]:
    uneven = [cpu for cpu in cpus if cpu.lost > _LOST]
    if not uneven:
        return
    worst = max(uneven, key=lambda cpu: cpu.lost)
    names = ", ".join(f"{_cpu_name(cpu)} {cpu.lost:.0%}" for cpu in uneven)
    yield finding(
        "unsteady-cpu",
        "host",
        each=names,
        lost=round(worst.lost, 3),
        longest_us=round(worst.longest_us),
    )


def _cpu_name(cpu: Steadiness) -> str:
    return "not held" if cpu.cpu is None else f"CPU {cpu.cpu}"


def _judge_clock(clock: Clock) -> Iterator[Finding]:
    if clock.cost_ns > _SLOW_CLOCK_NS:
        yield finding("clocksource", "host", "slow", cost_ns=round(clock.cost_ns))
