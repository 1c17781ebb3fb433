"""Kill a controller by SIGKILL at random moments and look what it left on another machine.

The machine is a network namespace with an sshd (tests/lab.py): `just chaos-machines [TIMES]`.
Each time a server runs there when the controller dies; 15 s later nothing may run there.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, cast

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.lab import Lab, built, missing  # noqa: E402 - the path comes first

LIMIT_S = 15.0
PROGRAM = """
import sys, time
from pathlib import Path
from bench.process.remote.reaching import open_machine
from bench.run.machine_looks import start_ceiling
print("reaching", flush=True)
with open_machine("server-box", Path(sys.argv[1])) as machine:
    machine.call(start_ceiling, address=sys.argv[2], seed=1)
    print("running", flush=True)
    with machine.quiet(600.0):
        time.sleep(600)
"""


def once(lab: Lab, rng: random.Random, number: int) -> float | None:
    """Seconds until nothing was left; None where something was after the limit."""
    path = {"PATH": lab.path, "HOME": str(lab.folder)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(lab.folder), lab.address("server-box")],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=path,
    ) as controller:
        said = cast("IO[bytes]", controller.stdout)
        said.readline()
        if number % 2:  # every other time in the middle of reaching and starting
            time.sleep(rng.uniform(0.0, 3.0))
        else:
            said.readline()
            time.sleep(rng.uniform(0.0, 0.5))
        running = len(lab.pids("server-box"))
        controller.send_signal(signal.SIGKILL)
    began = time.monotonic()
    while left := lab.pids("server-box"):
        if time.monotonic() - began > LIMIT_S:
            print(f"{number}: {len(left)} of {running} processes left")
            return None
        time.sleep(0.02)
    print(f"{number}: {running} processes gone after {time.monotonic() - began:.2f} s", flush=True)
    return time.monotonic() - began


def main() -> int:
    """Kill one controller after the other."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    if reason := missing():
        print(f"not here: {reason}")
        return 2
    rng = random.Random(times)
    with tempfile.TemporaryDirectory() as folder, built(Path(folder) / "lab") as lab:
        took = [once(lab, rng, number) for number in range(1, times + 1)]
    good = [seconds for seconds in took if seconds is not None]
    print(f"{len(good)} of {times} left nothing; slowest {max(good, default=0):.2f} s")
    return 0 if len(good) == times else 1


if __name__ == "__main__":
    raise SystemExit(main())
