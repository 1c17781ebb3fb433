"""How long each part of a warm-up is at least, and what ends it, by what is known of the server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from bench.stats.settling import steady, still
from bench.trial import warmup
from bench.trial.learned_work import LearnedWork
from tests.factories import closed_profile, open_profile
from tests.loadtools.recorded import workload

SERVER = "one"


class Part(NamedTuple):
    """One part of a warm-up, as it was begun."""

    name: str
    least_s: float
    flat: Any


def _parts(
    monkeypatch: pytest.MonkeyPatch, *, loop: str = "closed", known_s: float | None = None
) -> list[Part]:
    """The parts of the warm-up of one server of which that is known; each ends when it may."""
    seen = []

    def load(_lives: Any, _samplers: Any, stage: Any, _tick: Any) -> float:
        seen.append(Part(stage.name, stage.least_s, stage.flat))
        return float(stage.least_s)

    monkeypatch.setattr(warmup, "_load", load)
    learned = LearnedWork()
    for cpu_s in () if known_s is None else (known_s, known_s):
        learned.add(SERVER, cpu_s)
        learned.add(f"{SERVER} at the rate", cpu_s)
    profile = closed_profile() if loop == "closed" else open_profile()
    setting = SimpleNamespace(
        profile=profile.replace(warmup_s=1.0),
        workload=workload(),
        learned=learned,
        arm=SimpleNamespace(server=SERVER, url=None),
    )
    life: Any = SimpleNamespace(
        setting=setting,
        make_loader=lambda *_: None,
        has_tool=lambda _: True,
        warmed_from_s=0.0,
        warmup_series=(),
    )
    sampler: Any = SimpleNamespace(quarters=lambda _: [])
    warmup.warm_up([life], [sampler], [None], lambda _: None)  # type: ignore[list-item] # loads nothing
    return seen


def test_a_server_that_is_warm_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two quarters of a second that are alike are enough, and half a second of saturation."""
    (alone,) = _parts(monkeypatch, known_s=0.0)
    hard, at_rate = _parts(monkeypatch, loop="open", known_s=0.0)

    assert alone == Part("warmup", 1.0, steady)
    assert hard == Part("load", 0.5, steady)
    assert at_rate == Part("warmup", 0.5, steady)


@pytest.mark.parametrize(("known_s", "at_rate_s"), [(None, 3.0), (1.2, 0.5)])
def test_a_server_that_is_not(
    monkeypatch: pytest.MonkeyPatch, known_s: float | None, at_rate_s: float
) -> None:
    """One of its first trials, or one that compiles: flat is what the last second shows.

    Before the window its clients leave and come back twice.
    """
    alone, *again = _parts(monkeypatch, known_s=known_s)
    hard, once, at_rate = _parts(monkeypatch, loop="open", known_s=known_s)

    assert alone == Part("warmup", 1.0, still)
    assert again == [Part("reconnect1", 0.5, bool), Part("reconnect2", 0.5, bool)]
    assert hard == Part("load", 1.0, still)
    assert once == Part("reconnect1", 0.5, bool)
    assert at_rate == Part("warmup", at_rate_s, steady)
