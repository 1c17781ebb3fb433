"""oha's JSON, new and old: counts by status and kind of error, nulls, nothing guessed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import ParseError
from bench.loadtools import oha_json, oha_result
from tests.loadtools.recorded import OHA, OLD_OHA

if TYPE_CHECKING:
    from bench.model.load_result import LoadResult

GOOD = (OHA / "good.json").read_text()
ALL = sorted([*OHA.glob("*.json"), *OLD_OHA.glob("*.json")])


def parsed(name: str, *, old: bool = False) -> LoadResult:
    text = ((OLD_OHA if old else OHA) / f"{name}.json").read_text()
    return oha_result.build(oha_json.read(text), None, loop=None)


def edited(**changes: Any) -> str:
    value = json.loads(GOOD)
    for path, new in changes.items():
        *parents, key = path.split("__")
        place = value
        for parent in parents:
            place = place[parent]
        if new is ...:
            del place[key]
        else:
            place[key] = new
    return json.dumps(value)


def test_every_value_of_a_recorded_report() -> None:
    """Percentiles are oha's own, so they are not exact."""
    result = parsed("good")
    summary = json.loads(GOOD)["summary"]

    assert (result.tool, result.loop, result.latency_kind) == ("oha", None, None)
    assert (result.requests, result.ok, result.status) == (2000, 2000, {"200": 2000})
    assert result.duration_s == summary["total"]
    assert result.throughput_rps == 2000 / summary["total"]
    assert (result.bytes_in, result.bytes_kind) == (4000, "body")
    latency = result.latency_us
    assert latency is not None
    assert (latency.count, latency.exact, latency.source) == (2000, False, "raw")
    assert latency.min == pytest.approx(summary["fastest"] * 1e6)
    assert latency.mean == pytest.approx(summary["average"] * 1e6)
    assert latency.max == pytest.approx(summary["slowest"] * 1e6)
    assert latency.percentiles["50"] == pytest.approx(35.469)
    assert latency.percentiles["99.9"] is None


def test_a_500_is_no_success() -> None:
    """oha says successRate 1.0."""
    for old in (False, True):
        result = parsed("all-500", old=old)

        assert (result.requests, result.ok, result.throughput_rps) == (300, 0, 0.0)
        assert result.status == {"500": 300}
        assert result.errors is not None
        assert result.errors.status == 300


def test_requests_cut_off_at_the_end_are_no_errors_and_no_requests() -> None:
    """They stand in `deadline`, and the rate is without them."""
    result = parsed("closed")

    assert result.errors is not None
    assert (result.errors.deadline, result.errors.other, result.errors.timeout) == (5, 0, 0)
    assert result.throughput_rps == pytest.approx(result.requests / result.duration_s)


@pytest.mark.parametrize("old", [False, True])
def test_refused_connections_are_no_rate(*, old: bool) -> None:
    """oha prints tens of thousands of requests per second."""
    result = parsed("refused", old=old)

    assert (result.requests, result.throughput_rps, result.latency_us) == (0, 0.0, None)
    assert result.errors is not None
    assert result.errors.connect == 200


@pytest.mark.parametrize("old", [False, True])
def test_timeouts_stand_apart_from_what_was_cut_off(*, old: bool) -> None:
    """20 timed out, 10 were under way at the end."""
    errors = parsed("timeouts", old=old).errors

    assert errors is not None
    assert (errors.timeout, errors.deadline) == (20, 10)


def test_timeouts_take_away_the_percentiles_they_would_move() -> None:
    """1 % timed out: oha's p99 is that of the others, and is not shown."""
    latency = parsed("some-timeouts").latency_us

    assert latency is not None
    assert latency.percentiles["50"] is not None
    assert latency.percentiles["99"] is None


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Connection refused (os error 111)", "connect"),
        ("Network is unreachable (os error 101)", "connect"),
        ("connection closed before message completed", "read"),
        ("Connection reset by peer (os error 104)", "read"),
        ("Broken pipe (os error 32)", "read"),
        ("timeout", "timeout"),
        ("aborted due to deadline", "deadline"),
        ("Too many open files (os error 24)", "other"),
    ],
)
def test_messages_fall_into_kinds(message: str, kind: str) -> None:
    """By what they contain."""
    assert oha_json.error_kind(message) == kind


