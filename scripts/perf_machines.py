"""Rates of `bench --machines` against wrk by hand over ssh: `just perf-machines` (about 4 min).

The machines are network namespaces with an sshd each (tests/lab.py): root, ip and sshd are needed,
and a machine with nothing else to do. Server and load have one CPU each. A pair is one trial of
`bench` and one window of plain wrk that was started by ssh against a server that was started by
ssh, the same commands on the same CPUs; which comes first alternates. Told beside it: how long a
start takes where everything is there already, what a trial takes beyond warm-up and window, and
how far apart two machines of the load begin.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.loadtools.install.find import search_path, tool_path  # noqa: E402 - the path comes first
from bench.model.plan import Arm, Cell, LoadProfile, PlannedTrial  # noqa: E402 - the same
from bench.plans.server_files import load_server  # noqa: E402 - the same
from bench.plans.workload_files import load_workload  # noqa: E402 - the same
from bench.process import SupervisorClient  # noqa: E402 - the same
from bench.process.remote.reaching import open_machine  # noqa: E402 - the same
from bench.servers import build  # noqa: E402 - the same
from bench.stats.intervals import paired  # noqa: E402 - the same
from bench.trial import TrialRun, TrialSetting, run_trial  # noqa: E402 - the same
from bench.trial.remote.lab import Lab as Group  # noqa: E402 - the same
from bench.trial.remote.places import Place  # noqa: E402 - the same
from bench.trial.remote.remote_life import RemoteLife  # noqa: E402 - the same
from tests.lab import Lab, built, missing  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model.plan import CpuSplit
    from bench.model.trial_record import TrialRecord

LEAST = 0.98
SPREAD_MAX_MS = 5.0
START_MAX_S = 2.0
OVERHEAD_MAX_S = 1.0
CONNECTIONS = 25
WARMUP_S = 1
NODE = """const http = require('node:http')
http.createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain')
  response.end(request.url === '/health' ? 'ok' : 'Hello, World!')
}).listen(Number(process.argv[2]), process.argv[3])
"""
SERVERS = ("ceiling", "node")
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")


class Setup(NamedTuple):
    """What all trials share."""

    folder: Path
    lab: Lab
    seconds: int

    def arm(self, name: str) -> Arm:
        """The server in C that does almost nothing, or one for Node."""
        home = self.folder / name
        if name == "ceiling":
            shutil.copytree(ROOT / "servers" / "ceiling", home, dirs_exist_ok=True)
        else:
            home.mkdir(exist_ok=True)
            (home / "server.js").write_text(NODE)
            (home / "server.yaml").write_text(
                "title: Node\nlanguage: JavaScript\nready: /health\n"
                'run: [node, server.js, "{port}", "{host}"]\n'
            )
        return Arm(
            name=name, server=name, folder=str(home), config=load_server(home / "server.yaml")
        )

    def trial(
        self, arm: Arm, cpus: CpuSplit, life: Callable[[TrialSetting], TrialRun], number: int
    ) -> tuple[TrialRecord, float]:
        """One trial of `bench`, and the seconds that it took beyond warm-up and window."""
        profile = LoadProfile(
            id="wrk",
            tool="wrk",
            loop="closed",
            connections=CONNECTIONS,
            processes=max(1, cpus.load_count),
            warmup_s=WARMUP_S,
            duration_s=self.seconds,
            timeout_s=5,
        )
        cell = Cell(server=arm.name, workload="plaintext", profile=profile.id)
        name = f"{arm.name}-{number}"
        folder = self.folder / "trials" / name
        folder.mkdir(parents=True)
        with SupervisorClient() as supervisor:
            setting = TrialSetting(
                planned=PlannedTrial(id=name, round=1, cell=cell),
                arm=arm,
                workload=load_workload(ROOT / "configs/workloads/plaintext.yaml", ROOT),
                profile=profile,
                cpus=cpus,
                supervisor=supervisor,
                folder=folder,
                order=0,
                started=datetime.now(UTC).isoformat(timespec="seconds"),
                rng=random.Random(number),
                build_hash=None,
            )
            began = time.monotonic()
            record = run_trial(setting, life).record
        if record.load is None:
            raise SystemExit(f"the trial failed: {record.detail}")
        phases = record.phases_s
        return record, time.monotonic() - began - phases.warmup - phases.window

    def by_hand(self, arm: Arm, folder: str, number: int) -> float:
        """The same by ssh: start the server, warm it up, load it, end it."""
        address = self.lab.address("server-box")
        port = 20_000 + number + (100 if arm.name == "node" else 0)
        values = {"port": str(port), "host": address, "cpus": "1"}
        words = " ".join(word.format(**values) for word in arm.config.run)
        start = f"cd {folder} && exec taskset -c 0 {words}"
        null = subprocess.DEVNULL
        argv = ["ssh", "-tt", "server-box", start]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=null, stderr=null) as server:
            try:
                self._answers(address, port)
                self._wrk(address, port, WARMUP_S)
                return self._wrk(address, port, self.seconds)
            finally:
                server.terminate()

    def _answers(self, address: str, port: int) -> None:
        test = f"until (exec 3<>/dev/tcp/{address}/{port}) 2>/dev/null; do sleep 0.05; done"
        subprocess.run(["ssh", "load-1", f"timeout 10 bash -c '{test}'"], check=True)

    def _wrk(self, address: str, port: int, seconds: int) -> float:
        url = f"http://{address}:{port}/plaintext"
        command = f"taskset -c 1 {tool_path('wrk')} -t1 -c{CONNECTIONS} -d{seconds}s {url}"
        said = subprocess.run(
            ["ssh", "load-1", command], check=True, capture_output=True, text=True
        ).stdout
        found = _RATE.search(said)
        if found is None:
            raise SystemExit(f"wrk by hand: {said}")
        return float(found[1])


def group(setup: Setup, *loads: str) -> Group:
    """The server's machine and machines of the load, not yet opened."""
    cache, address = setup.folder / "wheels", setup.lab.address("server-box")
    far = partial(open_machine, "server-box", cache, name="server")
    places = [Place("server", "server", far, address)]
    places += [Place(one, "load", partial(open_machine, one, cache, name=one)) for one in loads]
    return Group("lab", places)


