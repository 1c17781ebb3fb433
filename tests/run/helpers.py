"""`bench run` as a process of its own, in a project of ground-truth servers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.process import strays
from bench.process.strays import Carrier, linux_carriers
from bench.store.cache import cache_folder
from tests.servers import ground_truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MATRIX = {
    "title": "Faults",
    "servers": [],
    "workloads": ["json-small"],
    # A machine that stands still for some seconds makes no request late.
    "profiles": [{"connections": 8, "warmup": "0s", "duration": "1s", "timeout": "10s"}],
    "rounds": 1,
    # The same wherever the test runs; ports of runs beside each other differ by their process.
    "seed": 5,
}

# The user's, asked before any test chooses a cache of its own.
_CHARTS = cache_folder() / "charts"


class Project:
    """A project in a folder of the test, with a lock and caches of its own.

    Args:
        root: the folder; need not exist yet.
        path: put before PATH, for load tools of the test's own.
    """

    def __init__(self, root: Path, *, path: Path | None = None) -> None:
        self.root = root / "project"
        (self.root / "configs").mkdir(parents=True)
        _share_charts(root / "cache" / "bench")
        self.env = {**os.environ, "XDG_CACHE_HOME": str(root / "cache"), "NO_COLOR": "1"}
        self.env["PYTHONPATH"] = str(Path(__file__).parents[2])
        if path:
            self.env["PATH"] = f"{path}{os.pathsep}{self.env['PATH']}"

    def server(self, name: str, *faults: str, **keys: Any) -> None:
        """Add a ground-truth server."""
        ground_truth.write_server(self.root, name, *faults, **keys)

    def matrix(self, *servers: str | dict[str, Any], name: str = "faults", **keys: Any) -> Path:
        """Write a matrix of these servers."""
        path = self.root / "configs" / f"{name}.yaml"
        path.write_text(json.dumps({**MATRIX, "servers": list(servers), **keys}))
        return path

    def argv(self, *words: str) -> list[str]:
        """The command line of `bench` with these words."""
        return [sys.executable, "-m", "bench", *words, "--project", str(self.root)]

    def bench(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run `bench` and wait for it."""
        return subprocess.run(
            self.argv(*words),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=900,  # of one that would hang
            check=False,
            env=self.env,
            cwd=self.root,
            **options,
        )

    @contextlib.contextmanager
    def running(self, *words: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """Start `bench`; it is killed at the end where it still runs.

        Where it does not end in the time that a test waits for it, it is asked where it stands.
        It is not traced: an exception from a signal within coverage's own `lock_data` leaves that
        lock held, and the next call waits for it for ever (seen once; coveragepy issue 1892).
        """
        python, *rest = self.argv(*words)
        env = {name: value for name, value in self.env.items() if not name.startswith("COV")}
        process = subprocess.Popen(
            [python, "-X", "faulthandler", *rest],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
            cwd=self.root,
            start_new_session=True,
            **options,
        )
        with process:
            try:
                yield process
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)  # it writes the stacks of its threads
                with contextlib.suppress(subprocess.TimeoutExpired):
                    sys.stdout.write(process.communicate(timeout=10)[1])
                raise
            finally:
                process.kill()

    def runs(self) -> list[Path]:
        """Run directories, oldest first."""
        return sorted(path.parent for path in self.root.glob("reports/*/run.json"))

    def trials(self, run: Path | None = None) -> list[dict[str, Any]]:
        """Whole records of a run, the newest unless named."""
        found = self.runs()
        if run is None and not found:
            return []
        path = (run or found[-1]) / "trials.jsonl"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines if line.strip()]

    def believed(self, run: Path | None = None) -> list[dict[str, Any]]:
        """The record of each planned trial that counts: of one that was measured again the second.

        Beside other work a first try can be invalid, as where its window was longer than asked.
        """
        last = {trial["trial"].removesuffix(".2"): trial for trial in self.trials(run)}
        return list(last.values())

    def planned(self, run: Path | None = None) -> list[str]:
        """Ids of the trials of which there is a record, each once, in order."""
        ids = (trial["trial"].removesuffix(".2") for trial in self.trials(run))
        return list(dict.fromkeys(ids))

    def findings(self) -> list[str]:
        """Codes of the newest run's findings."""
        data = json.loads((self.runs()[-1] / "findings.json").read_text())
        return [item["code"] for item in data]

    def left(self) -> list[Carrier]:
        """Live processes that runs of this project started."""
        names = {path.name for path in (self.root / "reports").glob("*")}
        return [one for one in linux_carriers() if one.mark.rpartition("/")[0] in names]

    def nothing_left(self, within_s: float = 60.0) -> bool:
        """Whether no process of this project's runs is alive, at the latest after a while.

        None of the servers ends by itself: the time only allows for a busy machine.
        """
        return wait_until(lambda: not self.left(), within_s) and not [
            one for one in strays() if one.run in {path.name for path in self.runs()}
        ]


def _share_charts(cache: Path) -> None:
    """Link what charts keep in the user's cache: to make it again would be a second per test."""
    _CHARTS.mkdir(parents=True, exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "charts").symlink_to(_CHARTS)


def wait_until(condition: Callable[[], object], timeout_s: float = 100.0) -> bool:
    """Ask every 10 ms; whether it became true in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


def structure(summary: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What of a report does not depend on how fast the machine was.

    Which of the usable trials are suspect does, and whether there were requests enough for a
    p99; how many trials are usable does not.
    """
    rows = []
    for cell in summary["cells"]:
        trials = cell["trials"]
        usable = trials["valid"] + trials["suspect"]
        metrics = cell["metrics"].items()
        shown = sorted(name for name, value in metrics if value is not None and name != "p99_us")
        rows.append((cell["server"], cell["workload"], cell["profile"], usable, tuple(shown)))
    return [*rows, tuple(sorted(summary))]
