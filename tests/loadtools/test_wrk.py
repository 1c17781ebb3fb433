"""wrk: what it cannot do, its command, and reading kept output."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

import bench
from bench.errors import ParseError, ToolMissingError, UsageError
from bench.loadtools import TOOLS, Recorded, Share, Target, unsupported
from bench.loadtools.tool import LoadJob, shipped, too_old
from tests.loadtools.recorded import WRK as DATA
from tests.loadtools.recorded import kind, output, profile, workload

WRK = TOOLS["wrk"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"loop": "open", "rate_rps": 10.0}, "rate control"),
        ({"duration_s": 0.5}, "duration is whole seconds, not 0.5s: use tool: oha"),
        ({"warmup_s": 1.5}, "warmup is whole seconds, not 1.5s: use tool: oha"),
        ({"timeout_s": 0.2}, "timeout is whole seconds"),
    ],
)
def test_what_wrk_cannot_do_has_a_reason(changes: dict[str, object], reason: str) -> None:
    """Found when planning; names the tool that can."""
    assert reason in (unsupported(profile(**changes), workload()) or "")


def test_wrk_does_any_mix_and_scripts() -> None:
    """Several kinds, values and bodies at once, Lua."""
    mixed = workload(kind(), kind(bodies=(b"a", b"b")), lua="/x.lua")

    assert unsupported(profile(warmup_s=0.0), mixed) is None


def test_the_command_can_be_read_off(tmp_path: Path) -> None:
    """Whole seconds, one thread, our script, where the result goes."""
    asked = workload(lua="/u/custom.lua"), profile(connections=7)
    job = LoadJob(Target("127.0.0.1", 8000), *asked, tmp_path / "shared")
    command = WRK.command(job, Share(index=3, count=4, seed=42), tmp_path, 2.0)

    assert command.argv[:6] == ("wrk", "-t1", "-c7", "-d2s", "--timeout", "10s")
    assert command.argv[6] == "-s"
    assert command.argv[7].endswith("/bench.lua")
    assert command.argv[8] == "http://127.0.0.1:8000/"
    assert command.env["BENCH_SEED"] == "42"
    assert command.env["BENCH_POOL"] == str(tmp_path / "shared" / "wrk.pool")
    assert command.env["BENCH_USER_LUA"] == "/u/custom.lua"
    assert (command.stdout.name, command.stderr and command.stderr.name) == (
        "stdout.txt",
        "stderr.txt",
    )


def test_the_pool_file_holds_lengths_and_slots(tmp_path: Path) -> None:
    """As bench.lua reads it."""
    body = kind(method="POST", path="/b", bodies=(b"x\ny",), weight=2)
    job = LoadJob(Target("h", 1), workload(kind(), body), profile(), tmp_path)
    WRK.prepare(job, random.Random(1))
    head, rest = (tmp_path / "wrk.pool").read_bytes().split(b"\n", 1)
    name, version, requests, slots = head.split()

    assert (name, version, requests) == (b"bench-pool", b"1", b"2")
    first = b"GET /ok HTTP/1.1\r\nHost: h:1\r\n\r\n"
    assert rest.startswith(b"0 %d\n%s\n1 " % (len(first), first))
    assert len(rest.splitlines()[-1].split()) == int(slots)


def test_the_script_is_found_beside_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a wheel it lies inside the package; in neither place is an error."""
    package = tmp_path / "site" / "bench"
    (package / "_data" / "lua").mkdir(parents=True)
    monkeypatch.setattr(bench, "__file__", str(package / "__init__.py"))
    with pytest.raises(ToolMissingError, match=r"bench\.lua"):
        shipped("lua", "bench.lua")

    (package / "_data" / "lua" / "bench.lua").write_text("")

    assert shipped("lua", "bench.lua") == package / "_data" / "lua" / "bench.lua"


def test_the_script_is_found_in_a_checkout() -> None:
    """scripts/lua/bench.lua."""
    assert shipped("lua", "bench.lua") == Path(bench.__file__).parents[1] / "scripts/lua/bench.lua"


