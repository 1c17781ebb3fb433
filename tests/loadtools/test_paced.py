"""paced as a load tool: its command, its pool, its document, what it refuses."""

from __future__ import annotations

import json
import random
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import ParseError, UsageError
from bench.loadtools import TOOLS, Recorded, Share, Target, paced_histograms, unsupported
from bench.loadtools.merging import merge, shares
from bench.loadtools.tool import LoadJob
from bench.model.workload_config import Expect
from bench.stats.histogram import Histogram
from tests.loadtools.recorded import kind, output, profile, workload

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.plan import LoadProfile

PACED = TOOLS["paced"]
TIMES = {
    "count": 0, "sum_ns": 0, "min_ns": 0, "max_ns": 0, "p50_us": 0, "p90_us": 0, "p99_us": 0,
    "p99_9_us": 0,
}  # fmt: skip


def asked(**changes: Any) -> LoadProfile:
    return profile(**{"tool": "paced", "loop": "open", "rate_rps": 1000.0, **changes})


def document(*, ok: int = 100, left: int = 0, wrong: int = 0, **parts: Any) -> dict[str, Any]:
    """Of one process that sent evenly for a second."""
    errors = parts.pop("errors", {})
    done = ok + wrong
    sent = done + sum(errors.values())
    data: dict[str, Any] = {
        "format": "paced 1",
        "version": "1",
        "ended": "complete",
        "schedule": {
            "arrivals": "even", "rate": 1000.0, "seed": 1, "process": 0, "processes": 1,
            "start_ns": 10**9, "window_ns": 10**9, "end_ns": 2 * 10**9,
        },
        "settings": {"connections": 8, "spin_us": 20},
        "requests": {
            "due": sent + left, "sent": sent, "sent_from_queue": 0, "completed": done, "ok": ok,
            "left_in_queue": left, "left_in_flight": 0,
        },
        "status": {"200": ok, **({"404": wrong} if wrong else {})},
        "wrong_status": wrong,
        "wrong_length": 0,
        "errors": errors,
        "kinds": [{"sent": sent}],
        "bytes": {"in_body": 2 * done},
        "connections": {"unsolicited": 0},
        "backlog": {
            "queue_most": 0, "end_in_queue": left, "end_in_flight": 0,
            "first_completed_ns": 10**9, "last_completed_ns": 2 * 10**9,
        },
        "cpu": {"over_ns": 10**9},
        "response": {**TIMES, "count": ok},
        "lateness_free": TIMES,
        "lateness_queued": TIMES,
        "arrivals": {"intervals": 0, "off_by_a_tenth": 0, "distance": 0.0},
        "series": {"step_ms": 100, "sent": [sent], "completed": [done], "response_sum_ns": [done]},
    }  # fmt: skip
    return {**data, **parts}


def binary(*counts: dict[int, int]) -> bytes:
    given = [*counts, *[{}] * 8][:8]
    parts = [b"paced-h1"]
    for name, pairs in zip(paced_histograms.PacedHistograms._fields, given, strict=True):
        numbers = array("Q", [n for pair in sorted(pairs.items()) for n in pair])
        parts += [name.encode().ljust(16, b"\0"), array("Q", [len(pairs)]).tobytes()]
        parts.append(numbers.tobytes())
    return b"".join(parts)


def left(folder: Path, data: dict[str, Any] | str, histograms: bytes, rc: int = 0) -> Any:
    (folder / "paced.json").write_text(data if isinstance(data, str) else json.dumps(data))
    (folder / "paced.bin").write_bytes(histograms)
    return output(folder, rc=rc)


def test_histograms_of_an_earlier_paced_are_read() -> None:
    """They end before the times to the first byte, which are then not known."""
    data = binary({7: 1})
    earlier = paced_histograms.decode(data.removesuffix(b"first_byte" + bytes(14)))

    assert earlier == paced_histograms.decode(data)
    assert earlier.first_byte.count == 0
    with pytest.raises(ParseError, match="end before first_byte"):
        paced_histograms.decode(data[:-1])