def test_an_average_may_be_off_by_its_last_digit() -> None:
    """Equal latencies: oha's mean is a rounded sum."""
    text = edited(summary__fastest=0.1, summary__slowest=0.1, summary__average=0.10000000000000003)

    assert oha_json.read(text).average_s == pytest.approx(0.1)


def test_missing_percentiles_are_null() -> None:
    """What a version does not tell is not there."""
    text = edited(latencyPercentiles={"p50": None})
    latency = oha_result.build(oha_json.read(text), None, loop=None).latency_us

    assert latency is not None
    assert set(latency.percentiles.values()) == {None}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "empty"),
        ("Summary:\n  Success rate: 100%", "not JSON"),
        ((OHA / "text.txt").read_text(), "not JSON"),
        ((OHA / "usage.err").read_text(), "not JSON"),
        ((OHA / "unknown-host.err").read_text(), "not JSON"),
        ((OHA / "good.csv").read_text(), "not JSON"),
        ("[]", "the whole is not an object"),
        ("{}", "summary is missing"),
        ('{"summary": 3}', "summary is not an object"),
        (edited(summary__total=...), "summary.total is missing"),
        (edited(summary__total=None), "summary.total is null"),
        (edited(summary__total="2"), "not a length of time"),
        (edited(summary__total=-1), "not a length of time"),
        (edited(summary__total=True), "not a length of time"),
        (edited(summary__totalData=1.5), "summary.totalData of oha is not a count"),
        (edited(summary__totalData=None), "is not a count"),
        (edited(summary__fastest=None), "gives no latency"),
        (edited(summary__fastest=99.0), "contradict"),
        (edited(statusCodeDistribution=...), "statusCodeDistribution is missing"),
        (edited(statusCodeDistribution=[1]), "statusCodeDistribution is not an object"),
        (edited(statusCodeDistribution={"200": -1}), "statusCodeDistribution.200"),
        (edited(statusCodeDistribution={"2xx": 1}), "not a status: '2xx'"),
        (edited(errorDistribution={"timeout": "1"}), "errorDistribution.timeout"),
        (edited(latencyPercentiles={"p50": "x"}), "latencyPercentiles.p50"),
    ],
)
def test_what_is_no_report_is_refused_with_its_place(text: str, place: str) -> None:
    """Text, CSV, usage, wrong types, contradictions."""
    with pytest.raises(ParseError, match=place):
        oha_json.read(text)


@pytest.mark.parametrize("file", ALL, ids=[f"{p.parent.name}/{p.stem}" for p in ALL])
def test_a_report_that_is_cut_short_is_refused_at_every_byte(file: Any) -> None:
    """Nothing is read from half a report."""
    text = file.read_text().rstrip()
    for end in range(len(text)):
        with pytest.raises(ParseError):
            oha_json.read(text[:end])
    oha_json.read(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "summary",
        "summary__total",
        "summary__fastest",
        "summary__average",
        "summary__totalData",
        "statusCodeDistribution",
        "errorDistribution",
        "latencyPercentiles",
        "latencyPercentiles__p50",
    ]
)


@given(KEYS, JSON)
def test_any_value_in_any_place_is_refused_or_read(key: str, value: Any) -> None:
    """Never another exception, never a negative count or rate."""
    try:
        result = oha_result.build(oha_json.read(edited(**{key: value})), None, loop="closed")
    except ParseError:
        return

    assert 0 <= result.ok <= result.requests
    assert result.throughput_rps >= 0


@given(st.text(max_size=200))
def test_any_text_is_refused(text: str) -> None:
    """It would have to be a report by chance."""
    with pytest.raises(ParseError):
        oha_json.read(text)
