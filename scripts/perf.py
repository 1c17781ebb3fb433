"""Measures the harness itself: our wrk script, the sampler in a window, `bench --help`.

`just perf`. Our script (pool of requests, whole histogram) runs at the same time as bare wrk with a
fixed body, each against a server of its own, so that what disturbs one disturbs the other. Ours has
the sampler and the side channel on, as in a trial. Compared is the CPU time of the tool per
request: rates alone spread too much on a shared machine.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.host import local_topology
from bench.host.cpu_split import split
from bench.loadtools import TOOLS, Share, Target, ToolOutput
from bench.loadtools.install.find import search_path
from bench.loadtools.tool import LoadJob
from bench.model.plan import Arm, LoadProfile
from bench.plans.server_files import load_server
from bench.plans.workload_files import load_workload
from bench.process import Command, SupervisorClient
from bench.sampler import Sampler
from bench.servers import RunningServer, build
from bench.stats.intervals import paired
from bench.trial.side_channel import SideChannel
from scripts.perf_window import by_wrk, report

if TYPE_CHECKING:
    from bench.model.plan import CpuSplit, Workload
    from bench.process import Child

ROOT = Path(__file__).resolve().parents[1]
RATIO_MAX = 1.05
HELP_MAX_S = 0.150
CONNECTIONS = 25
_REQUESTS = re.compile(r"(\d+) requests in ")
BARE = """wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.body = [==[{body}]==]
"""


class Cost(NamedTuple):
    """CPU microseconds per request of both tools in one window."""

    ours_us: float
    bare_us: float


class Bench(NamedTuple):
    """What all windows share."""

    supervisor: SupervisorClient
    cpus: CpuSplit
    workload: Workload
    targets: tuple[Target, Target]
    folder: Path
    seconds: int
    sampler: Sampler
    side: SideChannel

    def window(self, number: int) -> Cost:
        """Run both tools at once; which starts first alternates."""
        folder = self.folder / f"w{number}"
        commands = {"ours": self._ours(folder), "bare": self._bare(folder)}
        names = ("ours", "bare") if number % 2 else ("bare", "ours")
        begin = self.sampler.mark()
        children = {name: self._start(commands[name]) for name in names}
        self.sampler.set_load_pids([children["ours"].pid])
        while not children["ours"].wait(0.5):
            self.side.glance(1, 1)
        self.sampler.window(begin, self.sampler.mark())
        for child in children.values():
            if not child.wait(self.seconds + 20) or child.rc:
                raise SystemExit(f"perf: {child.command.argv} failed, see {child.command.stdout}")
        profile = self._profile()
        output = ToolOutput(
            0, commands["ours"].stdout, folder / "ours" / "stderr.txt", folder / "ours"
        )
        ours = TOOLS["wrk"].parse(output, profile).requests
        said = _REQUESTS.search(commands["bare"].stdout.read_text())
        bare = int(said[1]) if said else 0
        return Cost(
            (children["ours"].cpu_s or 0.0) * 1e6 / ours,
            (children["bare"].cpu_s or 0.0) * 1e6 / bare,
        )

    def _profile(self) -> LoadProfile:
        return by_wrk(CONNECTIONS, self.seconds)

    def _ours(self, folder: Path) -> Command:
        out = folder / "ours"
        out.mkdir(parents=True)
        tool = TOOLS["wrk"]
        job = LoadJob(self.targets[0], self.workload, self._profile(), folder)
        tool.prepare(job, random.Random(1))
        return tool.command(job, Share(seed=1), out, self.seconds)

    def _bare(self, folder: Path) -> Command:
        out = folder / "bare"
        out.mkdir(parents=True)
        body = (ROOT / "configs/bodies/small.json").read_text().rstrip("\n")
        (out / "bare.lua").write_text(BARE.replace("{body}", body))
        url = f"http://{self.targets[1].authority}/json/small"
        like = self._ours(folder / "like")
        argv = ("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{self.seconds}s", "-s", "bare.lua", url)
        return like._replace(argv=argv, cwd=out, stdout=out / "stdout.txt", stderr=None)

    def _start(self, command: Command) -> Child:
        cpus = self.cpus.load[:1] if self.cpus.pinning.state == "pinned" else None
        return self.supervisor.spawn(command._replace(cpus=cpus))


def costs(server: str, windows: int, seconds: int, folder: Path) -> list[Cost]:
    """Build and start two copies of the server, and run all windows."""
    cpus = split(local_topology(), None, None)
    home = ROOT / "servers" / server
    config = load_server(home / "server.yaml")
    workload = load_workload(ROOT / "configs/workloads/json-small.yaml", ROOT)
    arms = [
        Arm(name=name, server=server, folder=str(home), config=config) for name in ("ours", "bare")
    ]
    with ExitStack() as stack:
        supervisor = stack.enter_context(SupervisorClient())
        build(arms[0], supervisor, folder / "build.log")
        servers = [
            stack.enter_context(
                RunningServer(arm, cpus, supervisor, random.Random(), folder / f"{arm.name}.log")
            )
            for arm in arms
        ]
        ours, bare = (Target("127.0.0.1", server.port) for server in servers)
        sampler = stack.enter_context(
            Sampler(
                server_pid=servers[0].pid,
                server_cpus=cpus.server,
                load_cpus=cpus.load,
                port=ours.port,
            )
        )
        side = SideChannel(ours, workload, random.Random())
        setting = Bench(supervisor, cpus, workload, (ours, bare), folder, seconds, sampler, side)
        setting.window(-1)  # warm-up
        return [setting.window(number) for number in range(windows)]


def compare_wrk(server: str, windows: int, seconds: int) -> bool:
    """Print what our script costs; True where it costs little enough."""
    with tempfile.TemporaryDirectory() as folder:
        found = costs(server, windows, seconds, Path(folder))
    ratio = paired([cost.ours_us for cost in found], [cost.bare_us for cost in found])
    held = ratio.value <= RATIO_MAX
    interval = "" if ratio.low is None else f" [{ratio.low:.3f}, {ratio.high:.3f}]"
    print(
        "our wrk script with sampler and side channel, against bare wrk:\n"
        f"  CPU per request {ratio.value:.3f}x{interval}, "
        f"{windows} windows of {seconds} s against {server}\n"
        f"  ours {_median([c.ours_us for c in found]):.2f} us, "
        f"bare {_median([c.bare_us for c in found]):.2f} us (medians); "
        f"at most {RATIO_MAX}: {'held' if held else 'NOT HELD'}"
    )
    return held


def time_help() -> bool:
    """Print how long `bench --help` takes; True where that is short enough."""
    ours = _least([str(ROOT / ".venv/bin/bench"), "--help"])
    click = _least([sys.executable, "-c", "import click"])
    held = ours < max(HELP_MAX_S, 2 * click)
    print(
        f"bench --help: {ours * 1000:.0f} ms, python -c 'import click': {click * 1000:.0f} ms; "
        f"at most {HELP_MAX_S * 1000:.0f} ms or twice that: {'held' if held else 'NOT HELD'}"
    )
    return held


def _least(argv: list[str]) -> float:
    took = []
    for _ in range(10):
        begun = time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - begun)
    return min(took)


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def main() -> int:
    """Run all measurements; 1 where one of them is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--server", default="axum", help="one that answers json-small")
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=85, help="seconds with and without bench")
    parser.add_argument("--seconds", type=int, default=2, help="length of a window")
    options = parser.parse_args()
    os.environ["PATH"] = search_path()
    held = [time_help(), compare_wrk(options.server, options.windows, options.seconds)]
    with tempfile.TemporaryDirectory() as folder:
        held.append(report(options.server, options.pairs, Path(folder)))
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