def test_processes_walk_one_schedule(tmp_path: Path) -> None:
    """The rate of all of them, whose share it is, when it begins, and the seed of the round."""
    whole = asked(rate_rps=3000.0, processes=3, connections=8, arrivals="even")
    parts = shares(whole, workload())
    target = Target("127.0.0.1", 80)
    argvs = [
        PACED.command(
            LoadJob(target, workload(), part, tmp_path),
            Share(index, 3, 100 + index, 12.5, 77),
            tmp_path,
            2.0,
        ).argv
        for index, part in enumerate(parts)
    ]
    options = [dict(zip(argv[1::2], argv[2::2], strict=True)) for argv in argvs]

    assert [each["--process"] for each in options] == ["0/3", "1/3", "2/3"]
    assert sum(int(each["--connections"]) for each in options) == 8
    for each in options:
        assert float(each["--rate"]) == pytest.approx(3000)
        assert (each["--seed"], each["--start"]) == ("77", "12500000000")
        assert (each["--arrivals"], each["--duration"]) == ("even", "2")


def test_the_pool_says_what_is_expected(tmp_path: Path) -> None:
    """A text by its length, an error by its status, JSON for being there, HEAD without a body."""
    kinds = (
        kind(expect=Expect.model_validate({"text": "h\u00e9"})),
        kind(expect=Expect.model_validate({"status": 404})),
        kind(expect=Expect.model_validate({"json": {"a": 1}})),
        kind(method="HEAD"),
    )
    PACED.prepare(LoadJob(Target("h", 1), workload(*kinds), asked(), tmp_path), random.Random(1))
    lines = (tmp_path / "paced.pool").read_bytes().split(b"\n")
    words = [line.split()[:5] for line in lines if line[:2] in (b"0 ", b"1 ", b"2 ", b"3 ")]

    assert [b" ".join(each).decode() for each in words[:4]] == [
        "0 - - 3 3", "1 - 404 - -", "2 - - 1 -", "3 head - - -",
    ]  # fmt: skip


def test_a_window_adds_up(tmp_path: Path) -> None:
    """Counts, rate, kinds of error, and what its histograms say; two processes are their sum."""
    data = document(ok=95, wrong=2, errors={"timeout": 1, "chunk": 3, "reset": 2})
    one = PACED.parse(left(tmp_path, data, binary({100: 50, 300: 45}, {90: 95})), asked())

    assert (one.requests, one.ok, one.throughput_rps, one.bytes_in) == (97, 95, 95.0, 194)
    assert one.errors
    assert (one.errors.timeout, one.errors.read, one.errors.other, one.errors.status) == (
        1,
        2,
        3,
        2,
    )
    assert one.latency_us
    assert one.latency_us.percentiles["50"] == 100
    assert one.pacing
    assert one.pacing.failures == {"timeout": 1, "chunk": 3, "reset": 2}
    both, _ = merge([one, one])
    assert both.pacing
    assert both.pacing.due == 2 * one.pacing.due == 206
    assert isinstance(both.pacing.service, Histogram)
    assert both.pacing.service.pairs() == [(90, 190)]


def test_a_rate_beyond_the_server_makes_the_window_longer(tmp_path: Path) -> None:
    """What waits at the end is answered afterwards, or ranks above all that was."""
    backlog = {
        "queue_most": 50, "end_in_queue": 50, "end_in_flight": 0,
        "first_completed_ns": 10**9, "last_completed_ns": 3 * 10**9,
    }  # fmt: skip
    data = document(ok=60, left=40, backlog=backlog)
    found = PACED.parse(left(tmp_path, data, binary({100: 60})), asked())

    assert found.duration_s == pytest.approx(2 * 60 / 59)
    assert found.throughput_rps == pytest.approx(29.5, rel=0.01)
    assert found.latency_us
    assert found.latency_us.percentiles["50"] == 100
    assert found.latency_us.percentiles["90"] is None


