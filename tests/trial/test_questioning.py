"""Connections of ours are taken off those that were seen, and no others."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from bench.model.trial_record import Counters, Resources
from bench.sampler import Observation
from bench.trial.questioning import Questioning, without_ours
from tests.factories import closed_profile
from tests.trial.test_verify import echo_kind, workload

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.mark.parametrize(
    ("looks", "ours", "seen"),
    [
        ([(1.0, 50)], [(1.3, 12)], 50),  # we came after the only look of a second
        ([(1.0, 62), (2.5, 62)], [(0.9, 12)], 50),
        ([(1.0, 50), (2.5, 62)], [(1.3, 12)], 50),
        ([(1.0, 40), (2.5, 52)], [(1.3, 12)], 40),  # 40 it is, whatever we opened
        ([(1.0, 52)], [(0.5, 4), (1.1, 2)], 50),  # two of ours may have been gone already
        ([(1.0, 50)], [], 50),
        ([], [(1.0, 12)], None),
    ],
)
def test_each_look_without_what_was_ours_then(
    looks: Sequence[tuple[float, int]], ours: Sequence[tuple[float, int]], seen: int | None
) -> None:
    """Twelve connections that were opened 300 ms after a look were not among its fifty."""
    assert without_ours(looks, ours) == seen


class _Side:
    """What opens connections, in so far as it is looked at here."""

    kept = 0
    phase = ""

    def glance(self, questions: int, lines: int) -> None:
        """Twelve of sixteen stay open."""
        self.kept = 12 if questions and lines else self.kept


def test_what_is_opened_in_a_window_counts_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The looks before it keep what they saw."""
    kinds = workload(echo_kind())
    target: Any = type("Target", (), {"authority": "h"})()
    asking = Questioning(target, kinds, closed_profile(duration_s=1.0), random.Random(1))
    monkeypatch.setattr(asking, "_side", _Side())
    before_s = time.monotonic()
    asking.in_window(0.3)
    after_s = time.monotonic()
    seen = Observation(
        resources=Resources(),
        counters=Counters(connections_seen=50),
        series=(),
        cpu_series=(),
        threads=None,
        processes=None,
        looks=((before_s, 50),),
    )

    assert asking.without_ours(seen).connections_seen == 50
    later = seen._replace(looks=((before_s, 50), (after_s, 61)))
    assert asking.without_ours(later).connections_seen == 50
    alone = seen._replace(looks=((after_s, 61),))
    assert asking.without_ours(alone).connections_seen == 49
