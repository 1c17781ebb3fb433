"""`bench capacity` on a real server: structure, bounds, interruption, and what it refuses."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from bench.cli.capacity_command import command
from bench.errors import ConfigError, UsageError
from bench.model.plan import Sought
from bench.plans.matrix_plan import plan_matrix
from bench.plans.overrides import Overrides
from bench.plans.project import find_project
from tests.run.helpers import Project, wait_until

if TYPE_CHECKING:
    from pathlib import Path

SHORT = ("--duration", "600ms", "--warmup", "0s", "--connections", "16", "--seed", "3")
STEP_KEYS = {"rate_rps", "achieved_rps", "p99_us", "holds", "why"}
KEYS = {
    "schema_version", "server", "workload", "promise", "rate_rps", "low", "high", "limit",
    "at_least", "steps",
}  # fmt: skip
BURN_US = 2000
MOST_RPS = 1e6 / BURN_US


def shown(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.real
@pytest.mark.needs("paced")
def test_a_search_is_interrupted_and_ends_in_an_answer(tmp_path: Path) -> None:
    """Ctrl-C keeps the steps; gone on with, it never offers what is known, and ends in bounds."""
    project = Project(tmp_path)
    project.server("slow", f"--burn-us={BURN_US}")
    words = ("capacity", "slow", "json-small", "--promise", "mean<40ms", "--tolerance", "30%")
    with project.running(*words, *SHORT, "--max-time", "20s") as process:
        assert wait_until(lambda: len(project.trials()) >= 2)
        process.send_signal(signal.SIGINT)
        stderr = process.communicate(timeout=200)[1]
    before = [trial["trial"] for trial in project.trials()]
    done = project.bench("capacity", "--resume", "latest", "--json")
    found = shown(done.stdout)
    steps = found["steps"]
    held = [step["rate_rps"] for step in steps if step["holds"]]

    assert process.returncode == 130, stderr
    assert "`bench capacity --resume latest" in stderr
    assert done.returncode == 0, done.stderr
    assert set(found) == KEYS
    assert all(set(step) == STEP_KEYS and step["why"] for step in steps)
    assert [trial["trial"] for trial in project.trials()][: len(before)] == before
    assert len(project.trials()) > len(before)
    assert steps[0]["rate_rps"] < steps[-1]["rate_rps"]
    # The machine may be disturbed, but nobody answers more than the CPU time of requests allows.
    assert 0 < found["low"] <= found["rate_rps"]
    assert min(held) <= found["rate_rps"]
    assert all(step["achieved_rps"] < 1.3 * MOST_RPS for step in steps)
    assert all(not step["holds"] for step in steps if step["rate_rps"] > 1.3 * MOST_RPS)
    assert project.bench("check", "latest").returncode == 0
    report = (project.runs()[-1] / "report.md").read_text()
    assert "## The rate at which mean" in report
    assert "charts/curve-json-small.svg" in report
    assert project.nothing_left()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("one", "json-small"), "what must hold?"),
        (("one", "json-small", "--promise", "p98<1ms"), "p98 is not one of p50"),
        (("one", "json-small", "--promise", "p99<1us"), "nothing can keep"),
        (("none", "json-small", "--promise", "p99<1ms"), "there is no server 'none'"),
        (("one", "json-smal", "--promise", "p99<1ms"), "did you mean json-small?"),
        (("one", "--promise", "p99<1ms"), "expected SERVER WORKLOAD"),
        (("one", "one", "json-small", "--promise", "p99<1ms"), "one is named twice"),
        (
            ("one", "json-small", "--promise", "p99<1ms", "--tolerance", "5"),
            "--tolerance: expected",
        ),
        (("one", "json-small", "--promise", "p99<1ms", "--max-time", "0s"), "--max-time: expected"),
        (("one", "json-small", "--promise", "p99<1ms", "--matrix", "x"), "one of them says"),
        (("--resume", "latest", "--tolerance", "5%"), "--tolerance cannot change it"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """A usage error names the option and what was expected; nothing is started."""
    project = Project(tmp_path)
    project.server("one")
    done = CliRunner().invoke(command, [*words, "--project", str(project.root)])

    assert isinstance(done.exception, UsageError)
    assert said in str(done.exception)
    assert project.runs() == []


def test_a_matrix_with_a_promise_is_planned_as_a_search(tmp_path: Path) -> None:
    """No trials, but what is searched; a rate, a closed loop and a lax limit are refused."""
    project = Project(tmp_path)
    project.server("one")
    good = {"loop": "open", "connections": 8}
    matrix = {"servers": ["one"], "workloads": ["json-small"], "profiles": [good]}
    path = project.root / "configs" / "promised.yaml"
    path.write_text(json.dumps({**matrix, "promise": "p99<10ms", "tolerance": "3%"}))
    found = find_project(project.root, project.root)
    planned = plan_matrix(found, "promised", Overrides()).plan
    bad = {
        **matrix,
        "promise": "p99<20s",
        "rounds": 3,
        "profiles": [{**good, "rate": 5}, {"id": "x"}],
    }
    path.write_text(json.dumps(bad))
    with pytest.raises(ConfigError) as refused:
        plan_matrix(found, "promised", Overrides())

    assert planned.search == Sought(promise="p99<10ms", tolerance=0.03, patience=8)
    assert (planned.trials, planned.rounds) == ((), 1)
    assert [cell.id for cell in planned.cells] == ["one.json-small.paced-c8"]
    assert planned.estimated_s > 60
    for said in (
        "every rate keeps it",
        "a search takes as many trials as it needs",
        "with a promise the rate is what is searched",
        "a promise is about an offered rate",
    ):
        assert said in str(refused.value)
