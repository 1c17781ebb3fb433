"""Ports of a trial: drawn one after the other, and a lack of them is the trial's failure."""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING

import pytest

from bench.model.plan import Arm, PlannedTrial
from bench.model.server_config import ServerConfig
from bench.process import SupervisorClient
from bench.servers import ports
from bench.trial import TrialSetting, run_duet, run_trial
from tests.factories import Truth, closed_profile, run_data
from tests.servers import ground_truth
from tests.trial.test_verify import echo_kind, workload

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


def setting(folder: Path, name: str, supervisor: SupervisorClient) -> TrialSetting:
    """A trial of a ground-truth server."""
    plan = run_data({name: Truth()}).plan
    folder.mkdir()
    run = [sys.executable, str(ground_truth.TRUTH), "--port={port}"]
    config = ServerConfig(title=name, run=run, ready="/plaintext")
    (planned,) = plan.trials[:1]
    assert isinstance(planned, PlannedTrial)
    return TrialSetting(
        planned=planned,
        arm=Arm(name=name, server=name, folder=str(folder), config=config),
        workload=workload(echo_kind()),
        profile=closed_profile().model_copy(update={"warmup_s": 0.0, "duration_s": 1.0}),
        cpus=plan.cpus.model_copy(
            update={"pinning": plan.cpus.pinning.model_copy(update={"state": "unpinned"})}
        ),
        supervisor=supervisor,
        folder=folder,
        order=0,
        started="2026-01-01T00:00:00Z",
        rng=random.Random(1),
        build_hash=None,
    )


def test_no_free_port_fails_the_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run goes on with the next trial: what failed is in the record."""
    monkeypatch.setattr(ports, "is_free", lambda *_: False)
    with SupervisorClient() as supervisor:
        record = run_trial(setting(tmp_path / "a", "a", supervisor)).record

    assert (record.status, record.reasons) == ("failed", ("port-busy",))
    assert "no free port found" in record.detail


@pytest.mark.needs("wrk")
def test_servers_of_a_duet_never_share_a_port(tmp_path: Path) -> None:
    """Both draw the same port first; the second one sees that the first server listens there."""
    with SupervisorClient() as supervisor:
        ours, theirs = (setting(tmp_path / name, name, supervisor) for name in ("a", "b"))
        record = run_duet(ours, theirs).record

    assert record.load is not None, record.detail
    assert record.partner is not None
    assert record.partner.load is not None, record.detail
    assert min(record.load.ok, record.partner.load.ok) > 0
    assert record.server_process is not None
    assert record.partner.server_process is not None
    assert record.server_process.port != record.partner.server_process.port
