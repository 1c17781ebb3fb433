"""What of a trial is drawn from its seed, and what is not."""

from __future__ import annotations

import random
import sys
import time
from typing import TYPE_CHECKING, cast

import pytest

from bench.errors import StartError
from bench.model.plan import Arm, Cell, PlannedTrial
from bench.model.server_config import ServerConfig
from bench.process import SupervisorClient
from bench.servers.running import ask_status
from bench.trial.life import TrialRun, TrialSetting
from tests.factories import Truth, arm, closed_profile
from tests.plans.helpers import split
from tests.trial.test_verify import echo_kind, workload

if TYPE_CHECKING:
    from pathlib import Path

_LIMITED = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
for _ in range(2):
    server.handle_request()
"""


def setting_of(tmp_path: Path, server: Arm, supervisor: SupervisorClient) -> TrialSetting:
    """A trial of that server."""
    (tmp_path / "server.log").touch()
    cell = Cell(server="axum", workload="w", profile="wrk-c50")
    return TrialSetting(
        planned=PlannedTrial(id="r01", round=1, cell=cell),
        arm=server,
        workload=workload(echo_kind()),
        profile=closed_profile(),
        cpus=split(),
        supervisor=supervisor,
        folder=tmp_path,
        order=0,
        started="",
        rng=random.Random(5),
        build_hash=None,
    )


def test_a_server_that_ends_by_itself(tmp_path: Path) -> None:
    """Exit code 0 under load is a limit of its own, not a crash."""
    run = [sys.executable, "-c", _LIMITED, "{port}"]
    config = ServerConfig.model_validate({"run": run, "ready_timeout": "5s"})
    server = Arm(name="s", server="s", folder=str(tmp_path), config=config)
    with SupervisorClient() as supervisor:
        life = TrialRun(setting_of(tmp_path, server, supervisor))
        with life.server:
            ask_status(life.server.target, "/")
            until = time.monotonic() + 5
            while life.server.rc is None and time.monotonic() < until:
                time.sleep(0.01)
            with pytest.raises(StartError, match=r"died \(exit code 0\)") as caught:
                life.verify_again()

    assert "--limit-max-requests" in caught.value.advice


def test_the_closing_check_does_not_depend_on_how_often_was_asked(tmp_path: Path) -> None:
    """Questions in the window come when there is time for them, and draw for themselves."""
    setting = setting_of(tmp_path, arm("axum", Truth()), cast("SupervisorClient", None))
    life = TrialRun(setting)
    life.open_side_channel()
    before = setting.rng.getstate()
    for elapsed in (0.6, 1.2, 1.8):
        life.meanwhile(elapsed)

    assert life.questioning is not None
    life.questioning.end()
    assert setting.rng.getstate() == before
