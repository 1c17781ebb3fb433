"""Checks verdicts on real servers of known cost: `just perf-verdicts`.

Three tries with a server that needs 50 % more CPU time per request than the other (it counts
its own): it must be called slower each time, with `precision: 10%`. Then one run with two
copies of a server in many workloads: at most 1 cell in 20 may be called different.
The servers are those of the tests; everything lies in a temporary folder. Takes about 15 min.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))

from tests.servers import ground_truth  # noqa: E402 - needs the path above

_BURN_US = 100
_WORKLOADS = ["json-small", "json-varied", "path-params", "query-params", "plaintext"]


def run(project: Path, name: str, matrix: dict[str, Any]) -> dict[str, Any]:
    """Run a matrix and return its summary."""
    (project / "configs").mkdir(parents=True, exist_ok=True)
    (project / "configs" / f"{name}.yaml").write_text(json.dumps(matrix))
    argv = [sys.executable, "-m", "bench", "run", name, "--project", str(project), "--json"]
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=True, cwd=_ROOT)
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def costs(project: Path) -> dict[str, float]:
    """CPU microseconds per response as the servers counted them themselves, all trials."""
    used: dict[str, list[int]] = {}
    for trial in project.glob("reports/*/trials/r*"):
        server = trial.name.split("-", 1)[1].split(".")[0]
        counts = ground_truth.counts_in((trial / "server.log").read_text())
        total = used.setdefault(server, [0, 0])
        total[0] += counts["cpu_us"]
        total[1] += counts["responses"]
    return {server: cpu / responses for server, (cpu, responses) in used.items()}


def costlier(folder: Path, tries: int) -> bool:
    """The server with half as much again is called slower in every try."""
    words = []
    for number in range(tries):
        project = folder / f"costlier-{number}"
        ground_truth.write_server(project, "plain", f"--burn-us={_BURN_US}")
        ground_truth.write_server(project, "costly", "--burn-us=170")
        matrix = {
            "title": "Half as much CPU time again",
            "servers": ["plain", "costly"],
            "workloads": ["json-small"],
            "profiles": [{"connections": 20, "warmup": "1s", "duration": "2s"}],
            "rounds": 5,
            "max_rounds": 30,
            "precision": "10%",
        }
        summary = run(project, "costlier", matrix)
        cell = next(c for c in summary["cells"] if c["server"] == "costly")
        verdict = cell["metrics"]["throughput_rps"]["verdict"]
        own = costs(project)
        words.append(verdict["word"])
        print(
            f"try {number + 1}: its own count says {own['costly'] / own['plain']:.3f}x the CPU "
            f"per request; {verdict['text']} (n = {cell['metrics']['throughput_rps']['n']})",
            flush=True,
        )
    return words == ["slower"] * tries


def copies(folder: Path, rounds: int) -> bool:
    """Two copies are called different in at most 1 of 20 cells."""
    project = folder / "copies"
    for number in range(4):
        ground_truth.write_server(project, f"s{number}", f"--burn-us={20 * number}")
    found = []
    for number in range(4):
        matrix = {
            "title": "Two copies",
            "servers": [f"s{number}", {"id": f"s{number}", "as": "again"}],
            "workloads": _WORKLOADS,
            "profiles": [{"connections": 20, "warmup": "1s", "duration": "1s"}],
            "rounds": rounds,
        }
        summary = run(project, f"copies-{number}", matrix)
        for cell in summary["cells"]:
            if cell["server"] == "again":
                verdict = cell["metrics"]["throughput_rps"]["verdict"]
                found.append(verdict["word"])
                print(f"s{number} {cell['workload']}: {verdict['text']}", flush=True)
    different = [word for word in found if word not in ("equivalent", "inconclusive")]
    print(f"{len(different)} of {len(found)} cells were called different")
    return len(different) * 20 <= len(found)


def main() -> int:
    """Run both checks; 0 when both hold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tries", type=int, default=3, help="tries with the costlier server (3)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the copies (5; 0 = none)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-verdicts-") as folder:
        held = [
            costlier(Path(folder), options.tries),
            options.rounds == 0 or copies(Path(folder), options.rounds),
        ]
    print("both hold" if all(held) else "NOT held")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
