"""Measures paced: its lateness, its cost beside wrk's, and whether its medians come again.

`just perf-paced`. Cost: paced at 50,000/s and wrk as fast as it can take turns at the ceiling
server, and CPU time per request is compared, since rates alone spread too much on a shared
machine. Lateness and medians: two whole runs of `bench run`, five rounds at 2,000/s each, evenly
by paced and beside it by oha, as docs/open-loop.md has them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.host import local_topology
from bench.host.cpu_split import split
from bench.loadtools import TOOLS
from bench.loadtools.install.find import search_path
from bench.loadtools.install.ready import ready
from bench.model.plan import Arm, LoadProfile
from bench.plans.server_files import load_server
from bench.plans.workload_files import load_workload
from bench.process import SupervisorClient
from bench.servers import RunningServer, build
from bench.stats.intervals import paired
from bench.trial.load import Loader, run_together

ROOT = Path(__file__).resolve().parents[1]
COST_MAX = 1.1
RATE = 50_000
LATE_P50_MAX_US = 20
LATE_P99_SHARE = 0.10
AGAIN_MAX = 0.05
SERVERS = ("fastapi", "fastify", "axum")


def profile(tool: str, seconds: int) -> LoadProfile:
    """Of one process; the open loop's rate is far below what wrk reaches on a quiet machine."""
    opened = tool == "paced"
    return LoadProfile(
        id=tool,
        tool=tool,
        loop="open" if opened else "closed",
        connections=64,
        rate_rps=RATE if opened else None,
        arrivals="even" if opened else None,
        processes=1,
        warmup_s=0,
        duration_s=seconds,
        timeout_s=10,
    )


def costs(windows: int, seconds: int, folder: Path) -> list[dict[str, tuple[float, float]]]:
    """Per turn and tool: CPU microseconds per request, and the share sent from the queue."""
    cpus = split(local_topology(), None, None)
    home = ROOT / "servers" / "ceiling"
    arm = Arm(
        name="ceiling", server="ceiling", folder=str(home), config=load_server(home / "server.yaml")
    )
    workload = load_workload(ROOT / "configs/workloads/json-small.yaml", ROOT)
    found = []
    with SupervisorClient() as supervisor:
        build(arm, supervisor, folder / "build.log")
        with RunningServer(arm, cpus, supervisor, random.Random(), folder / "log") as server:
            for number in range(windows):
                turn = {}
                for tool in ("paced", "wrk")[:: 1 if number % 2 else -1]:
                    place = folder / f"{number}-{tool}"
                    place.mkdir()
                    loader = Loader(
                        tool=TOOLS[tool], profile=profile(tool, seconds), workload=workload,
                        target=server.target, cpus=cpus, supervisor=supervisor, folder=place,
                        rng=random.Random(number), schedule=number,
                    )  # fmt: skip
                    (run,) = run_together(
                        [loader], "load", seconds, started=[lambda _: None], tick=lambda _: None
                    )
                    pacing = run.result.pacing
                    queued = pacing.from_queue / pacing.sent if pacing and pacing.sent else 0.0
                    turn[tool] = (sum(run.cpu_s) * 1e6 / run.result.requests, queued)
                found.append(turn)
    return found


def compare_cost(windows: int, seconds: int) -> bool:
    """Print what paced costs beside wrk; True where that is little enough."""
    with tempfile.TemporaryDirectory() as folder:
        found = costs(windows, seconds, Path(folder))
    ours, theirs = ([turn[tool][0] for turn in found] for tool in ("paced", "wrk"))
    ratio = paired(ours, theirs)
    held = ratio.value <= COST_MAX
    queued = max(turn["paced"][1] for turn in found)
    interval = "" if ratio.low is None else f" [{ratio.low:.2f}, {ratio.high:.2f}]"
    print(
        f"paced at {RATE:,}/s beside wrk, {windows} windows of {seconds} s in turn:\n"
        f"  CPU per request {ratio.value:.2f}x{interval}: {_median(ours):.1f} and "
        f"{_median(theirs):.1f} us (medians); at most {COST_MAX}: "
        f"{'held' if held else 'NOT HELD'}\n"
        f"  up to {queued:.0%} of the requests came from the queue: the server was the limit then"
    )
    return held


def run_once(folder: Path) -> dict[tuple[str, str], Any]:
    """One whole run of five rounds; server and load tool -> what its JSON says of the cell."""
    (folder / "configs").mkdir(parents=True, exist_ok=True)
    matrix = {
        "servers": list(SERVERS),
        "workloads": ["json-small"],
        "profiles": [
            {"loop": "open", "rate": 2000, "arrivals": "even", "duration": "5s"},
            {"loop": "open", "rate": 2000, "tool": "oha", "duration": "5s"},
        ],
    }
    (folder / "configs" / "paced.yaml").write_text(json.dumps(matrix))
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", "paced", "--json", "--project", str(folder)],
        stdout=subprocess.PIPE, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    return {(cell["server"], cell["profile"].split("-")[0]): cell for cell in told["cells"]}


def repeat_medians() -> bool:
    """Print lateness and medians of two runs; True where both are as they should be."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = run_once(Path(folder)), run_once(Path(folder))
    held = True
    print(f"load average {os.getloadavg()[0]:.1f} at the end, {os.cpu_count()} CPUs")
    for name in SERVERS:
        one, other = (_median_of(run[name, "paced"]) for run in (first, second))
        by_oha = " and ".join(f"{_median_of(run[name, 'oha'])}" for run in (first, second))
        apart = abs(other / one - 1)
        held = held and apart <= AGAIN_MAX
        print(f"{name}: p50 {one} and {other} us, {apart:.1%} apart (at most {AGAIN_MAX:.0%}); "
              f"by oha {by_oha} us")  # fmt: skip
        for run in (first, second):
            late, median = run[name, "paced"]["lateness_us"], _median_of(run[name, "paced"])
            print(f"  lateness: p50 {late['p50']} us (at most {LATE_P50_MAX_US}), "
                  f"p99 {late['p99']} us (at most {LATE_P99_SHARE:.0%} of {median})")  # fmt: skip
    cell = first["fastapi", "paced"]
    late, median = cell["lateness_us"], _median_of(cell)
    return held and late["p50"] <= LATE_P50_MAX_US and late["p99"] <= LATE_P99_SHARE * median


def _median_of(cell: dict[str, Any]) -> float:
    median: float = cell["latency_us"]["percentiles"]["50"]
    return median


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def main() -> int:
    """Run the measurements; 1 where one of them is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--windows", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=2, help="length of a window")
    parser.add_argument("--cost-only", action="store_true", help="leave the two runs out")
    parser.add_argument("--medians-only", action="store_true", help="leave the cost out")
    options = parser.parse_args()
    os.environ["PATH"] = search_path()
    ready("paced")
    held = [] if options.medians_only else [compare_cost(options.windows, options.seconds)]
    if not options.cost_only:
        held.append(repeat_medians())
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
