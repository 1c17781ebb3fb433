"""Real tools against servers that count what they do: `bench` tells what really happened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.run.helpers import Project
from tests.servers import ground_truth

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.untraced, pytest.mark.needs("wrk", "oha")]

CLOSED = {"loop": "closed", "connections": 8, "warmup": "0s", "duration": "1s", "timeout": "10s"}
OPEN = {**CLOSED, "loop": "open", "connections": 64, "rate": 1000}
PROFILES = {
    "wrk": {"id": "wrk", "tool": "wrk", **CLOSED},
    "oha": {"id": "oha", "tool": "oha", **CLOSED},
    "open": {"id": "open", "tool": "oha", **OPEN},
}
SERVERS = {
    "fails": ["--error-share=0.02"],
    "resets": ["--reset-requests=100"],
    "lies": ["--lie-after=300"],
}
TIMED = {"steady": ["--delay-ms=20"], "late": ["--late-share=0.01", "--late-ms=50"]}
BEFORE = 3  # questions of `verify` before the load, and as many after it
PAIRS = [(server, profile) for server in SERVERS for profile in PROFILES]


class Told(NamedTuple):
    """A trial as `bench` tells it, beside what its server wrote down."""

    trial: dict[str, Any]
    counts: dict[str, int]
    held: dict[str, float]
    histogram: list[list[int]]

    @property
    def connections(self) -> int:
        connections = PROFILES[self.trial["profile"]]["connections"]
        assert isinstance(connections, int)
        return connections

    @property
    def finished(self) -> int:
        """Requests of which the tool knows the end."""
        return int(self.trial["load"]["requests"]) + self.broken

    @property
    def broken(self) -> int:
        """Requests without a response; oha calls a reset "connection error", which is `other`."""
        errors = self.trial["load"]["errors"]
        return sum(errors[kind] or 0 for kind in ("read", "timeout", "other"))

    def at(self, share: float) -> float:
        """The latency in milliseconds below which this share of the responses lies."""
        rank = share * sum(count for _, count in self.histogram)
        for value, count in self.histogram:
            rank -= count
            if rank <= 0:
                return value / 1000
        raise AssertionError("an empty histogram")


class Runs:
    """A project with all servers."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root)
        for name, faults in (SERVERS | TIMED).items():
            self.project.server(name, *faults)

    def run(self, servers: list[str], profiles: list[str]) -> dict[tuple[str, str], list[Told]]:
        """The trials of each cell: one, and the second one of a cell whose first was invalid."""
        self.project.matrix(*servers, profiles=[PROFILES[profile] for profile in profiles])
        done = self.project.bench("run", "faults")
        assert "Traceback" not in done.stderr
        found: dict[tuple[str, str], list[Told]] = {}
        for trial in self.project.trials():
            folder = self.project.runs()[-1] / "trials" / trial["trial"]
            found.setdefault((trial["server"], trial["profile"]), []).append(_told(trial, folder))
        assert sorted(found) == sorted((s, p) for s in servers for p in profiles), done.stderr
        return found

    def one(self, server: str, profile: str) -> Told:
        """A trial of a cell, measured now: what a test asserts of times is its own time's."""
        (one,) = self.run([server], [profile])[server, profile]
        assert_whole(one)
        assert_complete(one)
        return one


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The project of all tests."""
    return Runs(tmp_path_factory.mktemp("truth"))


@pytest.fixture(scope="module")
def told(runs: Runs) -> dict[tuple[str, str], list[Told]]:
    """Trials of one run, by server and profile: for what is counted, which no neighbor moves."""
    return runs.run(list(SERVERS), list(PROFILES))


def _told(trial: dict[str, Any], folder: Path) -> Told:
    log = (folder / "server.log").read_text()
    histogram = json.loads((folder / "histogram.json").read_bytes())
    return Told(trial, ground_truth.counts_in(log), ground_truth.held_in(log), histogram)


@pytest.mark.parametrize(("server", "profile"), PAIRS)
def test_no_request_is_lost_or_invented(
    told: dict[tuple[str, str], list[Told]], server: str, profile: str
) -> None:
    """Less our own questions, the server saw what the tool tells, and what was under way."""
    for one in told[server, profile]:
        assert_whole(one)


def assert_whole(one: Told) -> None:
    asked = one.trial["sidechannel"]["asked"]
    left = one.counts["requests"] - one.finished - asked
    # A wrong answer ends the verification after the load early.
    least = 2 * BEFORE if one.trial["status"] in ("valid", "suspect") else BEFORE

    assert asked >= 1
    assert least <= left <= 2 * BEFORE + one.connections


@pytest.mark.parametrize(("server", "profile"), PAIRS)
def test_the_histogram_holds_every_response(
    told: dict[tuple[str, str], list[Told]], server: str, profile: str
) -> None:
    """One entry per complete response, and a rate that is made of them."""
    for one in told[server, profile]:
        assert_complete(one)


def assert_complete(one: Told) -> None:
    load = one.trial["load"]

    assert sum(count for _, count in one.histogram) == load["requests"]
    assert sum((load["status"] or {"": load["requests"]}).values()) == load["requests"]
    assert load["throughput_rps"] == pytest.approx(load["ok"] / load["duration_s"])


@pytest.mark.parametrize("profile", PROFILES)
def test_statuses_are_those_that_were_sent(
    told: dict[tuple[str, str], list[Told]], profile: str
) -> None:
    """2 % of 500s are told as such, and make the trial invalid; no other error is invented."""
    for one in told["fails", profile]:
        load = one.trial["load"]
        failed = load["errors"]["status"]
        ours = one.trial["sidechannel"]["asked"] + 2 * BEFORE

        assert failed == load["requests"] - load["ok"]
        assert load["status"] in (None, {"200": load["ok"], "500": failed})  # wrk tells no codes
        assert 0 <= one.counts["errors"] - failed <= ours + one.connections
        # Spread evenly over all requests, ours among them.
        assert failed == pytest.approx(0.02 * load["requests"], abs=5 + 0.002 * load["requests"])
        assert one.broken == 0
        assert "errors" in one.trial["reasons"]


@pytest.mark.parametrize("profile", PROFILES)
def test_resets_are_errors(told: dict[tuple[str, str], list[Told]], profile: str) -> None:
    """Every hundredth request's connection is reset: so many requests without a response."""
    for one in told["resets", profile]:
        ours = one.trial["sidechannel"]["asked"] + 2 * BEFORE
        left = one.counts["resets"] - one.broken

        assert one.counts["resets"] == one.counts["requests"] // 100
        assert 0 <= left <= ours + one.connections
        assert one.trial["load"]["errors"]["status"] == 0
        assert (one.trial["status"], "errors" in one.trial["reasons"]) == ("invalid", True)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_later_lie_is_caught(told: dict[tuple[str, str], list[Told]], profile: str) -> None:
    """Status, length and type stay right; the meaning is wrong after 300 requests."""
    assert len(told["lies", profile]) == 2  # run once more, caught once more
    for one in told["lies", profile]:
        assert one.counts["lies"] > 0
        assert one.trial["load"]["ok"] == one.trial["load"]["requests"]
        assert one.trial["status"] == "invalid"
        assert "wrong-response" in one.trial["reasons"]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.alone
def test_a_delay_is_measured(runs: Runs, profile: str) -> None:
    """Responses that take 20 ms are told within 3 % of what the server held them.

    Of the fastest tenth, since neighbors delay more than half where they have the CPU; the median
    that is told is that of the same histogram, and no less than the server's.
    """
    one = runs.one("steady", profile)
    median = one.trial["load"]["latency_us"]["percentiles"]["50"]

    assert one.held["min"] >= 20_000
    assert 0.999 <= 1000 * one.at(0.1) / one.held["10"] <= 1.03
    assert median == pytest.approx(1000 * one.at(0.5), rel=0.01)
    assert median >= 0.995 * one.held["50"]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.alone
def test_a_planted_tail_is_found(runs: Runs, profile: str) -> None:
    """One in a hundred is 50 ms late: below the 99th percentile nothing of it, above it all."""
    one = runs.one("late", profile)

    assert one.broken == 0
    assert one.at(0.985) < 25
    assert 50 <= one.at(0.995) <= 55
