"""The experiment over body sizes as it is carried out: the order of its trials."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from bench.plans.project import find_project
from bench.profiling import conversion_run as module
from bench.profiling.conversion import SIZES
from bench.profiling.profile_run import ProfileOptions
from tests.factories import Truth, arm, run_data

if TYPE_CHECKING:
    from bench.trial import TrialSetting

_DATA = run_data({"axum": Truth(), "spikard": Truth()})
_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is built and no server starts; the seed is drawn by a test."""
    monkeypatch.setattr(
        module, "choose_arms", lambda _, names: [arm(name, Truth()) for name in names]
    )
    monkeypatch.setattr("bench.profiling.profile_run.OwnProfiles.tool", lambda *_: "wrk")
    monkeypatch.setattr(module, "hold_machine", contextlib.nullcontext)
    monkeypatch.setattr(module, "_build", lambda *_: None)
    fixed = SimpleNamespace(getrandbits=lambda _: 7)
    monkeypatch.setattr("random.SystemRandom", lambda: fixed)


def _told(draws: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the experiment does, in order, with trials that draw so often."""

    def trial(setting: TrialSetting) -> Any:
        for _ in range(draws):
            setting.rng.getrandbits(32)
        update = {"trial": setting.planned.id, "server": setting.planned.cell.server}
        return SimpleNamespace(record=_DATA.trials[0].model_copy(update=update))

    monkeypatch.setattr(module, "run_trial", trial)
    told: list[str] = []
    project = find_project(_ROOT)._replace(root=folder)
    module.measure_conversion(project, ["axum", "spikard"], ProfileOptions(), told.append)
    return told


def test_the_order_depends_on_the_seed_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow server is asked fewer questions in a window: the rounds after it stay the same."""
    slow = _told(1, tmp_path / "slow", monkeypatch)
    fast = _told(50, tmp_path / "fast", monkeypatch)

    assert slow == fast
    first, second = ([text for text in slow if text.startswith(f"round {n}")] for n in (1, 2))
    assert len(first) == len(second) == len(slow) / 2 == 2 * len(SIZES)
    assert [text[7:] for text in first] != [text[7:] for text in second]
