"""How a load is split over machines, and which tools they may have."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import ToolMissingError, UsageError
from bench.loadtools import TOOLS
from bench.model.plan import Pinning
from bench.trial.remote.lab import Lab
from bench.trial.remote.places import Facts, Place, check_tool, one_schedule, whole_parts
from tests.factories import closed_profile, host

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Named:
    is_lost = False

    def __init__(self, name: str) -> None:
        self.name = name

    def call(self, what: Any) -> None:
        """Nothing is asked here."""


@contextlib.contextmanager
def _opened(name: str) -> Iterator[Any]:
    yield _Named(name)


def lab_of(*cpus: int) -> Lab:
    """A lab whose machines have so many CPUs, the server's first; nothing is reached."""
    names = ["server", *(f"load-{number}" for number in range(1, len(cpus)))]
    places = [
        Place(name, "server" if name == "server" else "load", partial(_opened, name))
        for name in names
    ]
    lab = Lab("lab", places)
    lab.revive()
    pinning = Pinning(state="pinned", reason="made up")
    for name, count in zip(names, cpus, strict=True):
        own = tuple(range(count))
        lab.facts[name] = Facts(host(), own, own, pinning, "3.11.7")
    return lab


def test_load_is_split_by_cpus_and_adds_up() -> None:
    """A machine with three times the CPUs sends three times the load; nothing is lost."""
    lab = lab_of(4, 3, 1)
    split = lab.split(None, None)
    assert (split.server, split.load_count) == ((0, 1, 2, 3), 4)
    profile = closed_profile(connections=50).model_copy(
        update={"rate_rps": 1000.0, "processes": split.load_count}
    )
    first, second = (share for _, share in lab.shares(profile))
    assert (first.connections, second.connections) == (38, 12)
    assert (first.rate_rps, second.rate_rps) == (750.0, 250.0)
    assert (first.processes, second.processes) == (3, 1)


def test_a_measured_ceiling_goes_before_cpus() -> None:
    """A slow machine of many CPUs gets as little as it can send."""
    lab = lab_of(4, 4, 4)
    lab.weights = {"load-1": 90_000.0, "load-2": 10_000.0}
    lab.split(None, None)
    assert [share.connections for _, share in lab.shares(closed_profile(connections=50))] == [45, 5]


def test_cpus_that_a_machine_lacks_are_named() -> None:
    """The message says which machine."""
    with pytest.raises(UsageError, match="load_cpus: load-2 has no CPU 2"):
        lab_of(2, 4, 2).split(None, [2])


def test_parts_add_up() -> None:
    """Whole parts never lose a connection, whatever the weights."""
    for total in range(1, 40):
        assert sum(whole_parts(total, [3.0, 1.0, 7.0])) == total


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({"load-1": None, "load-2": None}, "load-1: the load tool wrk is not installed"),
        ({"load-1": {"version": "4.2.0"}, "load-2": {"version": "4.1.0"}}, "4.1.0 on load-2"),
        ({"load-1": {"version": "3.9.0"}}, "load-1: wrk 3.9.0 is too old"),
    ],
)
def test_load_machines_have_one_tool(there: dict[str, Any], said: str) -> None:
    """What is missing, old or unlike is an error before the run, with the machine's name."""
    with pytest.raises(ToolMissingError, match=said):
        check_tool("wrk", there)


def test_machines_walk_one_schedule_where_they_can() -> None:
    """Each process has its turn among all; a much slower machine has a schedule of its own."""
    lab = lab_of(4, 2, 1)
    lab.weights = {"load-1": 110.0, "load-2": 50.0}
    lab.split(None, None)
    profile = closed_profile(connections=30).model_copy(
        update={"rate_rps": 900.0, "processes": 3, "tool": "paced", "loop": "open"}
    )
    parts = [share for _, share in lab.shares(profile)]
    assert [part.rate_rps for part in parts] == [600.0, 300.0]
    assert one_schedule(parts, TOOLS["paced"]) == [(0, 3), (2, 3)]
    assert one_schedule(parts, TOOLS["oha"]) == []
    assert one_schedule(parts[:1], TOOLS["paced"]) == []

    lab.weights = {"load-1": 190.0, "load-2": 10.0}
    lab.split(None, None)
    parts = [share for _, share in lab.shares(profile)]
    assert [part.rate_rps for part in parts] == [855.0, 45.0]
    assert one_schedule(parts, TOOLS["paced"]) == []
