"""Server and load on machines of their own: namespaces with an sshd in each."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import NAMES, built, lab, missing, run  # noqa: F401 - a fixture among them
from tests.run.helpers import Project, wait_until
from tests.run.test_several_machines import RUN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab import Lab

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]
LEFT_S = 60.0
"""What a lost controller leaves is gone after that time: after 12 s on a quiet machine."""


def project_of(root: Path, **keys: Any) -> Project:
    """A project whose server gets CPU 0 of its machine, and each load CPU 1 of its own."""
    project = Project(root)
    project.server("sound", run=RUN)
    project.matrix("sound", server_cpus=[0], load_cpus=[1], **keys)
    return project


def window(seconds: int) -> list[dict[str, Any]]:
    return [{"connections": 8, "warmup": "0s", "duration": f"{seconds}s", "timeout": "10s"}]


def machines_of(lab: Lab) -> tuple[str, str]:  # noqa: F811 - pytest's way
    return "--machines", f"{lab.machines_file()}:lab"


def loading(lab: Lab) -> bool:  # noqa: F811 - the fixture
    """Whether a machine of the load sends a trial's load, no longer what weighs the machines."""
    names = (run("ps", "-o", "args=", "-p", str(pid)) for pid in lab.pids("load-2"))
    with contextlib.suppress(AssertionError):  # ended meanwhile
        return any("wrk" in name and "/plaintext" not in name for name in names)
    return False


def left(lab: Lab) -> set[int]:  # noqa: F811 - the fixture
    return set().union(*(lab.pids(name) for name in NAMES))


def test_a_whole_run(lab: Lab, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    """Two machines of the load reach the server over the network, and nothing stays anywhere."""
    project = project_of(tmp_path)
    done = project.bench("run", "faults", *machines_of(lab))
    assert done.returncode == 0, done.stderr
    (trial,) = project.believed()
    assert trial["status"] in ("valid", "suspect"), trial["detail"]
    server, *loads = trial["machines"]
    assert sum(one["requests"] for one in loads) == trial["load"]["requests"] > 100
    assert trial["load"]["bytes_in"] < server["network"]["bytes_out"]
    assert server["network"]["name"] == "eth0"
    assert wait_until(lambda: not left(lab), LEFT_S)


@pytest.mark.untraced
def test_a_cable_is_cut_in_the_window(lab: Lab, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    """The trial is invalid by that cause and is run once more; the rest of the run goes on."""
    project = project_of(tmp_path, profiles=window(8))  # it goes on when the cable is cut
    with project.running("run", "faults", *machines_of(lab)) as process:
        try:
            assert wait_until(lambda: loading(lab), 300.0)
            lab.cable("load-2", "down")
            assert wait_until(project.trials, 300.0)
        finally:
            lab.cable("load-2", "up")
        _, said = process.communicate(timeout=300)
    first, again = project.trials()
    assert (first["status"], first["reasons"]) == ("invalid", ["load-machine-lost"])
    assert again["trial"] == first["trial"] + ".2"
    assert again["load"]["ok"] > 0, again["detail"]
    assert "load-machine-lost" not in again["reasons"]
    # There is no third try where other work spoils the second.
    assert process.returncode == (again["status"] not in ("valid", "suspect")), said


@pytest.mark.untraced
def test_a_killed_controller_leaves_nothing(lab: Lab, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    """After SIGKILL in the window every machine ends what runs there; the run can go on."""
    project = project_of(tmp_path, profiles=window(8))
    for number in (signal.SIGINT, signal.SIGKILL, signal.SIGKILL, signal.SIGKILL):
        with project.running("run", "faults", *machines_of(lab)) as process:
            assert wait_until(lambda: loading(lab), 300.0)
            process.send_signal(number)
            process.communicate(timeout=300)
        assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
        assert wait_until(lambda: not left(lab), LEFT_S)
    refused = project.bench("run", "--resume", "latest")
    assert refused.returncode == 2
    assert "add --machines lab" in refused.stderr
    done = project.bench("run", "--resume", "latest", *machines_of(lab))
    assert done.returncode == 0, done.stderr
    assert [trial["status"] in ("valid", "suspect") for trial in project.believed()] == [True]


@contextlib.contextmanager
def limited(lab: Lab, rate: str) -> Iterator[None]:  # noqa: F811 - the fixture
    """Let the server's machine send no faster."""
    space = ("ip", "netns", "exec", lab.space("server-box"), "tc", "qdisc")
    where = ("dev", "eth0", "root")
    run(*space, "add", *where, "tbf", "rate", rate, "burst", "32kbit", "latency", "50ms")
    try:
        yield
    finally:
        run(*space, "del", *where)


@pytest.mark.alone
@pytest.mark.needs("tc")
def test_the_network_is_the_limit(lab: Lab, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    """A link that is full is named: the rate is its, not the server's."""
    project = project_of(tmp_path, workloads=["json-large"], profiles=window(3))
    with limited(lab, "8mbit"):
        done = project.bench("run", "faults", *machines_of(lab))
    assert done.returncode == 0, done.stderr
    (trial,) = project.trials()
    assert "network-bound" in [item["code"] for item in trial["findings"]]
    server, *_ = trial["machines"]
    assert server["network"]["link_bits_per_s"] == 8e6


@pytest.mark.untraced
def test_a_clock_that_starts_elsewhere(tmp_path: Path) -> None:
    """A machine whose monotonic clock is 1000 s ahead begins with the others."""
    if reason := missing():
        pytest.skip(reason)
    with built(tmp_path / "lab", skewed="load-1") as skewed, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", skewed.path)
        project = project_of(tmp_path)
        done = project.bench("run", "faults", *machines_of(skewed))
    assert done.returncode == 0, done.stderr
    (trial,) = project.believed()
    _, first, second = trial["machines"]
    assert first["offset_s"] - second["offset_s"] == pytest.approx(1000, abs=1)
    assert abs(first["start_late_s"]) < 30
    assert trial["status"] in ("valid", "suspect"), trial["detail"]
