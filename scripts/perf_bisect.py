"""Checks `bench bisect` against commits of known cost: `just perf-bisect` (hours; resumable).

Every try makes a repository of 16 commits of a Python server and is one `bench bisect ... --json`,
started as a user would:

- culprit: one commit, at a random place, makes a request about 5 % costlier;
- unbuildable: the same, and the commit before it, or it itself, does not build;
- none: all cost the same.

How much costlier it was in that try is counted by the servers' own CPU clocks, not assumed. Each
finished try is kept as one JSON file: the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))

from bench.model.fields import arm_name  # noqa: E402 - needs the path above
from bench.store.cache import cache_folder  # noqa: E402 - the same
from scripts.perf_ab import start_cost  # noqa: E402 - the same
from tests.servers import ground_truth  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KINDS: Final = ("culprit", "none", "unbuildable")
COMMITS: Final = 16
_PLAIN_US, _MORE_US = 60.0, 4.8
_DETECT = 0.05
_GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=m")


class BisectTry(NamedTuple):
    """One search that is to be made; its number is also the seed of where the culprit is."""

    kind: str
    number: int

    @property
    def name(self) -> str:
        """Of its folder and its file."""
        return f"{self.kind}-{self.number}"

    @property
    def culprit(self) -> int:
        """Place of the costlier commit among the 16, from 0; the first and last are given."""
        return random.Random(f"culprit {self.number}").randrange(2, COMMITS - 1)

    @property
    def broken(self) -> int | None:
        """Place of the commit that does not build: before the culprit, or the culprit itself."""
        return None if self.kind != "unbuildable" else self.culprit - self.number % 2

    @property
    def right(self) -> set[int]:
        """The places that may be named: two where one of them cannot be measured."""
        places = {self.culprit, *([self.broken] if self.broken is not None else [])}
        return places | {self.culprit + 1} if self.broken == self.culprit else places


def git(folder: Path, *words: str) -> str:
    """What git prints."""
    done = subprocess.run([*_GIT, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def write_history(root: Path, one: BisectTry) -> list[str]:
    """A repository with the commits of a try; their hashes, oldest first."""
    if root.exists():
        shutil.rmtree(root)
    (root / "configs").mkdir(parents=True)
    git(root, "init", "-q")
    (root / ".gitignore").write_text("reports\n")
    for place in range(COMMITS):
        more = _MORE_US if one.kind != "none" and place >= one.culprit else 0.0
        build = {"build": [["false"]]} if place == one.broken else {}
        burn = f"--burn-us={_PLAIN_US + more}"
        ground_truth.write_server(root, "mine", burn, workloads=["json-small"], **build)
        (root / "note").write_text(f"{one.name} {place}")
        git(root, "add", ".")
        git(root, "commit", "-qm", f"change {place}")
    return git(root, "rev-list", "--reverse", "HEAD").split()


def run(root: Path, commits: Sequence[str], options: argparse.Namespace) -> dict[str, Any] | str:
    """The object that `bench bisect` printed, with its seconds; the reason where there is none."""
    words = ("bisect", "mine", "--good", commits[0], "--bad", commits[-1], "--json")
    how = ("--max-time", options.max_time, "--duration", options.duration)
    where = ("--warmup", options.warmup, "--project", str(root))
    beside = ("--allow-concurrent",) if options.allow_concurrent else ()
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words, *how, *where, *beside],
        capture_output=True, text=True, check=False, cwd=_ROOT, env=os.environ,
    )  # fmt: skip
    (root.parent / f"{root.name}.log").write_text(done.stderr)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        lines = done.stderr.splitlines()
        return f"exit code {done.returncode}, {lines[-1] if lines else 'no output'}"
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer | {"seconds": time.monotonic() - began}


def judged(one: BisectTry, commits: Sequence[str], answer: dict[str, Any]) -> str:
    """right, range (of at most two, with the culprit in it), open, or WRONG."""
    if one.kind == "none":
        if answer["culprit"] or answer["candidates"]:
            return "WRONG"
        return "right" if (answer["high"] or math.inf) < 1 + _DETECT else "open"
    if answer["culprit"]:
        named = commits.index(answer["culprit"])
        return "right" if named == one.culprit else "WRONG"
    left = {commits.index(commit) for commit in answer["candidates"]}
    if not left or one.culprit not in left:
        return "WRONG" if left else "open"
    return "range" if left <= one.right and len(left) <= len(one.right) else "open"


def true_ratio(root: Path, costlier: set[str], start_us: float) -> float | None:
    """What a costlier commit costs, compared with the others, by the servers' own CPU clocks.

    Over all pairs that were measured with one of either kind, warm-up included.
    """
    logs = []
    for path in root.glob("reports/*/runs/*/trials/r*/trial.json"):
        record = json.loads(path.read_text())
        partner = record["partner"]
        if record["status"] not in ("valid", "suspect") or not partner:
            continue
        sides = {
            record["server"] in costlier: path.parent / "server.log",
            partner["server"] in costlier: path.parent / "partner" / "server.log",
        }
        if len(sides) == 2:  # noqa: PLR2004 - one of either kind
            logs.append(math.log(_cost(sides[True], start_us) / _cost(sides[False], start_us)))
    return math.exp(sum(logs) / len(logs)) if logs else None


def measured_pairs(root: Path) -> int:
    """How many pairs of processes a try measured."""
    lines = (line for path in root.glob("reports/*/looks.jsonl") for line in path.open())
    return sum(len(each) for line in lines for each in json.loads(line)["ratios"].values())


def _cost(log: Path, start_us: float) -> float:
    counts = ground_truth.counts_in(log.read_text())
    return (counts["cpu_us"] - start_us) / counts["responses"]


def measure(folder: Path, one: BisectTry, options: argparse.Namespace) -> dict[str, Any] | str:
    """Make a try and keep what it found; the reason where it failed."""
    root = folder / one.name
    commits = write_history(root, one)
    answer = run(root, commits, options)
    if isinstance(answer, str):
        return answer
    costlier = {arm_name(commit[:12]) for commit in commits[one.culprit :]}
    found = {
        "judged": judged(one, commits, answer),
        "seconds": round(answer["seconds"]),
        "ratio": answer["ratio"],
        "low": answer["low"],
        "high": answer["high"],
        "truth": None if one.kind == "none" else true_ratio(root, costlier, options.start_us),
        "commits": len({step["commit"] for step in answer["steps"]}),
        "pairs": measured_pairs(root),
        "load": os.getloadavg()[0],
    }
    (folder / f"{one.name}.json").write_text(json.dumps(found, indent=1))
    return found


def said(found: dict[str, Any]) -> str:
    """One finished try in a line."""
    truth = "" if found["truth"] is None else f", truth {found['truth']:.3f}x"
    interval = "" if found["low"] is None else f" [{found['low']:.3f}, {found['high']:.3f}]"
    ratio = "no ratio" if found["ratio"] is None else f"{found['ratio']:.3f}x{interval}"
    return (
        f"{found['judged']}, {ratio}{truth}, {found['commits']} commits measured, "
        f"{found['pairs']} pairs, {found['seconds']} s, load {found['load']:.1f}"
    )


def tries(kinds: Sequence[str], count: int) -> Iterator[BisectTry]:
    """All tries, so ordered that an early end leaves some of each kind."""
    yield from (BisectTry(kind, number) for number in range(1, count + 1) for kind in kinds)


def main() -> int:
    """Make what is not there yet; 0 where no try was wrong and none failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    add = parser.add_argument
    add("--kinds", default=",".join(KINDS), help="which kinds, separated by commas")
    add("--tries", type=int, default=5, help="of each kind (5)")
    add("--max-time", default="10m", help="of each search (10m)")
    add("--duration", default="1s", help="window of each trial (1s)")
    add("--warmup", default="1s", help="warm-up of each trial (1s)")
    add("--folder", type=Path, default=cache_folder() / "perf-bisect", help="where tries are kept")
    add("--allow-concurrent", action="store_true", help="go on beside another run")
    options = parser.parse_args()
    options.start_us = start_cost()
    options.folder.mkdir(parents=True, exist_ok=True)
    failed = False
    for one in tries(options.kinds.split(","), options.tries):
        path = options.folder / f"{one.name}.json"
        found = (
            json.loads(path.read_text())
            if path.is_file()
            else measure(options.folder, one, options)
        )
        failed |= isinstance(found, str) or found["judged"] == "WRONG"
        text = f"FAILED: {found}" if isinstance(found, str) else said(found)
        print(f"{one.name}: {text}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
