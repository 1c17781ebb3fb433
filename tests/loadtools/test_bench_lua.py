"""bench.lua inside the real wrk: the pool, the histogram, and users' own scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.errors import ParseError
from bench.loadtools import TOOLS
from bench.loadtools.install.find import search_path
from bench.model.workload_config import Generator
from bench.stats.histogram import Histogram
from tests.loadtools.driving import Server, drive, outputs, running_server
from tests.loadtools.recorded import kind, profile, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]
SECOND = profile(duration_s=1.0, connections=10)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as started:
        yield started


@pytest.fixture(autouse=True)
def tools_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", search_path())


def script(folder: Path, text: str) -> str:
    path = folder / "user.lua"
    path.write_text(text)
    return str(path)


def test_sent_counts_per_kind_are_the_servers(server: Server, tmp_path: Path) -> None:
    """To the request: what the server saw is what was handed to wrk, over two processes."""
    server.take_counts()
    values = {"n": Generator.model_validate({"int": [1, 9]})}
    kinds = (
        kind(weight=3, method="POST", path="/echo", bodies=(b"a", b"b")),
        kind(weight=1, path="/u/{n}", values=values),
    )
    done = drive(
        workload(*kinds), SECOND.model_copy(update={"processes": 2}), tmp_path, port=server.port
    )
    paths = server.take_counts()["paths"]

    assert done.merged.sent == (paths["POST /echo"], sum(paths.values()) - paths["POST /echo"])
    assert done.merged.sent[0] / done.merged.sent[1] == pytest.approx(3, rel=0.15)


def test_without_the_ffi_the_api_gives_the_same_histogram(server: Server, tmp_path: Path) -> None:
    """The fallback is exact too, and says that it was used."""
    done = drive(workload(), SECOND, tmp_path, port=server.port, env={"BENCH_NO_FFI": "1"})
    detail = json.loads((tmp_path / "load-0" / "wrk.json").read_text())

    assert detail["histogram_source"] == "api"
    assert done.findings == ()
    assert isinstance(done.merged.histogram, Histogram)
    assert done.merged.histogram.moments is not None


def test_the_limit_of_timeouts_is_read_from_wrk(server: Server, tmp_path: Path) -> None:
    """10 s, as it was told."""
    drive(workload(), SECOND, tmp_path, port=server.port)
    detail = json.loads((tmp_path / "load-0" / "wrk.json").read_text())

    assert (detail["histogram_source"], detail["timeout_us"]) == ("ffi", 10_000_000)


def test_a_users_callbacks_are_all_called(server: Server, tmp_path: Path) -> None:
    """setup, init, request, response, done; histogram and counters remain."""
    lua = script(
        tmp_path,
        """
        local count = 0
        function setup(thread) thread:set("greeting", "from-setup") end
        function init(args) mark = greeting .. "-init" end
        function request() return wrk.format("GET", "/user/" .. mark) end
        function response(status) answered = (answered or 0) + 1 end
        function done(summary, latency) print("user done", summary.requests) end
        """,
    )
    server.take_counts()
    done = drive(workload(lua=lua), SECOND, tmp_path, port=server.port).merged
    counts = server.take_counts()

    assert list(counts["paths"]) == ["GET /user/from-setup-init"]
    assert 0 <= counts["requests"] - done.requests <= 10
    assert done.latency_us is not None
    assert done.sent is None
    printed = (tmp_path / "load-0" / "stdout.txt").read_text()
    assert f"user done\t{done.requests}" in printed


VARYING = kind(path="/u/{n}/x", values={"n": Generator.model_validate({"int": [1, 10**6]})})


@pytest.mark.parametrize(
    ("code", "example"),
    [
        ('function request() return wrk.format("GET", "/ok") end', ""),
        ('function request() return wrk.format("GET", "/u/77/x", {a = "b"}) end', ""),
        ('wrk.path = "/ok"\nwrk.headers["X-A"] = "b"', ""),
        ('function request() return wrk.format("GET", "/u/77/y") end', "GET /u/77/y"),
        ('function request() return wrk.format("POST", "/ok", nil, "a") end', "POST /ok"),
        ('function init() request = function() return wrk.format(nil, "/\\"") end end', 'GET /"'),
        (
            'function request() return wrk.format("GET", "/ok") .. wrk.format("GET", "/ok") end',
            "GET /ok with further requests behind it",
        ),
    ],
)
def test_requests_of_a_script_that_the_workload_has_not(
    server: Server, tmp_path: Path, code: str, example: str
) -> None:
    """Only the workload's are verified; others, and several in one, are said with a figure."""
    done = drive(
        workload(kind(), VARYING, lua=script(tmp_path, code)), SECOND, tmp_path, port=server.port
    )
    found = [item for item in done.findings if item.code == "script-requests"]

    assert [item.evidence["example"] for item in found] == ([example] if example else [])
    assert all(int(str(item.evidence["other"])) > 0 for item in found)