def test_a_trials_result_is_the_raw_histogram(tmp_path: Path) -> None:
    """As bench.lua wrote it."""
    shutil.copy(DATA / "good.detail.json", tmp_path / "wrk.json")
    result = WRK.parse(output(tmp_path), profile(connections=20))

    assert result.latency_us is not None
    assert result.latency_us.exact


@pytest.mark.parametrize(
    ("rc", "stderr", "text"),
    [
        (1, "unable to connect to 127.0.0.1:1 Connection refused\n", "unable to connect"),
        (0, "x.lua: cannot open x.lua\nx.lua: cannot open x.lua\n", "'x.lua: cannot open x.lua'"),
        (-9, "", "exited with -9"),
    ],
)
def test_a_failure_is_told_with_what_wrk_said(
    tmp_path: Path, rc: int, stderr: str, text: str
) -> None:
    """Its exit code alone says little: a missing script is 0, and each line comes twice."""
    shutil.copy(DATA / "good.detail.json", tmp_path / "wrk.json")
    with pytest.raises(ParseError, match=text):
        WRK.parse(output(tmp_path, rc=rc, stderr=stderr), profile())


@pytest.mark.parametrize(
    ("version", "good"),
    [("4.1.0", True), ("4.2.0", True), ("3.1.2", False), ("4.0.2", False), (None, True)],
)
def test_only_wrk_from_4_1_on_is_used(version: str | None, *, good: bool) -> None:
    """One minimum, for setup, doctor and run; a build of one's own that tells none is trusted."""
    assert (too_old(WRK, version) is None) is good


def test_kept_text_and_detail_give_the_exact_result() -> None:
    """The text tells the connections."""
    recorded = Recorded({"detail": DATA / "good.detail.json"})
    latency = WRK.read(DATA / "good.detail.txt", recorded).latency_us

    assert latency is not None
    assert latency.exact


def test_kept_text_alone_is_read() -> None:
    """With wrk's own latencies."""
    assert WRK.read(DATA / "good.txt", Recorded(loop="closed")).requests == 50626


@pytest.mark.parametrize(
    ("file", "recorded", "text"),
    [
        ("good.txt", Recorded({"detail": DATA / "good.detail.json"}), "not of one run"),
        (
            "good.detail.txt",
            Recorded({"detail": DATA / "good.detail.json"}, connections=9),
            "9 connections",
        ),
        ("good.txt", Recorded({"detail": DATA / "absent.json"}), "cannot be read"),
    ],
)
def test_parts_of_unlike_runs_are_refused(file: str, recorded: Recorded, text: str) -> None:
    """Or with other connections than it was."""
    with pytest.raises(ParseError, match=text):
        WRK.read(DATA / file, recorded)


@pytest.mark.parametrize(
    "recorded",
    [Recorded({"db": DATA / "x"}), Recorded({"csv": DATA / "x"}), Recorded(loop="open")],
)
def test_what_wrk_does_not_write_is_a_usage_error(recorded: Recorded) -> None:
    """--db, --csv and an open loop are oha's."""
    with pytest.raises(UsageError):
        WRK.read(DATA / "good.txt", recorded)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """It would fill the memory."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**28 + 1)
    with pytest.raises(ParseError, match="too large"):
        WRK.read(tmp_path / "huge", Recorded())


def test_wrk_cannot_read_answers_to_head() -> None:
    """It waits for a body that never comes; oha does not."""
    asked = workload(kind(), kind(method="HEAD"))

    assert "HEAD" in (WRK.unsupported(profile(), asked) or "")
    assert TOOLS["oha"].unsupported(profile(tool="oha"), workload(kind(method="HEAD"))) is None


def test_a_script_leaves_no_place_to_count_statuses() -> None:
    """wrk itself tells only which are above 399; our script counts them where there is no other."""
    missing = kind(expect={"status": 404})

    assert WRK.unsupported(profile(), workload(kind(), missing)) is None
    refused = WRK.unsupported(profile(), workload(missing, lua="/x.lua")) or ""
    assert "404 is expected" in refused
    assert "tool: oha" in refused
    assert TOOLS["oha"].unsupported(profile(tool="oha"), workload(missing)) is None
