"""What agents cost, seen with many on one machine: `just perf-agents`; docs/scale.md tells it.

Each agent is an interpreter beside this one (execnet's popen), with its own supervisor, as it
would be on a machine of its own; ssh is not part of it. All share this machine's CPUs, so times
are upper limits: on machines of their own agents do not wait for each other.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.process.remote.reaching import open_machine  # noqa: E402 - the path comes first
from scripts.agent_operations import begin_at, counts, rest  # noqa: E402 - the same

if TYPE_CHECKING:
    from bench.process.remote.remote_machine import Machine

LEAD_S = 2.0


def cpu_ns(pids: list[int]) -> int:
    """CPU time of processes so far, by the scheduler's own count (Linux)."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total


def memory(pid: int) -> int:
    """Bytes that a process adds to the machine: its share of what is shared, and all its own."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def pids(machines: list[Machine]) -> list[int]:
    """The agents and their supervisors."""
    return [pid for one in machines for pid in (one.agent_pid, one.supervisor_pid)]


def starts(machines: list[Machine], times: int) -> list[float]:
    """Spread of the real starts when all were asked for the same moment, milliseconds."""
    spreads = []
    for _ in range(times):
        at = time.monotonic() + LEAD_S
        offsets = [machine.clock().offset_s for machine in machines]
        late = max(0.0, time.monotonic() + 1.0 - at)
        pending = [
            machine.begin(begin_at, at=at + late + offset)
            for machine, offset in zip(machines, offsets, strict=True)
        ]
        real = [one.result(60) - offset for one, offset in zip(pending, offsets, strict=True)]
        spreads.append((max(real) - min(real)) * 1e3)
    return spreads


def merge(machines: list[Machine], values: int) -> tuple[float, float]:
    """Seconds until all histograms were here, and seconds to add them up."""
    pending = [
        machine.begin(counts, values=values, seed=seed) for seed, machine in enumerate(machines)
    ]
    began = time.monotonic()
    parts = [one.result(120) for one in pending]
    here = time.monotonic()
    total: Counter[int] = Counter()
    for part in parts:
        total.update(dict(part))
    done = time.monotonic()
    if sum(total.values()) != sum(count for part in parts for _, count in part):
        raise SystemExit("the merged histogram has another count than its parts")
    return here - began, done - here


def idle(machines: list[Machine], seconds: float, *, quiet: bool) -> tuple[float, float]:
    """Share of a core that an agent with its supervisor uses, and that the controller uses."""
    with contextlib.ExitStack() as stack:
        if quiet:
            for machine in machines:
                stack.enter_context(machine.quiet(seconds))
        pending = [machine.begin(rest, seconds=seconds + 1) for machine in machines]
        time.sleep(0.5)
        own, began, before = time.process_time(), time.monotonic(), cpu_ns(pids(machines))
        time.sleep(seconds)
        used, span = cpu_ns(pids(machines)) - before, time.monotonic() - began
        own = time.process_time() - own
        for one in pending:
            one.result(60)
    return used / 1e9 / span / len(machines), own / span / len(machines)


def main() -> None:
    """Open them, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each idle measurement")
    parser.add_argument("--values", type=int, default=3000, help="different values in a histogram")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache, contextlib.ExitStack() as stack:
        began = time.monotonic()
        base = resource.getrusage(resource.RUSAGE_SELF)
        machines = [
            stack.enter_context(open_machine("local", Path(cache), name=f"agent-{number}"))
            for number in range(options.agents)
        ]
        opened = time.monotonic() - began
        cpu = time.process_time() - base.ru_utime - base.ru_stime
        print(f"agents                     {len(machines)}")
        print(f"opened, one after another  {opened / len(machines):.3f} s each")
        print(f"controller to open one     {cpu / len(machines) * 1e3:.1f} ms CPU")
        spreads = starts(machines, 10)
        print(f"start spread, 10 starts    median {statistics.median(spreads):.2f} ms, "
              f"worst {max(spreads):.2f} ms")  # fmt: skip
        fetched, added = merge(machines, options.values)
        print(
            f"{options.values} values of each    here after {fetched:.3f} s, added in {added:.3f} s"
        )
        sizes = [memory(one.agent_pid) + memory(one.supervisor_pid) for one in machines]
        print(f"memory of an agent         {statistics.median(sizes) / 2**20:.1f} MiB "
              "with its supervisor")  # fmt: skip
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(f"memory of the controller   {most / 2**20:.0f} MiB at most")
        for quiet in (True, False):
            agent, controller = idle(machines, options.seconds, quiet=quiet)
            name = "in a window " if quiet else "between them"
            print(f"idle {name}          {agent:.4%} of a core per agent, "
                  f"{controller:.4%} in the controller per agent")  # fmt: skip
        began = time.monotonic()
    print(f"closed                     {time.monotonic() - began:.2f} s all")


if __name__ == "__main__":
    main()
