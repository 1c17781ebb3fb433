"""The side channel never asks beyond the end of the window."""

from __future__ import annotations

import random
import socket
import time
from typing import TYPE_CHECKING

import pytest

from bench.model.plan import Arm
from bench.model.server_config import ServerConfig
from bench.trial import TrialRun, TrialSetting
from bench.trial.duet import _each
from tests.factories import Truth, closed_profile, run_data
from tests.trial.test_verify import echo_kind, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WINDOW_S = 2.0


@pytest.fixture
def silent() -> Iterator[str]:
    """Address of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def life(url: str, folder: Path) -> TrialRun:
    """A life whose window of two seconds goes on."""
    plan = run_data({"a": Truth()}).plan
    config = ServerConfig(title="a", run=["-"])
    made = TrialRun(
        TrialSetting(
            planned=plan.trials[0],
            arm=Arm(name="a", server="a", folder="", config=config, url=url),
            workload=workload(echo_kind()),
            profile=closed_profile().model_copy(update={"duration_s": WINDOW_S}),
            cpus=plan.cpus,
            supervisor=None,  # type: ignore[arg-type] # nothing is started
            folder=folder,
            order=0,
            started="2026-01-01T00:00:00Z",
            rng=random.Random(1),
            build_hash=None,
        )
    )
    made.launched()
    made.begin_window()
    return made


def test_a_server_that_does_not_answer_holds_nobody_up(silent: str, tmp_path: Path) -> None:
    """Within the window nothing is waited for, in a duet too; nothing is asked after its end."""
    lives = [life(silent, tmp_path), life(silent, tmp_path)]
    began = time.thread_time()
    for elapsed in (0.25, 0.5, 0.75, WINDOW_S):
        _each(lives, "meanwhile")(elapsed)
    asked = [one.questioning.result().asked for one in lives if one.questioning]
    _each(lives, "meanwhile")(WINDOW_S + 0.25)

    for one in lives:
        assert one.questioning is not None
        one.questioning.end()

    assert asked == [6, 6]
    assert [one.questioning.result().asked for one in lives if one.questioning] == asked
    assert time.thread_time() - began < 0.2
