"""What `bench` costs a fast server while it measures: a row of `just perf`.

One wrk run against one server; its seconds are in turns with the sampler and the side channel, as
in a window, and without. Compared is what the server's port received in a second with them and in
the ones around it without: slots of one process see the same machine, which trials do not.
"""

from __future__ import annotations

import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.host import local_topology
from bench.host.cpu_split import split
from bench.loadtools import TOOLS, Share, Target
from bench.loadtools.tool import LoadJob
from bench.model.plan import Arm, LoadProfile
from bench.plans.server_files import load_server
from bench.plans.workload_files import load_workload
from bench.process import SupervisorClient
from bench.run.fitness import out_of_the_way
from bench.sampler import Sampler
from bench.sampler.linux.sockdiag import bytes_received
from bench.servers import RunningServer, build
from bench.stats.intervals import Estimate, paired
from bench.trial.questioning import Questioning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.model.plan import CpuSplit, Workload
    from bench.process import Child

ROOT = Path(__file__).resolve().parents[1]
SHARE_MIN = 0.99
SLOT_S = 1.0
_CONNECTIONS = 50
_WARM_S = 3
_FAST_RPS = 50_000
"""As of a fast server: it is asked most often."""


def by_wrk(connections: int, seconds: float) -> LoadProfile:
    """A closed loop by one process of wrk, which is warm already."""
    return LoadProfile(
        id="perf",
        tool="wrk",
        loop="closed",
        connections=connections,
        processes=1,
        warmup_s=0,
        duration_s=seconds,
        timeout_s=10,
    )


_PROFILE = by_wrk(_CONNECTIONS, SLOT_S)


class Slots(NamedTuple):
    """What all slots share.

    Attributes:
        port: of the server.
        wait: waits for the load tool's end at most so long, as a window does.
    """

    server: RunningServer
    cpus: CpuSplit
    workload: Workload
    load_pid: int
    wait: Callable[[float], bool]

    def rate(self, *, watched: bool) -> float:
        """Bytes per second that the server received in one slot."""
        if not watched:
            return self._measured(self._ticks(None))
        asking = Questioning(self.server.target, self.workload, _PROFILE, random.Random())
        asking.warmed_up(_FAST_RPS)
        try:
            with self._sampler() as sampler:
                sampler.set_load_pids([self.load_pid])
                sampler.mark()
                rate = self._measured(self._ticks(asking))
                sampler.mark()
        finally:
            asking.end()
        return rate

    def _sampler(self) -> Sampler:
        return Sampler(
            server_pid=self.server.pid,
            server_cpus=self.cpus.server,
            load_cpus=self.cpus.load,
            port=self.server.port,
        )

    def _ticks(self, asking: Questioning | None) -> Iterator[float]:
        """A slot as `run_together` waits through it: four looks a second, and questions."""
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < SLOT_S:
            if asking is None:
                time.sleep(SLOT_S - elapsed)
                break
            self.wait(min(0.25, SLOT_S - elapsed))
            self.server.cap_log()
            asking.in_window(time.monotonic() - began)
        yield time.monotonic() - began

    def _measured(self, slot: Iterator[float]) -> float:
        before, began = bytes_received(self.server.port) or 0, time.monotonic()
        next(slot)
        after, ended = bytes_received(self.server.port) or 0, time.monotonic()
        return (after - before) / (ended - began)


def measure(server: str, pairs: int, folder: Path) -> Estimate:
    """Rate with sampler and side channel / rate without, over pairs of slots."""
    cpus = split(local_topology(), None, None)
    home = ROOT / "servers" / server
    arm = Arm(
        name=server, server=server, folder=str(home), config=load_server(home / "server.yaml")
    )
    workload = load_workload(ROOT / "configs/workloads/json-small.yaml", ROOT)
    with ExitStack() as stack:
        supervisor = stack.enter_context(SupervisorClient(cpus.housekeeping or cpus.load))
        build(arm, supervisor, folder / "build.log")
        running = RunningServer(arm, cpus, supervisor, random.Random(), folder / "server.log")
        stack.enter_context(running)
        stack.enter_context(out_of_the_way(cpus))
        child = _load(supervisor, cpus, workload, running.target, folder, 2 * pairs + _WARM_S + 20)
        try:
            child.wait(_WARM_S)
            slots = Slots(running, cpus, workload, child.pid, child.wait)
            found = [_pair(slots, number) for number in range(pairs)]
        finally:
            child.stop(signal.SIGINT, 1.0)
    return paired([on for on, _ in found], [off for _, off in found])


def _pair(slots: Slots, number: int) -> tuple[float, float]:
    """One slot of each kind; which comes first changes."""
    rates = {}
    for watched in (True, False) if number % 2 else (False, True):
        rates[watched] = slots.rate(watched=watched)
    return rates[True], rates[False]


def _load(  # noqa: PLR0917 - the parts of one command, private
    supervisor: SupervisorClient,
    cpus: CpuSplit,
    workload: Workload,
    target: Target,
    folder: Path,
    seconds: int,
) -> Child:
    tool, out = TOOLS["wrk"], folder / "load"
    out.mkdir()
    job = LoadJob(target, workload, _PROFILE, folder)
    tool.prepare(job, random.Random(1))
    command = tool.command(job, Share(seed=1), out, seconds)
    pinned = cpus.load[:1] if cpus.pinning.state == "pinned" else None
    return supervisor.spawn(command._replace(cpus=pinned))


def report(server: str, pairs: int, folder: Path) -> bool:
    """Print what the harness costs; True where it is next to nothing."""
    ratio = measure(server, pairs, folder)
    held = ratio.value >= SHARE_MIN
    interval = "" if ratio.low is None else f" [{ratio.low:.3f}, {ratio.high:.3f}]"
    print(
        f"sampler and side channel in a window: {server} makes {ratio.value:.3f}{interval} of its "
        f"rate, {pairs} pairs of one second in one wrk run; "
        f"at least {SHARE_MIN}: {'held' if held else 'NOT HELD'}"
    )
    return held
