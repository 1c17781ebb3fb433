"""Measures how exact `bench ab` is: `just perf-ab` (about half an hour on a quiet machine).

Every try is one `bench ab ... --json`, started as a user would:

- two copies of each of five servers: how wide the interval gets, and how often two copies are
  called different;
- a server of the tests against one that costs about 5 % more CPU time per request. How much more
  is counted by the servers' own CPU clocks, not assumed;
- a few of the same with `--design blocks`: one after the other, in the same time.

Each finished try is kept as one JSON file, so that an interrupted session goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))

from bench.store.cache import cache_folder  # noqa: E402 - needs the path above
from scripts.perf_ab_table import (  # noqa: E402 - the same
    COSTLIER,
    WORKLOAD,
    Answered,
    Outcome,
    detect_of,
    document,
    goals,
)
from tests.servers import ground_truth  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = ("axum", "spikard", "fastapi", "robyn", "fastify")
BESIDE = ("axum", "fastapi")
_PLAIN_US, _MORE_US = 60.0, 4.0
_METRIC = "requests_per_cpu_second"
_GRACE_S = 60


class Try(NamedTuple):
    """One comparison that is to be made.

    Attributes:
        subject: a server whose copies are compared, or COSTLIER.
        design: duet or blocks.
        number: from 1.
    """

    subject: str
    design: str
    number: int

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.subject}-{self.design}-{self.number}"


class Bench(NamedTuple):
    """What all tries share.

    Attributes:
        folder: results of these settings.
        settings: options of `bench ab`.
        detect: of every try, or "" for that of the subject's goal.
        max_time: of two copies, and of the costlier server.
        start_us: CPU time that a server of the tests has used before its first request.
    """

    folder: Path
    settings: tuple[str, ...]
    detect: str
    max_time: tuple[str, str]
    start_us: float

    @property
    def project(self) -> Path:
        """Where the servers of the tests and all runs are."""
        return self.folder / "project"


def tries(chosen: set[str], copies: int, costlier: int, blocks: int) -> Iterator[Try]:
    """All tries, so ordered that an early end leaves some of each kind."""
    for number in range(1, max(copies, costlier, blocks) + 1):
        if number <= copies:
            yield from (Try(one, "duet", number) for one in SERVERS if one in chosen)
        if number <= costlier and COSTLIER in chosen:
            yield Try(COSTLIER, "duet", number)
        if number <= blocks:
            yield from (Try(one, "blocks", number) for one in (*BESIDE, COSTLIER) if one in chosen)


def command(bench: Bench, one: Try) -> list[str]:
    """`bench ab` for a try; equal settings are what it calls a server against itself."""
    copy = ("--env", "BENCH_COPY=1")
    arms = ("plain", "more") if one.subject == COSTLIER else (one.subject, *copy, *copy)
    time_s = bench.max_time[one.subject == COSTLIER]
    options = ("--design", one.design, "--workloads", WORKLOAD, "--max-time", time_s)
    detect = ("--detect", bench.detect or detect_of(one.subject))
    where = ("--project", str(bench.project), "--json")
    return [sys.executable, "-m", "bench", "ab", *arms, *options, *detect, *bench.settings, *where]


def run(bench: Bench, one: Try) -> Outcome | str:
    """Run a try and keep its outcome; the reason where there is none."""
    log = bench.folder / f"{one.name}.log"
    began = time.monotonic()
    with log.open("w") as stderr:
        process = subprocess.Popen(
            command(bench, one), stdout=subprocess.PIPE, stderr=stderr, cwd=_ROOT
        )
        try:
            out, _ = process.communicate()
        except BaseException:  # Ctrl-C reaches both; a SIGTERM has to be passed on
            process.terminate()
            process.wait(_GRACE_S)
            raise
    if process.returncode:
        lines = log.read_text().splitlines()
        return f"exit code {process.returncode}, {lines[-1] if lines else 'no output'} ({log})"
    outcome = read(bench, one, json.loads(out), time.monotonic() - began)
    _keep(bench.folder / f"{one.name}.json", outcome)
    return outcome


def read(bench: Bench, one: Try, summary: dict[str, Any], wall_s: float) -> Outcome:
    """What a finished comparison says about the accuracy of `bench ab`."""
    trials = bench.project / "reports" / summary["run_id"] / "trials"
    records = [json.loads(path.read_text()) for path in trials.glob("r*/trial.json")]
    planned = {
        p["id"]: p for p in json.loads((trials.parent / "plan.json").read_text())["profiles"]
    }
    answered: list[Answered] = []
    copies: list[Answered] = []
    for row in summary["comparisons"]:
        known = row["profile"] in planned and row["verdict"]["low"] is not None
        if row["metric"] != _METRIC or not known:
            continue
        is_copy = one.subject == COSTLIER and row["server"] != "more"
        rounds = len([r for r in records if _is(r, row) and r["round"] and r["status"] in _USABLE])
        load = planned[row["profile"]]["loop"]
        known_cost = one.subject == COSTLIER and not is_copy
        truth = true_ratio(bench, trials, row, load) if known_cost else None
        verdict = {key: row["verdict"][key] for key in ("word", "ratio", "low", "high")}
        (copies if is_copy else answered).append(
            Answered(load=load, rounds=rounds, truth=truth, **verdict)
        )
    measured = [r for r in records if r["round"]]
    suspect = sum(r["status"] == "suspect" for r in measured)
    return Outcome(
        subject=one.subject,
        design=one.design,
        number=one.number,
        started=summary["started"],
        wall_s=wall_s,
        window_s=sum(r["load"]["duration_s"] for r in measured if r["load"]),
        trials=len(measured),
        suspect=suspect,
        answered=tuple(answered),
        copies=tuple(copies),
        host=summary["host"],
        commit=_commit(),
    )


_USABLE = ("valid", "suspect")


def _is(record: dict[str, Any], row: dict[str, Any]) -> bool:
    return all(record[key] == row[key] for key in ("server", "profile"))


def true_ratio(bench: Bench, trials: Path, row: dict[str, Any], load: str) -> float | None:
    """Requests per CPU-second, costlier / plain, as the servers counted it in these trials.

    Counted over the whole life of each process, warm-up included, less what starting cost. Where
    the load is an offered rate, most of a life is still the saturated part of the warm-up, in
    which a request costs less: there only the difference is taken from the servers, which is the
    same under any load, and what a request of the plain one costs at the rate from the window.
    """
    more: dict[int, float] = {}
    plain: dict[int, float] = {}
    windows: dict[int, float] = {}
    for path in sorted(trials.glob(f"r*.{row['profile']}*/trial.json")):
        record = json.loads(path.read_text())
        usable = record["round"] and record["status"] in _USABLE
        if not usable or record["profile"] != row["profile"]:
            continue
        number, beside = record["round"], path.parent / "partner" / "server.log"
        if record["server"] == "plain":
            plain[number], windows[number] = _cost(bench, path.parent / "server.log"), _us(record)
        elif record["server"] == "more":
            more[number] = _cost(bench, path.parent / "server.log")
            if beside.is_file():
                plain[number], windows[number] = _cost(bench, beside), _us(record["partner"])
    rounds = more.keys() & plain.keys()
    if load == "open":
        ratios = [math.log(1 + (more[one] - plain[one]) / windows[one]) for one in rounds]
    else:
        ratios = [math.log(more[one] / plain[one]) for one in rounds]
    return math.exp(-sum(ratios) / len(ratios)) if ratios else None


def _us(record: dict[str, Any]) -> float:
    """CPU microseconds per request in the window, as the system counted them."""
    seconds: float = record["resources"]["server_cpu_s"]
    requests: int = record["load"]["requests"]
    return 1e6 * seconds / requests


def _cost(bench: Bench, log: Path) -> float:
    counts = ground_truth.counts_in(log.read_text())
    return (counts["cpu_us"] - bench.start_us) / counts["responses"]


def start_cost() -> float:
    """CPU microseconds of a server of the tests before its first request: least of five."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(5):
            with ground_truth.start(log=Path(folder, "log")) as server:
                found.append(float(server.counts()["cpu_us"]))
    return min(found)


