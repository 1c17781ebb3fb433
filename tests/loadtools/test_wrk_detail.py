"""What bench.lua wrote comes back as recorded: correction undone, checked, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.errors import ParseError
from bench.loadtools import wrk_detail
from bench.reports.wording.findings import in_words as told
from bench.stats.histogram import Histogram
from tests.loadtools.recorded import WRK
from tests.stats.correction import correct

CONNECTIONS = 20


def detail(**changes: Any) -> bytes:
    base = json.loads((WRK / "good.detail.json").read_bytes())
    return json.dumps({**base, **changes}).encode()


def test_a_recorded_histogram_is_exact() -> None:
    """Sum, least and greatest are wrk's own counters; 1 % of responses were 50 ms late."""
    data = json.loads((WRK / "good.detail.json").read_bytes())
    result = wrk_detail.parse(detail(), connections=CONNECTIONS)

    assert result.findings == ()
    assert result.requests == result.ok == data["requests"] == 75963
    latency = result.latency_us
    assert latency is not None
    assert (latency.exact, latency.source) == (True, "raw")
    assert (latency.count, latency.min, latency.max) == (75963, 13, 53799)
    assert isinstance(result.histogram, Histogram)
    assert result.histogram.count == 75963
    assert latency.percentiles["50"] == 53
    assert 50_000 <= (latency.percentiles["99.9"] or 0) <= 55_000


def test_the_recorded_correction_is_undone_bit_by_bit() -> None:
    """Corrected once more it is what wrk showed."""
    data = json.loads((WRK / "good.detail.json").read_bytes())
    result = wrk_detail.parse(detail(), connections=CONNECTIONS)
    interval = data["duration_us"] // (data["requests"] // CONNECTIONS)
    shown = dict(data["histogram"])

    assert sum(shown.values()) > data["requests"]
    assert result.histogram is not None
    assert correct(dict(result.histogram.pairs()), interval) == shown


def test_duration_and_rate_are_those_of_the_real_window() -> None:
    """2.1 s, not the 2 s asked for."""
    result = wrk_detail.parse(detail(), connections=CONNECTIONS)

    assert result.duration_s == 2.100087
    assert result.throughput_rps == pytest.approx(75963 / 2.100087)


def test_statuses_are_errors_and_kinds_are_counted() -> None:
    """A quarter of the mix was a 500; wrk counts it as a request."""
    result = wrk_detail.parse((WRK / "mixed.detail.json").read_bytes(), connections=10)

    assert result.errors is not None
    assert result.errors.status == 26750
    assert result.ok == result.requests - 26750
    assert result.sent is not None
    assert result.sent[0] == pytest.approx(3 * result.sent[1], rel=0.05)


def test_timeouts_are_no_successes() -> None:
    """All 40 responses came too late: no latency, nothing ok."""
    result = wrk_detail.parse((WRK / "timeouts.detail.json").read_bytes(), connections=20)

    assert (result.requests, result.ok, result.throughput_rps) == (40, 0, 0.0)
    assert result.latency_us is None
    assert result.findings == ()


def test_nothing_answered_is_a_result() -> None:
    """Zero requests, no latency, no error: wrk counts timeouts only of late responses."""
    result = wrk_detail.parse((WRK / "empty.detail.json").read_bytes(), connections=5)

    assert (result.requests, result.histogram, result.latency_us) == (0, Histogram.of({}), None)


def test_more_errors_than_requests_never_make_a_negative_count() -> None:
    """A late 500 is counted in both."""
    errors = {"connect": 0, "read": 0, "write": 0, "status": 40, "timeout": 40}
    data = json.loads((WRK / "timeouts.detail.json").read_bytes())
    result = wrk_detail.parse(json.dumps({**data, "errors": errors}).encode(), connections=20)

    assert result.ok == 0


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"requests": 75962}, "75963 samples|cannot be undone"),
        ({"duration_us": 900_000}, "cannot be undone"),
        ({"latency": {"min": 12, "max": 53799, "mean": 1.0, "stdev": 1.0}}, "spans 13 to 53799"),
        ({"latency": None}, "wrk says nothing"),
        ({"histogram": []}, "no latency was recorded for 75963"),
    ],
)
def test_disagreement_is_a_finding_without_latency(changes: dict[str, Any], text: str) -> None:
    """Never a silent fallback to wrk's own figures."""
    result = wrk_detail.parse(detail(**changes), connections=CONNECTIONS)

    assert result.latency_us is None
    assert result.histogram is None
    (found,) = result.findings
    assert found.code == "histogram-mismatch"
    assert any(part in told(found).text for part in text.split("|"))


def test_other_connections_than_wrks_are_noticed() -> None:
    """The interval of the correction depends on them."""
    assert wrk_detail.parse(detail(), connections=50).findings


def test_fewer_requests_than_connections_were_never_corrected() -> None:
    """wrk corrects only from one request per connection on."""
    small = detail(
        requests=2,
        histogram=[[100, 1], [90_000, 1]],
        latency={"min": 100, "max": 90_000, "mean": 1.0, "stdev": 1.0},
    )
    result = wrk_detail.parse(small, connections=20)

    assert result.histogram == Histogram.of({100: 1, 90_000: 1})
    assert result.findings == ()


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", "not JSON"),
        (b'{"format":"bench-wrk"', "not JSON"),
        (b"[]", "the whole"),
        (b'{"format":"other"}', "format"),
        (detail(requests=-1), "requests"),
        (detail(requests="7"), "requests"),
        (detail(bytes=1.5), "bytes"),
        (detail(errors={}), "errors"),
        (detail(version=2), "version"),
        (detail(extra=1), "extra"),
        (detail(histogram=[[1, 2, 3]]), "ascending pairs"),
        (detail(histogram=[[5, 1], [5, 1]]), "ascending pairs"),
        (detail(histogram=[[5, 0]]), "ascending pairs"),
    ],
)
def test_what_bench_lua_does_not_write_is_refused(data: bytes, place: str) -> None:
    """The message names the key."""
    with pytest.raises(ParseError, match=place):
        wrk_detail.parse(data, connections=20)


@pytest.mark.parametrize("name", ["good", "timeouts", "empty", "mixed"])
def test_a_result_that_is_cut_short_is_refused_at_every_byte(name: str) -> None:
    """Nothing is guessed from half a file; all but the last line break is needed."""
    data = (WRK / f"{name}.detail.json").read_bytes()
    step = max(1, len(data) // 500)
    for end in (*range(0, len(data) - 2, step), len(data) - 2):
        with pytest.raises(ParseError):
            wrk_detail.parse(data[:end], connections=20)
