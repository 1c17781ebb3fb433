"""What a matrix needs of the system against what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.host import read_host
from bench.host.budget import budget, new_connections_per_s, port_count
from bench.reports.wording.findings import in_words as told
from tests.host.trees import linux_tree, mac_tree, memory_source

if TYPE_CHECKING:
    from bench.model.host_facts import Host

MAC = read_host(memory_source(mac_tree("m1-pro-6p2e")), "darwin")
LINUX = read_host(memory_source(linux_tree("linux-kvm-2cpu")), "linux")


def limited(host: Host, **limits: int | None) -> Host:
    return host.model_copy(update={"limits": {**host.limits, **limits}})


def codes(host: Host, connections: int) -> list[tuple[str, str]]:
    return [(f.code, f.severity) for f in budget(host, connections, 2)]


def test_fifty_connections_fit_everywhere() -> None:
    """The matrices that come with bench need nothing, on a default Mac neither."""
    assert codes(limited(MAC, nofile_soft=256), 50) == []
    assert codes(LINUX, 50) == []
    assert codes(read_host(memory_source({}), "linux"), 50) == []


@pytest.mark.parametrize(
    ("connections", "expected"),
    [
        (128, []),
        (129, [("backlog", "warning")]),
        (3000, [("port-budget", "warning"), ("backlog", "warning")]),
        (6000, [("port-budget", "error"), ("backlog", "warning")]),
    ],
)
def test_a_macs_ports_and_backlog(connections: int, expected: list[tuple[str, str]]) -> None:
    """16,384 ports and a backlog of 128 are a Mac's defaults."""
    assert codes(MAC, connections) == expected


def test_a_hard_limit_that_is_too_low() -> None:
    """Descriptors that may not be raised far enough are an error before the run."""
    low = limited(LINUX, nofile_soft=256, nofile_hard=512)

    assert codes(low, 200) == []
    assert codes(low, 300) == [("fd-limit", "error")]
    found = budget(low, 300, 2)[0]
    assert told(found).advice == "sudo prlimit --pid $$ --nofile=556:556"
    assert told(found).undo == "sudo prlimit --pid $$ --nofile=256:512"


def test_a_macs_descriptors_have_their_own_command() -> None:
    """macOS: launchctl, and the kernel's limit per process counts, too."""
    low = limited(MAC, nofile_soft=256, maxfilesperproc=512, somaxconn=4096)

    found = budget(low, 300, 2)

    assert [f.code for f in found] == ["fd-limit"]
    assert told(found[0]).advice.startswith("sudo launchctl limit maxfiles 556")


def test_tracked_connections() -> None:
    """A firewall that tracks too few connections is told."""
    assert codes(limited(LINUX, conntrack_max=1000), 400) == [("port-budget", "warning")]


def test_commands_raise_and_restore() -> None:
    """The backlog's command raises to the next power of two and is undone to what was."""
    found = next(f for f in budget(LINUX, 5000, 2) if f.code == "backlog")

    assert told(found).advice == "sudo sysctl -w net.core.somaxconn=8192"
    assert told(found).undo == "sudo sysctl -w net.core.somaxconn=4096"


def test_new_connections_per_second() -> None:
    """Ports over the time for which each rests: 60 s on Linux, twice the lifetime on a Mac."""
    assert port_count(MAC) == 16384
    assert new_connections_per_s(MAC) == pytest.approx(546.1, abs=0.1)
    assert new_connections_per_s(LINUX) == pytest.approx(28232 / 60)
    assert new_connections_per_s(limited(MAC, port_first=None)) is None
