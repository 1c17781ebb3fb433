"""Kill `bench run` by SIGKILL at random moments: `just chaos [TIMES]` (100).

Nine of ten fall within a trial, whose length is that in the fastest of three undisturbed runs; one
falls anywhere in a run's life. Each time: no process of the run is left after 2 s, no finished
trial is lost, `--resume` completes, and its report has the structure of an undisturbed run's. The
servers fork, ignore SIGTERM and start sessions of their own. Exit code 1 when anything was
otherwise.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.loadtools.install.find import find_tool
from tests.chaos import Chaos, Shot

LATE_S = 2.0
"""A process that is left after that time is one too many, on a quiet machine."""


def main() -> int:
    """Shoot, print a line for each and the totals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("times", type=int, nargs="?", default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    oha = find_tool("oha")
    folder = Path(tempfile.mkdtemp(prefix="bench-chaos-"))
    chaos = Chaos(folder, "oha" if oha and oha.usable else "wrk")
    first, last, whole = chaos.span
    print(
        f"an undisturbed run takes {whole:.1f} s, "
        f"it has processes from {first:.1f} to {last:.1f} s",
        flush=True,
    )
    rng = random.Random(options.seed)
    shots = []
    for number in range(1, options.times + 1):
        shots.append(chaos.shoot(rng))
        print(number, line(shots[-1]), flush=True)
    code = totals(shots)
    if code:
        print(f"the runs are kept in {folder}")
    else:
        shutil.rmtree(folder)
    return code


def line(shot: Shot) -> str:
    """One shot in words."""
    gone = "some after 20 s" if shot.gone_s is None else f"none after {shot.gone_s:.2f} s"
    resumed = "resumed" if shot.resumed else "nothing to resume"
    return (
        f"killed after {shot.after_s:5.2f} s, {shot.finished} trials finished, "
        f"{shot.alive} processes, {gone}, {shot.lost} trials lost, {resumed} {shot.problem}"
    )


def totals(shots: list[Shot]) -> int:
    """Print the sums; the exit code."""
    bad = [shot for shot in shots if shot.problem or (shot.gone_s or 0.0) > LATE_S]
    slowest = max((shot.gone_s or 20.0 for shot in shots), default=0.0)
    print(
        f"{len(shots) - len(bad)} of {len(shots)} as they should be; "
        f"{sum(shot.alive > 0 for shot in shots)} with processes alive at the signal, "
        f"all gone after {slowest:.2f} s at the latest; "
        f"{sum(shot.resumed for shot in shots)} resumed, "
        f"{sum(shot.finished for shot in shots)} finished trials, "
        f"{sum(shot.lost for shot in shots)} lost"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
