"""Watches one trial: clocks and counters at marks, slow-moving things every 250 ms."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import threading
import time
from typing import TYPE_CHECKING, Final, Self

from bench.sampler.marks import LoadReading, Mark, Observation
from bench.sampler.observe import WatchedGroup, observe, tick_of
from bench.sampler.platforms import current_platform
from bench.sampler.window import BIN_S, Sample, Work, quarters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from bench.model.quarter import Quarter
    from bench.sampler.group import GroupProbe
    from bench.sampler.platforms import Platform

TRAFFIC_S: Final = BIN_S / 2
"""How often the loopback counter is read, so that begin and end of the load are found."""

_SAMPLES_PER_TICK: Final = round(BIN_S / TRAFFIC_S)
_SAMPLES_PER_FRESH: Final = 4 * _SAMPLES_PER_TICK
_MEMORY_PACE: Final = (4 * BIN_S, 0.001)
_SOCKET_PACE: Final = (6 * BIN_S, 0.0005)
_FREQUENCY_PACE: Final = (BIN_S, 0.001)
_RESIDENT_PACE: Final = (TRAFFIC_S, 0.004)
_JOIN_S: Final = 10.0
"""A reading takes milliseconds; whatever holds the thread up must not hold up Ctrl-C."""

_GROWTH: Final = 1.05
"""Memory that grew by this factor is looked at again before its time."""


class _Load:
    """A load process with its descendants, from when it was named to its end."""

    def __init__(self, probe: GroupProbe) -> None:
        self._probe = probe
        self.last: LoadReading | None = None

    def look(self, now_s: float, *, fresh: bool = True) -> int | None:
        """Read it; its CPU time, or None when it is gone."""
        reading = self._probe.read(fresh=fresh)
        if reading is None or not reading.processes:
            return None
        self.last = LoadReading(now_s, reading.cpu_ns)
        return reading.cpu_ns


class Sampler:
    """Reads clocks and counters of one server under load; use it as a context manager.

    Args:
        server_pid: first process of the server; its descendants and its process group belong.
        server_cpus: CPUs that the server is held on (or may use).
        load_cpus: the same for the load tools.
        port: of the server; None where it is on another machine, so that neither its
            connections nor its traffic over the loopback can be seen.
        space: process that holds the network namespace of server and load; 0 = the machine's.
        database_pid: first process of the database beside the server, 0 = there is none.
        traffic: reads the bytes that went between load and server; None = over the loopback.
        platform: how this system is read.
    """

    def __init__(
        self,
        *,
        server_pid: int,
        server_cpus: tuple[int, ...],
        load_cpus: tuple[int, ...],
        port: int | None,
        space: int = 0,
        database_pid: int = 0,
        traffic: Callable[[], int | None] | None = None,
        platform: Platform | None = None,
    ) -> None:
        self._platform = platform or current_platform(
            server_pid, server_cpus, load_cpus, space=space
        )
        self._server = self._platform.group(server_pid)
        self._database = self._platform.group(database_pid) if database_pid else None
        self._port = port
        self._traffic = traffic or self._platform.loopback_bytes
        self._lock = threading.Lock()
        # Not an Event: its lock is taken in Python, so that a Ctrl-C just then would leave it
        # held, and the next `set` would wait for ever (seen: `bench ab` that did not end).
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._ours = self._platform.group(os.getpid())
        self._loads: dict[int, _Load] = {}
        self._watched = WatchedGroup()
        self._memory_pace = ReadingPace(*_MEMORY_PACE)
        self._socket_pace = ReadingPace(*_SOCKET_PACE)
        self._frequency_pace = ReadingPace(*_FREQUENCY_PACE)
        self._resident_pace = ReadingPace(*_RESIDENT_PACE)
        self._memory_at = 0
        self._watching_work = False
        self._begin_again = False

    def __enter__(self) -> Self:
        self._server.read()
        self._platform.start_counting(self._server)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped = True
        self._wake.put(None)
        self._thread.join(_JOIN_S)
        self._platform.stop_counting()

    def set_load_pids(self, pids: Sequence[int]) -> None:
        """Name the load processes that run now; earlier ones are no longer looked at."""
        with self._lock:
            self._loads = {pid: _Load(self._platform.group(pid)) for pid in pids}
            self._look_at_loads(time.monotonic())

    def watch_work(self, *, on: bool) -> None:
        """Look at what the server has done, too: during a warm-up, where that disturbs nothing."""
        self._watching_work = on
        if on:
            self._begin_again = True
            self._wake.put(None)

    def quarters(self, begin_s: float) -> tuple[Quarter, ...]:
        """CPU time per unit of work of each quarter of a second since then, while watched."""
        return quarters(tuple(self._watched.work), begin_s)

    def mark(self) -> Mark:
        """Read every clock and counter now; 3 to 9 ms with 200 threads or 100 processes."""
        with self._lock:
            mark = self._mark()
        self._memory_pace.want(mark.at_s)
        self._resident_pace.want(mark.at_s)
        self._socket_pace.want(mark.at_s + BIN_S)
        self._wake.put(None)
        return mark

    def window(self, begin: Mark, end: Mark) -> Observation:
        """What happened between two marks."""
        return observe(begin, end, self._watched, self._platform)

    def _mark(self) -> Mark:
        at_s = time.monotonic()
        group = self._server.read()
        harness_ns = time.process_time_ns()
        self._look_at_loads(at_s)
        system = self._platform.system()
        counts = self._platform.counts()
        ours = self._ours.read()
        return Mark(
            at_s=at_s,
            group=group,
            loads={pid: load.last for pid, load in self._loads.items() if load.last},
            ours_ns=ours.cpu_ns if ours else harness_ns,
            harness_ns=harness_ns,
            tasks=self._server.tasks(),
            system=system,
            counts=counts,
            core_times=self._platform.core_times(),
            database=self._database.read() if self._database else None,
        )

    def _look_at_loads(self, now_s: float, *, fresh: bool = True) -> dict[int, int]:
        """CPU time of each load process that is alive."""
        found = {pid: load.look(now_s, fresh=fresh) for pid, load in self._loads.items()}
        return {pid: cpu_ns for pid, cpu_ns in found.items() if cpu_ns is not None}

    def _run(self) -> None:
        next_s = time.monotonic()
        count = 0
        while not self._stopped:
            now_s = time.monotonic()
            if self._begin_again:  # quarters of a second count from now on
                self._begin_again, next_s, count = False, now_s, 0
            if now_s >= next_s:
                self._sample()
                if count % _SAMPLES_PER_TICK == 0:
                    self._tick(fresh=count % _SAMPLES_PER_FRESH == 0)
                count += 1
                next_s += TRAFFIC_S * max(1, int((now_s - next_s) / TRAFFIC_S) + 1)
            self._slow(now_s)
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=max(0.0, next_s - time.monotonic()))

    def _sample(self) -> None:
        if self._port is None:
            return
        count = self._traffic()
        if count is not None:
            self._watched.samples.append(Sample(time.monotonic(), count))

    def _tick(self, *, fresh: bool) -> None:
        with self._lock:
            now_s = time.monotonic()
            group = self._server.read(fresh=fresh)
            loads = self._look_at_loads(now_s, fresh=fresh)
        server_ns = group.cpu_ns if group else None
        if self._watching_work and server_ns is not None and self._port is not None:
            done = self._platform.port_bytes(self._port) or self._traffic()
            if done is not None:
                self._watched.work.append(Work(now_s, server_ns, done))
        if fresh:
            self._check_growth()
        cpus = self._platform.cpu_times()
        self._watched.ticks.append(tick_of(now_s, server_ns, loads, cpus, self._platform))

    def _slow(self, now_s: float) -> None:
        """Costly readings, outside the lock so that a mark never waits for them."""
        if self._memory_pace.due(now_s):
            self._read_memory(now_s)
        if self._resident_pace.due(now_s):
            self._read_resident(now_s)
        if self._port is not None and self._socket_pace.due(now_s):
            begun = time.thread_time()
            self._watched.connections.append((now_s, self._platform.connections(self._port)))
            self._socket_pace.ran(now_s, time.thread_time() - begun)
        if self._frequency_pace.due(now_s):
            begun = time.thread_time()
            self._watched.frequencies.append((now_s, self._platform.frequency_mhz()))
            self._frequency_pace.ran(now_s, time.thread_time() - begun)

    def _check_growth(self) -> None:
        if (self._server.resident_bytes() or 0) > self._memory_at * _GROWTH:
            self._memory_pace.hurry()

    def _read_resident(self, now_s: float) -> None:
        """The cheap figure, often: what memory does inside a window."""
        begun = time.thread_time()
        resident = self._server.resident_bytes()
        if resident is not None:
            self._watched.resident.append((now_s, resident))
        self._resident_pace.ran(now_s, time.thread_time() - begun)

    def _read_memory(self, now_s: float) -> None:
        begun = time.thread_time()
        self._memory_at = self._server.resident_bytes() or 0
        self._watched.memory.append((now_s, self._server.memory()))
        self._memory_pace.ran(now_s, time.thread_time() - begun)


class ReadingPace:
    """Keeps one kind of reading below a share of one CPU.

    Args:
        every_s: shortest time between two readings.
        share: of one CPU that the readings may use in the long run.
    """

    def __init__(self, every_s: float, share: float) -> None:
        self._every_s = every_s
        self._share = share
        self._next_s = 0.0
        self._earliest_s = 0.0
        self._wanted_s = math.inf

    def due(self, now_s: float) -> bool:
        """Whether it is time."""
        return now_s >= min(self._next_s, self._wanted_s)

    def ran(self, now_s: float, cost_s: float) -> None:
        """Note a reading and what it cost; one wanted after it began is still wanted."""
        self._earliest_s = now_s + cost_s / self._share
        self._next_s = max(now_s + self._every_s, self._earliest_s)
        if now_s >= self._wanted_s:
            self._wanted_s = math.inf

    def want(self, at_s: float) -> None:
        """Ask for a reading at that time although the last one is recent."""
        self._wanted_s = at_s

    def hurry(self) -> None:
        """Ask for a reading as soon as the cost of the last one allows."""
        self._next_s = min(self._next_s, self._earliest_s)
