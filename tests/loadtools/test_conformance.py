"""What every load tool must do, shown with the real tools against a server that counts."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from bench.errors import ParseError
from bench.loadtools import TOOLS, Share, Target, unsupported
from bench.loadtools.install.find import find_tool, search_path
from bench.loadtools.merging import judged
from bench.loadtools.tool import LoadJob, dotted, too_old
from bench.model.workload_config import Generator
from bench.stats.histogram import Histogram
from tests.loadtools.driving import Driven, Server, drive, outputs, running_server
from tests.loadtools.recorded import kind, output, profile, workload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from bench.model.plan import LoadProfile, RequestKind, Workload

CONNECTIONS = 8


class Mode(NamedTuple):
    """A tool and a kind of loop that it can do."""

    tool: str
    loop: str

    def profile(self, **changes: Any) -> LoadProfile:
        rate = {"rate_rps": 400.0} if self.loop == "open" else {}
        base = {"tool": self.tool, "loop": self.loop, "connections": CONNECTIONS}
        return profile(**{**base, **rate, "duration_s": 1.0, **changes})


MODES = [
    Mode(name, loop)
    for name in TOOLS
    for loop in ("closed", "open")
    if not unsupported(Mode(name, loop).profile(), workload())
]
pytestmark = [pytest.mark.real, pytest.mark.needs(*{mode.tool for mode in MODES})]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as started:
        yield started


@pytest.fixture(autouse=True)
def tools_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", search_path())


@pytest.fixture(params=MODES, ids="-".join)
def mode(request: pytest.FixtureRequest) -> Mode:
    chosen: Mode = request.param
    return chosen


def load(mode: Mode, server: Server, folder: Path, *kinds: RequestKind, **changes: Any) -> Driven:
    server.take_counts()
    return drive(workload(*kinds), mode.profile(**changes), folder, port=server.port)


def test_every_tool_takes_part() -> None:
    """Each that speaks plain HTTP/1.1 does some loop, and there are tools for both."""
    assert {mode.tool for mode in MODES} == set(TOOLS) - {"h2load"}
    assert {mode.loop for mode in MODES} == {"closed", "open"}


def test_the_servers_count_is_the_tools(mode: Mode, server: Server, tmp_path: Path) -> None:
    """Less what was under way at the end; every response is in the histogram."""
    began = time.monotonic()
    done = load(mode, server, tmp_path).merged
    spent_s = time.monotonic() - began
    counts = server.take_counts()

    assert 0 <= counts["requests"] - done.requests <= CONNECTIONS
    assert done.ok == done.requests > 100
    assert done.latency_us is not None
    assert done.latency_us.exact
    assert done.latency_us.count == done.requests
    assert isinstance(done.histogram, Histogram)
    assert done.histogram.count == done.requests
    assert done.throughput_rps == pytest.approx(done.ok / done.duration_s)
    assert 0.85 < done.duration_s < spent_s
    assert counts["connections"] >= CONNECTIONS


def test_several_processes_add_up(mode: Mode, server: Server, tmp_path: Path) -> None:
    """Two processes share connections and rate."""
    done = load(mode, server, tmp_path, processes=2)
    counts = server.take_counts()

    assert len(done.parts) == 2
    assert done.merged.requests == sum(part.requests for part in done.parts)
    assert 0 <= counts["requests"] - done.merged.requests <= CONNECTIONS
    assert done.merged.latency_us is not None


def test_all_500_is_no_success(mode: Mode, server: Server, tmp_path: Path) -> None:
    """Complete responses, none of them ok, no throughput."""
    done = load(mode, server, tmp_path, kind(path="/status/500")).merged

    assert done.ok == 0
    assert done.throughput_rps == 0
    assert done.errors is not None
    assert done.errors.status == done.requests > 0


@pytest.mark.parametrize(("status", "good"), [(302, True), (404, False)])
def test_statuses_below_400_are_successes(
    mode: Mode, server: Server, tmp_path: Path, status: int, *, good: bool
) -> None:
    """Redirects are not followed."""
    done = load(mode, server, tmp_path, kind(path=f"/status/{status}")).merged
    counts = server.take_counts()

    assert (done.ok == done.requests) is good
    assert set(counts["answered"]) == {str(status)}


@pytest.mark.parametrize(("status", "good"), [(404, True), (201, True), (302, True), (200, False)])
def test_what_is_expected_is_what_counts(
    mode: Mode, server: Server, tmp_path: Path, status: int, *, good: bool
) -> None:
    """An expected 404, 201 or 302 is a success; a 200 in place of a 404 is not."""
    expected = 404 if status == 200 else status
    asked = kind(path=f"/status/{status}", expect={"status": expected})
    done = judged(load(mode, server, tmp_path, asked).merged, {expected})
    counts = server.take_counts()

    assert set(counts["answered"]) == {str(status)}
    assert done.requests > 0
    assert done.ok == (done.requests if good else 0)
    assert done.errors is not None
    assert done.errors.status == done.requests - done.ok


def test_a_share_of_500s_is_counted(mode: Mode, server: Server, tmp_path: Path) -> None:
    """Every tenth, to within what was under way."""
    done = load(mode, server, tmp_path, kind(path="/share/500/10")).merged
    counts = server.take_counts()

    assert done.errors is not None
    assert done.errors.status is not None
    assert 0 <= counts["answered"]["500"] - done.errors.status <= CONNECTIONS
    assert done.ok == done.requests - done.errors.status


def test_resets_are_read_errors(mode: Mode, server: Server, tmp_path: Path) -> None:
    """Every twentieth request resets its connection; the rest succeeds."""
    done = load(mode, server, tmp_path, kind(path="/reset/20")).merged
    counts = server.take_counts()

    assert done.errors is not None
    assert done.errors.read is not None
    assert 0 <= counts["resets"] - done.errors.read <= CONNECTIONS
    assert done.ok == done.requests


@pytest.mark.alone
def test_a_fixed_delay_is_the_median(mode: Mode, server: Server, tmp_path: Path) -> None:
    """50 ms, within 3 % of the fastest fourth; the median is that of the same values."""
    rate = {"rate_rps": 80.0} if mode.loop == "open" else {}
    done = load(mode, server, tmp_path, kind(path="/slow/50"), **rate).merged

    assert done.latency_us is not None
    assert done.histogram is not None
    low, middle = (_at(done.histogram.pairs(), share) for share in (0.25, 0.5))
    assert 50_000 <= low <= 51_500 + 1000  # the server's own timer is late by up to 1 ms
    assert done.latency_us.percentiles["50"] == pytest.approx(middle, rel=0.01)


def _at(histogram: Iterable[tuple[int, int]], share: float) -> int:
    """The value below which this share of the responses lies."""
    values = sorted(histogram)
    left = share * sum(count for _, count in values)
    for value, count in values:
        left -= count
        if left <= 0:
            return value
    raise AssertionError("an empty histogram")


@pytest.mark.alone
def test_a_planted_tail_is_at_its_percentile(mode: Mode, server: Server, tmp_path: Path) -> None:
    """2 % of responses are 50 ms late: p90 is not, p99 is."""
    rate = {"rate_rps": 1000.0} if mode.loop == "open" else {}
    done = load(mode, server, tmp_path, kind(path="/tail/50/50"), duration_s=2.0, **rate).merged

    assert done.latency_us is not None
    p90, p99 = (done.latency_us.percentiles[key] for key in ("90", "99"))
    assert p90 is not None
    assert p99 is not None
    assert p90 < 25_000
    assert 50_000 <= p99 <= 55_000


@pytest.mark.alone
def test_late_responses_are_timeouts(mode: Mode, server: Server, tmp_path: Path) -> None:
    """1.5 s at a limit of 1 s: nothing ok, no latency, timeouts told."""
    rate = {"rate_rps": 4.0} if mode.loop == "open" else {}
    done = load(
        mode, server, tmp_path, kind(path="/slow/1500"), duration_s=3.0, timeout_s=1.0, **rate
    ).merged

    assert done.ok == 0
    assert done.latency_us is None
    assert done.errors is not None
    assert done.errors.timeout


def test_a_server_that_never_answers_is_no_crash(
    mode: Mode, server: Server, tmp_path: Path
) -> None:
    """No request is complete, the tool ends by itself."""
    rate = {"rate_rps": 4.0} if mode.loop == "open" else {}
    done = load(mode, server, tmp_path, kind(path="/hang"), timeout_s=1.0, **rate).merged

    assert (done.requests, done.ok, done.latency_us) == (0, 0, None)


def test_nobody_listening_is_no_success(mode: Mode, tmp_path: Path) -> None:
    """The tool fails, or reports not one success."""
    try:
        done = drive(workload(), mode.profile(), tmp_path, port=1).merged
    except ParseError as error:
        assert "refused" in str(error)  # noqa: PT017 - either way is right
        return

    assert done.ok == 0
    assert done.throughput_rps == 0
    assert done.errors is not None
    assert done.errors.connect


@pytest.mark.alone
def test_an_interrupted_tool_reports_its_real_window(
    mode: Mode, server: Server, tmp_path: Path
) -> None:
    """SIGINT after 1.2 of 5 seconds."""
    server.take_counts()
    changed = mode.profile(duration_s=5.0)
    stop = (1.2, signal.SIGINT)
    done = drive(workload(), changed, tmp_path, port=server.port, stop=stop).merged
    counts = server.take_counts()

    assert done.duration_s < 4.5
    assert 0 <= counts["requests"] - done.requests <= CONNECTIONS


def test_a_killed_tool_is_refused(mode: Mode, server: Server, tmp_path: Path) -> None:
    """Its exit code says so."""
    changed = mode.profile(duration_s=60.0)
    (done,) = outputs(workload(), changed, tmp_path, port=server.port, stop=(0.5, signal.SIGKILL))
    with pytest.raises(ParseError, match="exited with -9"):
        TOOLS[mode.tool].parse(done, changed)


def test_bodies_values_and_headers_arrive(mode: Mode, server: Server, tmp_path: Path) -> None:
    """Ten bodies in one workload, a hundred paths in another."""
    bodies = tuple(b'{"n": %d}' % number for number in range(10))
    headers = {"content-type": "application/json"}
    posts = kind(method="POST", path="/echo", bodies=bodies, headers=headers)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    load(mode, server, tmp_path / "a", posts)
    assert server.take_counts()["bodies"] == 10

    values = {"user": Generator.model_validate({"int": [1, 100]})}
    load(mode, server, tmp_path / "b", kind(path="/u/{user}", values=values))
    assert len(server.take_counts()["paths"]) > 50  # a busy machine sends fewer


def test_several_kinds_come_by_weight_or_not_at_all(
    mode: Mode, server: Server, tmp_path: Path
) -> None:
    """Three to one, or a reason when planning."""
    kinds = (kind(weight=3, path="/a"), kind(weight=1, method="POST", path="/b", bodies=(b"x",)))
    reason = unsupported(mode.profile(), workload(*kinds))
    if reason:
        assert "kind of request" in reason
        return
    # As many requests as the pool has slots: there the mix is exact, elsewhere nearly.
    exact = {"rate_rps": 1024.0, "arrivals": "even"} if TOOLS[mode.tool].arrivals else {}
    load(mode, server, tmp_path, *kinds, **exact)
    paths = server.take_counts()["paths"]

    mix = paths["GET /a"] / paths["POST /b"]
    assert mix == pytest.approx(3, rel=0.02 if exact else 0.15)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.needs(name)) for name in TOOLS]
)
def test_the_version_is_known_and_new_enough(name: str) -> None:
    """An old one is refused with a reason."""
    tool, found = TOOLS[name], find_tool(name)

    assert found is not None
    assert (tool.name, found.usable) == (name, True)
    assert found.version is not None
    assert (
        too_old(tool, "0.0.1")
        == f"{name} 0.0.1 is too old: {dotted(tool.minimum)} or newer is needed"
    )


@pytest.mark.parametrize("name", TOOLS)
def test_without_output_there_is_no_result(name: str, tmp_path: Path) -> None:
    """Nothing written, a complaint on stderr, a bad exit code: each is refused."""
    tool, asked = TOOLS[name], Mode(name, "closed").profile()

    for done in (output(tmp_path), output(tmp_path, stderr="oops\n"), output(tmp_path, rc=1)):
        with pytest.raises(ParseError):
            tool.parse(done, asked)


@pytest.mark.parametrize("name", TOOLS)
def test_commands_are_lists_in_their_own_folder(name: str, tmp_path: Path) -> None:
    """No shell, no CPUs yet, an environment of few variables."""
    asked = Mode(name, "closed").profile()
    shared: Workload = workload()
    job = LoadJob(Target("::1", 80), shared, asked, tmp_path)
    command = TOOLS[name].command(job, Share(seed=1), tmp_path, 2.0)

    assert command.argv[0] == name
    told = " ".join(command.argv)
    assert "[::1]:80" in told or "::1 --port 80 " in told
    assert command.cwd == tmp_path
    assert command.cpus is None
    assert {"PATH", "LC_ALL"} <= set(command.env)
    assert "HOME" not in command.env