def test_what_ends_by_a_signal_is_read(tmp_path: Path) -> None:
    """The window is as long as it lasted; any other failure is refused."""
    data = document(ended="interrupted", cpu={"over_ns": 4 * 10**8})
    ended = PACED.parse(left(tmp_path, data, binary({100: 100}), rc=130), asked())

    assert ended.duration_s == pytest.approx(0.4)
    with pytest.raises(ParseError, match="exited with 2"):
        PACED.parse(left(tmp_path, data, binary({100: 100}), rc=2), asked())


GOOD = binary({100: 100})
HOSTILE: dict[str, tuple[Any, bytes, str]] = {
    "empty": ("", GOOD, "not what paced writes"),
    "cut": (json.dumps(document())[:300], GOOD, "not what paced writes"),
    "another format": (document(format="paced 2"), GOOD, "format"),
    "negative": (document(wrong_status=-1), GOOD, "wrong_status"),
    "sums": (document(status={"200": 99}), GOOD, "contradict"),
    "no histograms": (document(), b"", "not the histograms of paced"),
    "cut histograms": (document(), GOOD[:40], "damaged at response"),
    "half of them": (document(), GOOD[:50], "end before service"),
    "of another run": (document(), binary({100: 99}), "not of one run"),
    "descending": (document(), GOOD[:32] + array("Q", [2**63, 1]).tobytes() + GOOD[48:], "damaged"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_result_is_refused(tmp_path: Path, name: str) -> None:
    """Never a traceback, never half a result."""
    data, histograms, words = HOSTILE[name]
    with pytest.raises(ParseError, match=words):
        PACED.parse(left(tmp_path, data, histograms), asked())


def test_kept_output_is_read_again(tmp_path: Path) -> None:
    """`bench parse`: its own percentiles alone, every response with the histograms."""
    times = {
        **TIMES,
        "count": 100,
        "sum_ns": 10**7,
        "min_ns": 10**5,
        "max_ns": 10**5,
        "p50_us": 100,
    }
    left(tmp_path, document(response=times), GOOD)
    file, more = tmp_path / "paced.json", {"exact": tmp_path / "paced.bin"}

    alone, whole = PACED.read(file, Recorded()), PACED.read(file, Recorded(more))
    assert alone.latency_us
    assert whole.latency_us
    assert (alone.latency_us.exact, whole.latency_us.exact) == (False, True)
    assert alone.latency_us.percentiles["50"] == whole.latency_us.percentiles["50"] == 100
    assert PACED.connections(file) == 8
    with pytest.raises(UsageError, match="no closed loop"):
        PACED.read(file, Recorded(loop="closed"))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "closed": ({"loop": "closed", "rate_rps": None}, "closed loop"),
    "beyond its connections": ({"rate_rps": 2e6, "connections": 20}, "20 connections can carry"),
    "not one request": ({"rate_rps": 0.4}, "less than one request in a window of 2s"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_cannot_do_is_told_when_planned(name: str) -> None:
    """With the figures that decide it."""
    changes, words = REFUSED[name]
    assert words in (unsupported(asked(**changes), workload()) or "")
    assert unsupported(asked(), workload()) is None


def test_what_only_wrk_can_send_is_told_when_planned() -> None:
    """A Lua script in an open loop: both ways out are named."""
    reason = unsupported(asked(), workload(lua="/x.lua"))

    assert reason is not None
    assert "loop: closed" in reason
    assert "Lua" in reason


def test_arrivals_are_a_choice_of_paced_alone() -> None:
    """oha has a pace of its own."""
    wrong = profile(tool="oha", loop="open", rate_rps=10.0, arrivals="poisson")
    assert unsupported(wrong, workload()) == (
        "oha has no choice of arrivals: use tool: paced, or remove arrivals"
    )