def warm_starts(setup: Setup) -> float:
    """Seconds until an agent is there where all that it needs already is: median of five."""
    took = []
    for _ in range(6):
        began = time.monotonic()
        with open_machine("load-1", setup.folder / "wheels"):
            took.append(time.monotonic() - began)
    print(f"start of an agent: first {took[0]:.2f} s, then {_all(took[1:], 's')}; "
          f"at most {START_MAX_S:g} s")  # fmt: skip
    return statistics.median(took[1:])


def rates(setup: Setup, name: str, pairs: int) -> bool:
    """Rate of `bench` against wrk by hand; True where it is high enough."""
    arm, ours, hand, more = setup.arm(name), [], [], []
    with group(setup, "load-1") as machines:
        cpus = machines.split([0], [1])
        machines.tool_versions(["wrk"])
        machines.builds.build(arm, setup.folder / "build.log", cpus="1")
        folder = machines.builds.placed(arm).folder
        life = partial(RemoteLife, lab=machines)
        for number in range(pairs):
            for turn in ("ours", "hand") if number % 2 else ("hand", "ours"):
                if turn == "hand":
                    hand.append(setup.by_hand(arm, folder, number))
                else:
                    record, rest_s = setup.trial(arm, cpus, life, number)
                    ours.append(record.load.throughput_rps if record.load else 0.0)
                    more.append(rest_s)
    ratio = paired(ours, hand)
    interval = "" if ratio.low is None else f" [{ratio.low:.3f}, {ratio.high:.3f}]"
    held = ratio.value >= LEAST
    print(f"{name}: {ratio.value:.3f}x{interval} of the rate of wrk by hand, {pairs} pairs of "
          f"{setup.seconds} s ({statistics.median(ours):,.0f}/s and "
          f"{statistics.median(hand):,.0f}/s); at least {LEAST}: {_word(held)}")  # fmt: skip
    return held and overhead(setup, arm, cpus, statistics.median(more))


def overhead(setup: Setup, arm: Arm, far: CpuSplit, far_s: float) -> bool:
    """What a trial takes beyond warm-up and window, here and there."""
    cpus = far.replace(load=(1,), load_count=1)
    with SupervisorClient() as supervisor:
        build(arm, supervisor, setup.folder / "build.log", cpus="1")
    own = [setup.trial(arm, cpus, TrialRun, 100 + number)[1] for number in range(3)]
    here_s = statistics.median(own)
    held = far_s - here_s <= OVERHEAD_MAX_S
    print(f"{arm.name}: beyond warm-up and window a trial takes {far_s:.2f} s on machines, "
          f"{here_s:.2f} s on one; at most {OVERHEAD_MAX_S:g} s more: {_word(held)}")  # fmt: skip
    return held


def spread(setup: Setup, trials: int) -> bool:
    """How far apart two machines of the load begin a window."""
    arm, apart, late = setup.arm("ceiling"), [], []
    with group(setup, "load-1", "load-2") as machines:
        cpus = machines.split([0], [1])
        machines.tool_versions(["wrk"])
        machines.builds.build(arm, setup.folder / "build.log", cpus="1")
        for number in range(200, 200 + trials):
            record, _ = setup.trial(arm, cpus, partial(RemoteLife, lab=machines), number)
            starts = [one.start_late_s or 0.0 for one in record.machines if one.role == "load"]
            apart.append((max(starts) - min(starts)) * 1e3)
            late.append(max(starts) * 1e3)
    held = max(apart) <= SPREAD_MAX_MS
    print(f"two machines begin {_all(apart, 'ms')} apart, at most {max(late):.2f} ms after the "
          f"time agreed on; at most {SPREAD_MAX_MS:g} ms: {_word(held)}")  # fmt: skip
    return held


def _all(values: list[float], unit: str) -> str:
    return f"{statistics.median(values):.2f} {unit} (worst {max(values):.2f})"


def _word(held: bool) -> str:  # noqa: FBT001 - printed as it is
    return "held" if held else "NOT HELD"


def main() -> int:
    """Measure and print; 1 where a limit is not held."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=9, help="per server")
    parser.add_argument("--seconds", type=int, default=2, help="length of a window")
    parser.add_argument("--trials", type=int, default=8, help="with two machines of the load")
    parser.add_argument("--only", choices=SERVERS, help="the rate of this server alone")
    options = parser.parse_args()
    if reason := missing():
        print(f"not here: {reason}")
        return 2
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        lab = stack.enter_context(built(Path(place) / "lab"))
        os.environ["PATH"] = f"{lab.path}{os.pathsep}{search_path()}"
        setup = Setup(Path(place), lab, options.seconds)
        held = []
        if options.only is None:
            held = [warm_starts(setup) <= START_MAX_S, spread(setup, options.trials)]
        names = SERVERS if options.only is None else (options.only,)
        held += [rates(setup, name, options.pairs) for name in names]
    print(f"{time.monotonic() - began:.0f} s in all, load average {os.getloadavg()[1]:.1f}")
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
