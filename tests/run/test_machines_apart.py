"""Server and load on machines of their own: namespaces with an sshd in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab import lab  # noqa: F401 - a fixture
from tests.run.helpers import Project
from tests.run.test_several_machines import RUN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab import Lab

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]


def project_of(root: Path, **keys: object) -> Project:
    project = Project(root)
    project.server("sound", run=RUN)
    project.matrix("sound", server_cpus=[0], load_cpus=[1], **keys)
    return project


def test_a_whole_run(lab: Lab, tmp_path: Path) -> None:  # noqa: F811 - pytest's way
    """Two machines of the load reach the server over the network, and nothing stays anywhere."""
    project = project_of(tmp_path)
    done = project.bench("run", "faults", "--machines", f"{lab.machines_file()}:lab")
    assert done.returncode == 0, done.stderr
    (trial,) = project.trials()
    assert trial["status"] in ("valid", "suspect"), trial["detail"]
    server, *loads = trial["machines"]
    assert sum(one["requests"] for one in loads) == trial["load"]["requests"] > 100
    assert trial["load"]["bytes_in"] < server["network"]["bytes_out"]
    assert server["network"]["name"] == "eth0"
    assert not any(lab.pids(name) for name in ("server-box", "load-1", "load-2"))
