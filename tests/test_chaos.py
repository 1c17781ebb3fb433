"""Whenever `bench run` is killed: no process, no finished trial, no report is lost."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from bench.loadtools.install.find import find_tool
from tests.chaos import Chaos

if TYPE_CHECKING:
    from pathlib import Path

SHOTS = 10  # `just chaos` makes 100


@pytest.mark.real
@pytest.mark.untraced
@pytest.mark.needs("wrk")
def test_killed_at_random_moments(tmp_path: Path) -> None:
    """After SIGKILL soon nothing is alive, and resume makes an equal report."""
    oha = find_tool("oha")
    chaos = Chaos(tmp_path, "oha" if oha and oha.usable else "wrk", measured=1)
    rng = random.Random(7)
    shots = [chaos.shoot(rng) for _ in range(SHOTS)]

    assert [shot.problem for shot in shots if shot.problem] == []
    assert any(shot.alive for shot in shots)
    assert any(shot.resumed for shot in shots)
