"""The sampler against real processes whose CPU time, memory and connections are known."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.sampler import Observation

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
BURN = Path(__file__).with_name("burn.py")

pytestmark = [
    pytest.mark.real,
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform != "linux", reason="clocks of other processes"),
]

STRANGER = """
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
os.sched_setaffinity(0, {int(sys.argv[1])})
end = time.monotonic() + 1.5
while time.monotonic() < end:
    pass
"""

ECHO = """
import asyncio, sys
class Echo(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data):
        self.transport.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
async def main():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


class Burner:
    """The other end of burn.py."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, way: str, amount: float) -> float:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{way} {amount}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


@contextlib.contextmanager
def started(*argv: str) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, ended with all of it."""
    process = subprocess.Popen(
        [sys.executable, *argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def burner() -> Iterator[Burner]:
    with started(str(BURN)) as process:
        burner = Burner(process)
        burner.ask("burn", 0)  # its interpreter has started
        yield burner


def sampler(pid: int, port: int = 9) -> Sampler:
    cpus = [0]
    if sys.platform == "linux":
        cpus = sorted(os.sched_getaffinity(0))
    return Sampler(server_pid=pid, server_cpus=(cpus[0],), load_cpus=(cpus[-1],), port=port)


def measured(burner: Burner, way: str, amount: float) -> tuple[float, Observation]:
    """What burn.py says it used between two marks, and what the sampler saw."""
    with sampler(burner.process.pid) as watching:
        before = burner.ask("burn", 0)
        begin = watching.mark()
        after = burner.ask(way, amount)
        end = watching.mark()
        return after - before, watching.window(begin, end)


class TestCpuTime:
    def test_threads_that_ended_are_counted(self, burner: Burner) -> None:
        """CPU time of a process includes its ended threads, within 1 %."""
        used, seen = measured(burner, "threads", 0.8)

        assert seen.resources.server_cpu_s == pytest.approx(used, rel=0.01)

    def test_children_that_came_and_went_are_counted(self, burner: Burner) -> None:
        """Children waited for are known to 2 ticks, whether or not they were ever seen."""
        used, seen = measured(burner, "children", 1.0)

        assert seen.resources.server_cpu_s == pytest.approx(used, abs=2 * TICK_S)

    @pytest.mark.alone(again=False)  # what it starts is nobody's child
    def test_a_child_that_nobody_waits_for_is_counted(self, burner: Burner) -> None:
        """With SIGCHLD ignored its time is added nowhere by the kernel."""
        with sampler(burner.process.pid) as watching:
            begin = watching.mark()
            used = burner.ask("ignored", 0.5)
            time.sleep(1.0)
            end = watching.mark()
            seen = watching.window(begin, end)

        assert seen.resources.server_cpu_s == pytest.approx(used, rel=0.02)
        assert seen.processes == 1

    @pytest.mark.alone(again=False)  # what it starts is nobody's child
    def test_an_orphan_is_counted(self, burner: Burner) -> None:
        """A grandchild without a parent still belongs to the process group."""
        with sampler(burner.process.pid) as watching:
            begin = watching.mark()
            used = burner.ask("orphan", 0.5)
            seen = watching.window(begin, watching.mark())
            time.sleep(1.0)
            later = watching.window(begin, watching.mark())

        assert seen.resources.server_cpu_s == pytest.approx(used, rel=0.02)
        assert later.resources.server_cpu_s == pytest.approx(used, rel=0.02)

    def test_one_thread_at_its_limit_is_busy(self, burner: Burner) -> None:
        """A single busy thread shows, even of a server with more CPUs than it uses."""
        cpus = (*range(os.cpu_count() or 1), 1000, 1001)
        pid = burner.process.pid
        with Sampler(server_pid=pid, server_cpus=cpus, load_cpus=(0,), port=9) as watching:
            begin = watching.mark()
            burner.ask("burn", 0.8)
            seen = watching.window(begin, watching.mark()).resources

        assert seen.span_s is not None
        assert seen.server_cpu_s is not None
        assert seen.server_busy is not None
        assert seen.server_busy >= 0.97 * seen.server_cpu_s / seen.span_s

    def test_a_server_that_was_never_there_gives_none(self) -> None:
        """Nothing is made up for a process that is gone; the reason is given."""
        with started("-c", "") as process:
            process.wait()
        with sampler(process.pid) as watching:
            begin = watching.mark()
            seen = watching.window(begin, watching.mark()).resources

        assert seen.server_cpu_s is None
        assert seen.unavailable["server_cpu_s"] == "the server was gone"


class TestOthers:
    """Both tests look at one CPU, of which strangers on this machine may take what they like."""

    @pytest.mark.alone(again=False)  # what it starts is nobody's child
    def test_a_strangers_time_is_found(self) -> None:
        """A process that nobody here started, on our CPU, is others'."""
        if sys.platform != "linux":
            pytest.skip("this system cannot pin")
        cpu = min(os.sched_getaffinity(0))
        argv = [sys.executable, "-c", STRANGER, str(cpu)]
        with self.on(cpu, os.getpid()) as watching:
            subprocess.run(argv, check=True)
            time.sleep(0.2)
            begin = watching.mark()
            time.sleep(0.8)
            seen = watching.window(begin, watching.mark())

        assert seen.counters.others_share is not None
        assert seen.counters.others_share > 0.5

    @pytest.mark.parametrize("way", ["burn", "children"])
    def test_our_own_time_is_not(self, burner: Burner, way: str) -> None:
        """Whatever bench started is ours, also children that have ended."""
        if sys.platform != "linux":
            pytest.skip("this system cannot pin")
        cpu = min(os.sched_getaffinity(0))
        os.sched_setaffinity(burner.process.pid, {cpu})
        with self.on(cpu, burner.process.pid) as watching:
            begin = watching.mark()
            burner.ask(way, 1.0)
            seen = watching.window(begin, watching.mark())

        assert seen.resources.server_cpu_s is not None
        assert seen.resources.span_s is not None
        assert seen.counters.others_share is not None
        ours = seen.resources.server_cpu_s / seen.resources.span_s
        assert seen.counters.others_share <= 1 - ours + 0.05

    def on(self, cpu: int, pid: int) -> Sampler:
        return Sampler(server_pid=pid, server_cpus=(cpu,), load_cpus=(cpu,), port=9)


class TestMemory:
    def test_shared_pages_are_counted_once(self, burner: Burner) -> None:
        """Four processes that share 40 MB use 40 MB, not 160."""
        with sampler(burner.process.pid) as watching:
            burner.ask("shared-memory", 40)
            begin = watching.mark()
            time.sleep(0.6)
            seen = watching.window(begin, watching.mark())

        assert seen.processes == 4
        assert seen.resources.rss_peak_bytes is not None
        assert 40e6 < seen.resources.rss_peak_bytes < 80e6

    def test_memory_that_grows_has_a_slope(self, burner: Burner) -> None:
        """40 MB taken bit by bit are growth, standing still is none."""
        alone = Sampler(server_pid=burner.process.pid, server_cpus=(0,), load_cpus=(0,), port=None)
        with alone as watching:  # others' traffic on the loopback must not choose the span
            still = watching.mark()
            time.sleep(2.5)
            ended = watching.mark()
            time.sleep(0.4)  # readings just after the end of a window still count
            begin = watching.mark()
            burner.ask("growing", 40)
            end = watching.mark()
            grown = watching.window(begin, end).resources.memory_slope_bytes_per_s
            stood = watching.window(still, ended).resources.memory_slope_bytes_per_s

        assert grown is not None
        assert grown > 1e6
        assert stood is not None
        assert abs(stood) < 1e6


TRACED = 2 if sys.gettrace() else 1
"""How much longer our own Python takes where coverage traces each line."""


def reading_s(pid: int) -> float:
    """CPU time of reading 200 files of /proc with nothing around it."""
    begun = time.thread_time()
    for _ in range(200):
        file = os.open(f"/proc/{pid}/status", os.O_RDONLY)
        os.read(file, 4096)
        os.close(file)
    return time.thread_time() - begun


class TestCost:
    @pytest.mark.parametrize("way", ["many-threads", "many-children"])
    def test_a_mark_costs_little_more_than_its_files(self, burner: Burner, way: str) -> None:
        """Of 200 threads or 100 processes: 2 to 3 times as much as reading 200 files of /proc."""
        burner.ask(way, 200 if way == "many-threads" else 100)
        with sampler(burner.process.pid) as watching:
            watching.mark()
            costs = []
            for _ in range(10):
                time.sleep(0.05)
                files_s = reading_s(burner.process.pid)
                begun = time.thread_time()
                watching.mark()
                costs.append((time.thread_time() - begun) / files_s)

        assert min(costs) < 4 * TRACED


@pytest.mark.needs("wrk")
class TestUnderLoad:
    def test_a_server_under_50_connections(self) -> None:
        """Connections, bytes, CPU times and the sampler's own cost are those of the load."""
        with started("-c", ECHO) as server:
            assert server.stdout
            port = int(server.stdout.readline())
            seen, load_s = self.loaded(server.pid, port)
        used, counters = seen.resources, seen.counters

        assert counters.connections_seen == 50
        assert used.load_cpu_s[0] == pytest.approx(load_s, abs=0.3)
        assert used.server_busy is not None
        assert used.server_busy > 0.5
        assert used.load_busy is not None
        assert 0.01 < used.load_busy <= 1
        assert 5 <= len(seen.series) <= 8
        assert min(seen.series) > 10_000
        assert used.voluntary_switches is not None
        assert used.harness_cpu_s is not None
        assert used.span_s is not None
        assert used.harness_cpu_s / used.span_s < 0.02 * TRACED

    def loaded(self, pid: int, port: int) -> tuple[Observation, float]:
        """Two seconds of wrk; what was seen and the CPU time that wrk really used."""
        with sampler(pid, port) as watching:
            begin = watching.mark()
            wrk = subprocess.Popen(
                ["wrk", "-t1", "-c50", "-d2s", f"http://127.0.0.1:{port}/"],
                stdout=subprocess.DEVNULL,
            )
            watching.set_load_pids([wrk.pid])
            _, status, usage = os.wait4(wrk.pid, 0)
            wrk.returncode = os.waitstatus_to_exitcode(status)
            return watching.window(begin, watching.mark()), usage.ru_utime + usage.ru_stime