def _commit() -> str:
    argv = ["git", "-C", str(_ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()


def _keep(path: Path, outcome: Outcome) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(outcome.as_json(), indent=1))
    part.replace(path)


def kept(folder: Path) -> dict[str, Outcome]:
    """Name of a try -> its outcome, of those that finished earlier."""
    return {
        path.stem: Outcome.from_json(json.loads(path.read_text()))
        for path in sorted(folder.glob("*.json"))
    }


def measure(bench: Bench, wanted: list[Try]) -> list[str]:
    """Run what is not there yet, a line for each; the names of those that failed."""
    done, failed = kept(bench.folder), []
    for place, one in enumerate(wanted, start=1):
        head = f"[{place:2}/{len(wanted)}] {one.subject}, {one.design}, try {one.number}: "
        if one.name in done:
            print(f"{head}there already, {done[one.name].line()}", flush=True)
            continue
        outcome = run(bench, one)
        if isinstance(outcome, str):
            failed.append(one.name)
            print(f"{head}FAILED: {outcome}", flush=True)
            continue
        print(f"{head}{outcome.line()}", flush=True)
    return failed


def prepare(options: argparse.Namespace) -> Bench:
    """The folder of these settings, and the two servers of known cost."""
    settings = ("--duration", options.duration, "--warmup", options.warmup)
    max_time = (options.max_time, options.costlier_time)
    detect = options.detect or "goals"
    words = "-".join((*max_time, detect, *settings[1::2])).replace("%", "pct")
    folder = options.cache / words
    if options.fresh:
        for path in folder.glob("*.json"):
            path.unlink()
    bench = Bench(folder, settings, options.detect, max_time, start_cost())
    ground_truth.write_server(bench.project, "plain", f"--burn-us={_PLAIN_US}")
    ground_truth.write_server(bench.project, "more", f"--burn-us={_PLAIN_US + _MORE_US}")
    return bench


def read_options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    add = parser.add_argument
    add("--only", default=",".join((*SERVERS, COSTLIER)), help="subjects, separated by commas")
    add("--tries", type=int, default=4, help="tries with two copies of each server (4)")
    add("--costlier", type=int, default=5, help="tries with the costlier server (5)")
    add("--blocks", type=int, default=1, help="tries of each kind one after the other (1)")
    add("--max-time", default="60s", help="of `bench ab` with two copies (60s)")
    add("--costlier-time", default="90s", help="the same with the costlier server (90s)")
    add("--detect", default="", help="of `bench ab` (1%% for axum, 2%% for the others)")
    add("--duration", default="2s", help="window of each trial (2s)")
    add("--warmup", default="1s", help="warm-up of each trial (1s)")
    add("--cache", type=Path, default=cache_folder() / "perf-ab", help="where tries are kept")
    add("--fresh", action="store_true", help="forget the tries that are there")
    add("--table", action="store_true", help="measure nothing, print what is there")
    add("--write", type=Path, nargs="?", const=_ROOT / "docs" / "ab-accuracy.md", help="also here")
    return parser.parse_args()


def _terminated(number: int, _frame: object) -> None:
    sys.exit(128 + number)


def main() -> int:
    """Measure what is missing and print the table; 0 when every goal is held."""
    options = read_options()
    signal.signal(signal.SIGTERM, _terminated)
    chosen = set(options.only.split(","))
    if unknown := chosen - {*SERVERS, COSTLIER}:
        print(f"--only: unknown {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    bench = prepare(options)
    wanted = list(tries(chosen, options.tries, options.costlier, options.blocks))
    failed: list[str] = []
    try:
        if not options.table:
            failed = measure(bench, wanted)
    except KeyboardInterrupt:
        print("interrupted: the same command goes on", file=sys.stderr)
        return 130
    outcomes = list(kept(bench.folder).values())
    if not outcomes:
        print("nothing has been measured", file=sys.stderr)
        return 1
    settings = (*(("--detect", bench.detect) if bench.detect else ()), *bench.settings)
    text = document(outcomes, settings, bench.max_time)
    print(text)
    if options.write:
        options.write.write_text(text)
    return 1 if failed or not all(goal.held for goal in goals(outcomes)) else 0


if __name__ == "__main__":
    sys.exit(main())
