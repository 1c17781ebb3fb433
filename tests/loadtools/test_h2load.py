"""h2load: its command, what it cannot do, and its recorded outputs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bench.errors import ParseError, UsageError
from bench.loadtools import TOOLS, Recorded, Share, Target, unsupported
from bench.loadtools.merging import judged
from bench.loadtools.tool import LoadJob
from tests.loadtools.recorded import DATA, kind, output, profile, workload

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.plan import Workload

RECORDED = DATA / "h2load-1.52.0"
H2LOAD = TOOLS["h2load"]
H2 = profile(tool="h2load", protocol="h2")


def recorded(name: str) -> Recorded:
    """The log beside a text."""
    return Recorded(files={"log": RECORDED / f"{name}.log"})


def test_every_response_of_a_recorded_run() -> None:
    """Totals from the text, statuses and latencies from the log, the window as asked."""
    result = H2LOAD.read(RECORDED / "good.txt", recorded("good"))

    assert (result.requests, result.ok, result.status) == (361, 361, {"200": 361})
    assert result.duration_s == pytest.approx(0.1)
    assert result.throughput_rps == pytest.approx(3610)
    assert (result.bytes_in, result.bytes_kind) == (361 * 86, "body")
    assert (result.loop, result.latency_kind) == ("closed", "service")
    latency = result.latency_us
    assert latency is not None
    assert (latency.count, latency.exact) == (361, True)
    assert latency.max == 20630
    assert result.errors is not None
    assert result.errors.deadline == 2
    assert H2LOAD.connections(RECORDED / "good.txt") == 2
    assert H2LOAD.version.search("h2load nghttp2/1.52.0") is not None


def test_the_text_alone_has_no_latency() -> None:
    """Its own figures are of a sample."""
    result = H2LOAD.read(RECORDED / "good.txt", Recorded())

    assert (result.requests, result.status, result.latency_us) == (361, None, None)


def test_a_status_counts_where_it_is_expected() -> None:
    """h2load calls a 404 failed; `expect` decides."""
    result = H2LOAD.read(RECORDED / "all-404.txt", recorded("all-404"))

    assert (result.requests, result.ok) == (169, 0)
    assert judged(result, {404}).ok == 169
    assert judged(result, {200}).ok == 0


def test_nobody_there_is_a_result_without_requests() -> None:
    """h2load exits 0 and prints zeros."""
    result = H2LOAD.read(RECORDED / "refused.txt", recorded("refused"))

    assert (result.requests, result.ok, result.throughput_rps) == (0, 0, 0.0)


def test_parts_of_unlike_runs_and_other_texts_are_refused(tmp_path: Path) -> None:
    """Each with what was found there."""
    with pytest.raises(ParseError, match="not of one run"):
        H2LOAD.read(RECORDED / "good.txt", recorded("all-404"))
    wrong = tmp_path / "wrong"
    wrong.write_text("Usage: h2load [OPTIONS]... [URI]...\n")
    with pytest.raises(ParseError, match="not what h2load prints"):
        H2LOAD.read(wrong, Recorded())
    with pytest.raises(ParseError, match="not a log of h2load"):
        H2LOAD.read(RECORDED / "good.txt", Recorded(files={"log": wrong}))
    with pytest.raises(UsageError, match="closed loop"):
        H2LOAD.read(RECORDED / "good.txt", Recorded(loop="open"))
    with pytest.raises(ParseError, match="exited with 1"):
        H2LOAD.parse(output(tmp_path, rc=1), H2)


def test_the_command_sends_one_request_over_and_over(tmp_path: Path) -> None:
    """One request under way per connection, the method among the headers, the body from a file."""
    asked = workload(kind(method="PUT", path="/x", bodies=(b"{}",), headers={"Accept": "*/*"}))
    target = Target("127.0.0.1", 9, "h2", "/trust.pem")
    command = H2LOAD.command(LoadJob(target, asked, H2, tmp_path), Share(), tmp_path, 1.5)

    line = " ".join(command.argv)
    assert line.startswith("h2load -t1 -m1 -c20 -D 1500ms --log-file=h2load.log")
    assert "-H :method: PUT -H accept: */*" in line
    assert line.endswith("h2load.body https://127.0.0.1:9/x")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (workload(kind(), kind(path="/b")), "one kind of request"),
        (workload(kind(bodies=(b"a", b"b"))), "GET /ok varies"),
        (workload(lua="/x.lua"), "Lua"),
    ],
)
def test_what_varies_is_ohas(asked: Workload, words: str) -> None:
    """Said when planning."""
    assert re.search(words, unsupported(H2, asked) or "")


def test_it_has_no_open_loop_and_no_http1() -> None:
    """Its pacing is bursts of 10 ms."""
    paced = H2.model_copy(update={"loop": "open", "rate_rps": 10.0})

    assert "no rate control" in (unsupported(paced, workload()) or "")
    assert "does not speak https" in (
        unsupported(H2.model_copy(update={"protocol": "https"}), workload()) or ""
    )