def test_a_script_without_request_keeps_the_workloads(server: Server, tmp_path: Path) -> None:
    """Only a delay: the pool is sent."""
    lua = script(tmp_path, "function delay() return 1 end")
    server.take_counts()
    done = drive(workload(lua=lua), SECOND, tmp_path, port=server.port).merged

    assert list(server.take_counts()["paths"]) == ["GET /ok"]
    assert done.requests <= 10 * 1200


def test_a_script_that_only_sets_wrk_fields_sends_those(server: Server, tmp_path: Path) -> None:
    """The way wrk's own examples do it."""
    lua = script(tmp_path, 'wrk.method = "POST"\nwrk.path = "/echo"\nwrk.body = "hello"')
    server.take_counts()
    drive(workload(lua=lua), SECOND, tmp_path, port=server.port)
    counts = server.take_counts()

    assert (list(counts["paths"]), counts["bodies"]) == (["POST /echo"], 1)


def test_a_script_may_make_its_request_function_in_init(server: Server, tmp_path: Path) -> None:
    """wrk looks it up by name each time."""
    lua = script(
        tmp_path,
        'function init() request = function() return wrk.format("GET", "/late") end end',
    )
    server.take_counts()
    drive(workload(lua=lua), SECOND, tmp_path, port=server.port)

    assert list(server.take_counts()["paths"]) == ["GET /late"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("function (", "user.lua:1"),
        ('error("at load")', "at load"),
        ('function init() error("in init") end', "in init"),
        ('function request() error("in request") end', "in request"),
        ('function done() error("in done") end', "in done"),
    ],
)
def test_a_broken_script_is_a_failure_that_says_where(
    server: Server, tmp_path: Path, text: str, complaint: str
) -> None:
    """wrk itself would send GET / and exit with 0."""
    lua = script(tmp_path, text)
    with pytest.raises(ParseError, match=complaint):
        drive(workload(lua=lua), SECOND, tmp_path, port=server.port)


def test_a_pipeline_is_noticed(server: Server, tmp_path: Path) -> None:
    """Two requests in one: fewer latencies than requests, so none is believed."""
    lua = script(
        tmp_path,
        'function request() return wrk.format("GET", "/a") .. wrk.format("GET", "/b") end',
    )
    done = drive(workload(lua=lua), SECOND, tmp_path, port=server.port)

    codes = [found.code for found in done.findings]
    assert codes == ["histogram-mismatch", "script-requests"]
    assert done.merged.latency_us is None
    assert done.merged.requests > 0


@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "slots"])
def test_a_damaged_pool_is_a_failure(server: Server, tmp_path: Path, damage: str) -> None:
    """Never something else sent instead."""
    bodies = workload(kind(method="POST", bodies=(b"a", b"b")))

    def spoil() -> None:
        pool = tmp_path / "wrk.pool"
        data = pool.read_bytes()
        if damage == "gone":
            pool.unlink()
        else:
            kept = {"empty": 0, "cut": len(data) // 30, "slots": len(data) - 20}[damage]
            pool.write_bytes(data[:kept])

    (done,) = outputs(bodies, SECOND, tmp_path, port=server.port, prepared=spoil)

    with pytest.raises(ParseError, match="pool"):
        TOOLS["wrk"].parse(done, SECOND)


def test_a_script_finds_the_files_beside_it(server: Server, tmp_path: Path) -> None:
    """A list of paths, read line by line or by a module of its own."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "list.txt").write_text("/one\n/two\n")
    (folder / "more.lua").write_text('return "/three"')
    lua = script(
        folder,
        'local paths, at = { require("more") }, 0\n'
        'for line in io.lines("list.txt") do paths[#paths + 1] = line end\n'
        'paths[#paths + 1] = assert(io.open("list.txt")):read("*l")\n'
        'function request() at = at % #paths + 1; return wrk.format("GET", paths[at]) end',
    )
    server.take_counts()
    drive(workload(lua=lua), SECOND, tmp_path, port=server.port)

    assert sorted(server.take_counts()["paths"]) == ["GET /one", "GET /three", "GET /two"]


def test_a_file_that_a_script_misses_is_named(server: Server, tmp_path: Path) -> None:
    """With the folder where it was looked for, not only as a nil value."""
    lua = script(tmp_path, 'for line in io.open("list.txt"):lines() do end')

    with pytest.raises(ParseError, match=f"{tmp_path}/list.txt: No such file"):
        drive(workload(lua=lua), SECOND, tmp_path, port=server.port)
