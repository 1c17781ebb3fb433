"""What of a trial is drawn from its seed, and what is not."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

from bench.model.plan import Cell, PlannedTrial
from bench.trial.life import TrialRun, TrialSetting
from tests.factories import Truth, arm, closed_profile
from tests.plans.helpers import split
from tests.trial.test_verify import echo_kind, workload

if TYPE_CHECKING:
    from pathlib import Path

    from bench.process import SupervisorClient


def test_the_closing_check_does_not_depend_on_how_often_was_asked(tmp_path: Path) -> None:
    """Questions in the window come when there is time for them, and draw for themselves."""
    (tmp_path / "server.log").touch()
    cell = Cell(server="axum", workload="w", profile="wrk-c50")
    setting = TrialSetting(
        planned=PlannedTrial(id="r01", round=1, cell=cell),
        arm=arm("axum", Truth()),
        workload=workload(echo_kind()),
        profile=closed_profile(),
        cpus=split(),
        supervisor=cast("SupervisorClient", None),
        folder=tmp_path,
        order=0,
        started="",
        rng=random.Random(5),
        build_hash=None,
    )
    life = TrialRun(setting)
    life.open_side_channel()
    before = setting.rng.getstate()
    for elapsed in (0.6, 1.2, 1.8):
        life.meanwhile(elapsed)

    assert life.questioning is not None
    life.questioning.end()
    assert setting.rng.getstate() == before
