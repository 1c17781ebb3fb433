"""What a matrix needs of the system against what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from bench.host import read_host
from bench.host.budget import budget, fresh_ports, new_connections_per_s, port_count
from bench.reports.wording.findings import in_words as told
from tests.factories import closed_profile, open_profile
from tests.host.trees import linux_tree, mac_tree, memory_source

if TYPE_CHECKING:
    from bench.model.host_facts import Host

MAC = read_host(memory_source(mac_tree("m1-pro-6p2e")), "darwin")
LINUX = read_host(memory_source(linux_tree("linux-kvm-2cpu")), "linux")


def limited(host: Host, **limits: int | None) -> Host:
    return host.model_copy(update={"limits": {**host.limits, **limits}})


def resting(host: Host) -> Host:
    return host.model_copy(update={"details": {**host.details, "network.tcp_tw_reuse": 0}})


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
    """Ports over their rest: 60 s on Linux or 2 on its loopback, twice the lifetime on a Mac."""
    assert port_count(MAC) == 16384
    assert new_connections_per_s(MAC) == pytest.approx(546.1, abs=0.1)
    assert new_connections_per_s(resting(LINUX)) == pytest.approx(28232 / 60)
    assert new_connections_per_s(LINUX) == pytest.approx(28232 / 2)
    assert new_connections_per_s(limited(MAC, port_first=None)) is None


class TestConnectionPerRequest:
    """What is opened per request is told where the ports would not be enough."""

    CHURN: Final = open_profile(rate_rps=6000.0).model_copy(update={"keepalive": False})

    def test_a_rate_that_uses_up_the_ports(self) -> None:
        """6,000/s for 7 s are more than 28,232 ports that rest for a minute."""
        (found,) = fresh_ports(resting(LINUX), self.CHURN)

        assert (found.code, found.severity) == ("port-budget", "error")
        assert "6,000/s for 7 s; 28,232 ephemeral ports" in told(found).text
        assert "allow 4,033/s" in told(found).text

    def test_reuse_on_loopback_is_enough(self) -> None:
        """Linux gives a port of the loopback back after a second where it is told to."""
        assert fresh_ports(LINUX, self.CHURN) == ()

    def test_a_closed_loop_has_no_rate_yet(self) -> None:
        """There the limit is told where a fast server would reach it."""
        profile = closed_profile().model_copy(update={"keepalive": False})
        (found,) = fresh_ports(MAC, profile)

        assert found.severity == "warning"
        assert "as fast as it is answered; 16,384 ephemeral ports" in told(found).text

    def test_kept_connections_need_none(self) -> None:
        """Nothing is said of a profile that keeps its connections."""
        assert fresh_ports(MAC, open_profile(rate_rps=60_000.0)) == ()
