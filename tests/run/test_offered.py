"""The open loop of a real run: what is offered, what saturation looks like, two tools on a cell."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.run.helpers import Project, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.alone, pytest.mark.needs("wrk", "oha")]

# Eight connections to a server that holds each response for 20 ms: never more, and less only where
# another process takes the CPU.
MOST_RPS = 8 / 0.020
LEAST_RPS = MOST_RPS / 2
SHORT = {"warmup": "0s", "duration": "1s", "connections": 8, "timeout": "2s"}
HALF = {"id": "half", "tool": "oha", "loop": "open", "rate": "50%", **SHORT}
FIXED = {"id": "fixed", "tool": "oha", "loop": "open", "rate": 600, **SHORT}


def plan_of(project: Project) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads((project.runs()[-1] / "plan.json").read_text())
    return plan


def test_half_of_the_slowest_is_offered_to_all_and_kept(tmp_path: Path) -> None:
    """Capacity is measured once, before round 1; an interrupted run goes on with the same rate."""
    project = Project(tmp_path)
    project.server("fast")
    project.server("slow", "--delay-ms=20")
    project.matrix("fast", "slow", profiles=[HALF], rounds=2)
    with project.running("run", "faults") as process:
        assert wait_until(lambda: len(project.trials()) >= 1, 60.0)  # after six warm pilots
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    before = plan_of(project)["calibrated"]
    done = project.bench("run", "--resume", "latest")
    trials = project.trials()

    assert done.returncode == 0, done.stderr
    assert "calibrating" not in done.stderr
    assert plan_of(project)["calibrated"] == before
    assert LEAST_RPS < before["slow/json-small/half"] <= MOST_RPS
    assert before["fast/json-small/half"] > 2 * before["slow/json-small/half"]
    assert len(trials) == 4
    offered = {trial["offered_rps"] for trial in trials}
    assert offered == {round(before["slow/json-small/half"] / 2, 3)}
    for trial in trials:
        assert trial["load"]["latency_kind"] == "response"
        assert trial["load"]["latency_us"]["source"] == "intended-time"
        assert trial["load"]["throughput_rps"] == pytest.approx(trial["offered_rps"], rel=0.05)


def test_saturation_is_told_and_two_tools_are_compared(tmp_path: Path) -> None:
    """600/s offered to 400/s are saturated; a cell with both tools says how far they differ."""
    project = Project(tmp_path)
    project.server("slow", "--delay-ms=20")
    tools = [{"id": tool, "tool": tool, "loop": "closed", **SHORT} for tool in ("wrk", "oha")]
    project.matrix("slow", profiles=[*tools, FIXED])
    done = project.bench("run", "faults", "--json")
    summary = json.loads(done.stdout)
    cells = {cell["profile"]: cell for cell in summary["cells"]}
    told = {item["code"]: item["text"] for item in summary["findings"]}

    assert "saturated" in cells["fixed"]["findings"]
    assert cells["fixed"]["offered_rps"] == 600
    assert LEAST_RPS / 600 < cells["fixed"]["achieved_ratio"] < 1.03 * MOST_RPS / 600
    assert "saturated at this rate" in told["saturated"]
    # The queue's wait counts: 600 requests at 400/s are answered after up to half a second.
    assert cells["fixed"]["latency_us"]["max"] > 300_000
    assert "measures" in told["tools-differ"]
    rates = [cells[tool]["metrics"]["throughput_rps"]["value"] for tool in ("wrk", "oha")]
    assert all(LEAST_RPS < rate < 1.03 * MOST_RPS for rate in rates)
