"""A server that gets cheaper with every request: it is warmed until it no longer does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.run.helpers import Project

if TYPE_CHECKING:
    from pathlib import Path

# 6 ms of CPU for the first request, a third of it 330 requests later: 1.8 s in all.
COOLING = "0.006 * math.exp(-Cooling.seen / 300)"
# What V8 does: flat for 1.5 s of CPU time, until functions were called often enough.
COMPILED = "0.003 if Cooling.seen < 500 else 0.0003"
SERVER = """
import asyncio, math, sys, time
class Cooling(asyncio.Protocol):
    seen = 0
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data):
        end = (COST) + time.thread_time()
        Cooling.seen += 1
        while time.thread_time() < end: pass
        self.transport.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Cooling, "127.0.0.1", int(sys.argv[1]), backlog=200)
    await server.serve_forever()
asyncio.run(main())
"""


def _project(root: Path, cost: str) -> Project:
    project = Project(root)
    home = project.root / "servers" / "cooling"
    home.mkdir(parents=True)
    (home / "app.py").write_text(SERVER.replace("COST", cost))
    (home / "server.yaml").write_text('run: [python3, app.py, "{port}"]\nready: /\n')
    workloads = project.root / "configs" / "workloads"
    workloads.mkdir(exist_ok=True)
    (workloads / "ask.yaml").write_text("requests: [{path: /, expect: {status: 200}}]\n")
    return project


@pytest.mark.real
@pytest.mark.alone
@pytest.mark.needs("wrk")
def test_it_is_warmed_by_work(tmp_path: Path) -> None:
    """A second of warm-up would leave it at milliseconds per request; it is not ended there."""
    project = _project(tmp_path, COOLING)
    load = {"connections": 8, "warmup": "1s", "duration": "1s"}
    project.matrix("cooling", workloads=["ask"], profiles=[load])
    done = project.bench("run", "faults")
    (trial,) = project.trials()

    assert done.returncode == 0, done.stderr
    assert trial["resources"]["server_cpu_s"] / trial["load"]["ok"] < 0.001
    assert "warmup-capped" not in {item["code"] for item in trial["findings"]}
    assert project.nothing_left()


@pytest.mark.real
@pytest.mark.alone
@pytest.mark.needs("wrk")
def test_flat_is_not_warm_before_the_compiler_began(tmp_path: Path) -> None:
    """The first trial learns how much work it takes; the second believes nothing sooner."""
    project = _project(tmp_path, COMPILED)
    load = {"connections": 8, "warmup": "1s", "duration": "1s"}
    project.matrix("cooling", workloads=["ask"], profiles=[load], rounds=2)
    done = project.bench("run", "faults")

    assert done.returncode == 0, done.stderr
    for trial in project.trials():
        assert trial["resources"]["server_cpu_s"] / trial["load"]["ok"] < 0.001


@pytest.mark.real
@pytest.mark.alone
@pytest.mark.needs("wrk")
def test_a_server_that_waits_is_warmed_at_length_once(tmp_path: Path) -> None:
    """It never uses the CPU time by which a compiler would show: the cap ends that, one time.

    Or two times, where the machine was disturbed in the first: of five the shortest counts.
    """
    project = _project(tmp_path, "time.sleep(0.01) or 0")
    load = {"connections": 1, "warmup": "1s", "duration": "1s"}
    project.matrix("cooling", workloads=["ask"], profiles=[load], rounds=5)
    done = project.bench("run", "faults")

    assert done.returncode == 0, done.stderr
    first, *others = (trial["phases_s"]["warmup"] for trial in project.trials())
    assert min(others) < 0.75 * first
