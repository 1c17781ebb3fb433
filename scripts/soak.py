"""Run many short trials and watch `bench` itself: `just soak [ROUNDS]` (100: 300 trials of 50 ms).

Says how memory, open descriptors and the overhead per trial of the `bench` process change from
the first third of the trials to the last, and how many bytes a trial adds. Exit code 1 when any of
them grows: memory (median) by more than 5 %, descriptors at all, overhead by more than 10 % and
5 ms.

Memory is what the process wrote itself (anonymous pages; USS where the system does not tell them
apart, which also moves when other programs map the same libraries). It is read whenever the line of
a trial is seen, which is a moment in the next one: descriptors of that moment come and go, so the
least of each third is compared, which a leak raises as well. Other processes only ever make an
overhead longer, so its lower quartile is compared.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.run.helpers import Project

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Reading(NamedTuple):
    """The `bench` process at one moment; memory is its own, in bytes."""

    memory: int
    descriptors: int


def main() -> int:
    """Run, watch, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", type=int, nargs="?", default=100, help="3 trials each (100)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as folder:
        project = Project(Path(folder))
        project.server("one", stop={"grace": "200ms"})
        load = {"tool": "oha", "connections": 4, "warmup": "0s", "duration": "50ms"}
        arms = [{"id": "one", "as": name} for name in ("a", "b", "c")]
        project.matrix(*arms, profiles=[load], rounds=rounds)
        began = time.monotonic()
        readings = watch(project)
        seconds = time.monotonic() - began
        trials = project.trials()
    kinds = Counter(trial["status"] for trial in trials)
    print(f"{len(trials)} trials in {seconds:.0f} s: {dict(kinds)}")
    return judge(readings, [trial["overhead_s"] for trial in trials if trial["overhead_s"]])


def watch(project: Project) -> list[Reading]:
    """Start a run and read its process after each trial."""
    readings = []
    with subprocess.Popen(
        project.argv("run", "faults"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=project.env,
        cwd=project.root,
    ) as process:
        watched = psutil.Process(process.pid)
        for line in process.stderr or ():
            if ".json-small.oha" in line:
                try:
                    readings.append(Reading(own_memory(watched), watched.num_fds()))
                except psutil.Error:  # it has ended
                    break
        process.communicate()
    return readings


def own_memory(process: psutil.Process) -> int:
    """Anonymous memory on Linux, USS elsewhere, in bytes."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return int(process.memory_full_info().uss)
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))


def ends(values: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """The first third and the last."""
    third = max(1, len(values) // 3)
    return values[:third], values[-third:]


def judge(readings: list[Reading], overheads: list[float]) -> int:
    """Compare the first third with the last; the exit code."""
    memory = [statistics.median(one.memory for one in part) for part in ends(readings)]
    descriptors = [min(one.descriptors for one in part) for part in ends(readings)]
    spent = [statistics.quantiles(part, n=4)[0] for part in ends(overheads)]
    later = [one.memory for one in readings[len(readings) // 3 :]]
    slope = statistics.linear_regression(range(len(later)), later).slope
    print(
        f"memory       {memory[0] / 1e6:8.2f} MB -> {memory[1] / 1e6:8.2f} MB "
        f"({memory[1] / memory[0] - 1:+.1%}; after the first third {slope / 1e3:+.1f} KB a trial)"
    )
    print(f"descriptors  {descriptors[0]:8d}    -> {descriptors[1]:8d}")
    print(f"overhead     {spent[0] * 1e3:8.1f} ms -> {spent[1] * 1e3:8.1f} ms")
    grown = (
        memory[1] > memory[0] * 1.05,
        descriptors[1] > descriptors[0],
        spent[1] > spent[0] * 1.1 + 0.005,
    )
    print("growing" if any(grown) else "nothing grows")
    return 1 if any(grown) else 0


if __name__ == "__main__":
    sys.exit(main())
