"""wrk's text: true values, null where it is cut, or a ParseError that quotes the place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import ParseError
from bench.loadtools import wrk_text
from bench.model.load_result import ErrorCounts
from tests.loadtools.recorded import WRK

GOOD = (WRK / "good-latency.txt").read_text()


def edited(**lines: str) -> str:
    """The good text with lines replaced, found by how they begin."""
    text = GOOD
    for name, line in lines.items():
        begins = {
            "latency": "    Latency ",
            "requests": "  73489",
            "rate": "Requests/sec",
            "half": "     50%",
        }[name]
        text = re.sub(rf"(?m)^{begins}.*$", line, text)
    return text


def test_every_value_of_a_recorded_text() -> None:
    """Units, counts, the real window, all from the text."""
    result = wrk_text.parse(GOOD)

    assert (result.tool, result.loop, result.latency_kind) == ("wrk", "closed", "service")
    assert (result.requests, result.ok, result.bytes_kind) == (73489, 73489, "wire")
    assert result.duration_s == pytest.approx(2.10, abs=0.005)
    assert result.throughput_rps == pytest.approx(34999.63, abs=0.005)
    assert result.bytes_in == round(2.80 * 1024**2)
    assert (result.status, result.histogram) == (None, None)
    assert result.errors == ErrorCounts(deadline=None, other=None)
    latency = result.latency_us
    assert latency is not None
    assert (latency.count, latency.min, latency.mean, latency.max) == (73489, None, 11840, 53990)
    assert (latency.exact, latency.source) == (False, "tool-corrected")
    assert latency.percentiles == {"50": 93, "90": 39800, "99": 49500, "99.9": None}


def test_without_the_distribution_there_are_no_percentiles() -> None:
    """`--latency` was not given."""
    latency = wrk_text.parse((WRK / "good.txt").read_text()).latency_us

    assert latency is not None
    assert set(latency.percentiles.values()) == {None}


def test_all_500_is_not_one_success() -> None:
    """wrk's rate counts them, ours does not."""
    result = wrk_text.parse((WRK / "all-500.txt").read_text())

    assert (result.requests, result.ok, result.throughput_rps) == (74195, 0, 0.0)
    assert result.errors is not None
    assert result.errors.status == 74195


def test_timeouts_leave_no_latency() -> None:
    """Zero samples print as 0.00us and -nan%."""
    result = wrk_text.parse((WRK / "timeouts.txt").read_text())

    assert (result.requests, result.ok, result.latency_us) == (40, 0, None)
    assert result.errors is not None
    assert result.errors.timeout == 40


def test_resets_are_read_errors_beside_the_requests() -> None:
    """They are no requests and take nothing from the successes."""
    result = wrk_text.parse((WRK / "resets.txt").read_text())

    assert (result.requests, result.ok) == (54788, 54788)
    assert result.errors is not None
    assert result.errors.read == 2883


def test_an_interrupted_run_is_a_result_of_its_length() -> None:
    """SIGINT after a second of thirty."""
    result = wrk_text.parse((WRK / "interrupted.txt").read_text())

    assert result.duration_s == pytest.approx(1.11, abs=0.005)


def test_minutes_are_read_finely_from_requests_and_rate() -> None:
    """`1.02m` is 61.0 s, as 2961 requests at 48.51/s say."""
    result = wrk_text.parse((WRK / "minute.txt").read_text())

    assert result.duration_s == pytest.approx(2961 / 48.51)


def test_a_rate_that_does_not_fit_the_length_is_not_used_for_it() -> None:
    """The printed length stands, the rate is made of it."""
    result = wrk_text.parse(edited(rate="Requests/sec:    123.45"))

    assert result.duration_s == 2.10
    assert result.throughput_rps == pytest.approx(73489 / 2.10)


@pytest.mark.parametrize(
    ("columns", "mean", "top"),
    [
        ("   113.61us  224.94us   6.39ms   98.09%", 113.61, 6390),
        ("     2.85us1000.00ms 999.00ms   98.09%", 2.85, 999_000),
        ("   849.00us    1.20s    50.99s    98.09%", 849, 50_990_000),
        ("     1.10m    59.00s     1.20m    98.09%", 66e6, 72e6),
        ("     0.00us    0.00us   0.00us    -nan%", 0, 0),
        ("     0.00us    0.00us   0.00us     nan%", 0, 0),
        ("     1.50h     1.00h     2.00h     1.00%", 5.4e9, 7.2e9),
    ],
)
def test_odd_units_and_touching_columns(columns: str, mean: float, top: float) -> None:
    """Every unit that wrk prints, in the column it prints."""
    latency = wrk_text.parse(edited(latency=f"    Latency{columns}")).latency_us

    assert latency is not None
    assert latency.mean == pytest.approx(mean)
    assert latency.max == pytest.approx(top)


def test_an_average_that_wrk_cuts_short_is_left_out() -> None:
    """`1000.00ms` is printed as `1000.00m`; that could be minutes."""
    line = "    Latency  1000.00m    2.00ms   1.01s    98.09%"
    latency = wrk_text.parse(edited(latency=line)).latency_us

    assert latency is not None
    assert latency.mean is None
    assert latency.max == 1_010_000


@pytest.mark.parametrize(
    ("size", "count"),
    [("0.00B", 0), ("1.50KB", 1536), ("2.00GB", 2 * 1024**3), ("1.00TB", 1024**4)],
)
def test_bytes_are_powers_of_1024(size: str, count: int) -> None:
    """As wrk prints them."""
    assert (
        wrk_text.parse(edited(requests=f"  73489 requests in 2.10s, {size} read")).bytes_in == count
    )


def test_counters_that_ran_over_are_read_as_they_were_meant() -> None:
    """wrk prints 32 bits with a sign."""
    text = GOOD.replace(
        "Requests/sec",
        "  Socket errors: connect 0, read -2, write 0, timeout 0\nRequests/sec",
    )
    errors = wrk_text.parse(text).errors

    assert errors is not None
    assert errors.read == 2**32 - 2


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ((WRK / "usage.txt").read_text(), "start is missing"),
        ((WRK / "refused.err").read_text(), "unable to connect"),
        ("{}", "start is missing"),
        (GOOD + GOOD, "several runs"),
        (edited(latency="    Latency   113.61xx  1.00us 1.00us 98.09%"), "113.61xx"),
        (edited(latency="    Latency   1.1e2us  1.00us 1.00us 98.09%"), "1.1e2us"),
        (edited(requests="  73489 requests in 2.10s, 2.80XB read"), "2.80XB"),
        (edited(requests="  -3 requests in 2.10s, 2.80MB read"), "total requests is missing"),
        (edited(rate="Requests/sec:    nan"), "nan"),
        (edited(half="     50%   ??"), "distribution"),
        (
            GOOD.replace("Latency Distribution", "Latency Distribution (HdrHistogram)"),
            "another tool",
        ),
        (GOOD.replace("Requests/sec", "  Socket errors: connect x\nRequests/sec"), "connect x"),
        (GOOD.replace("Requests/sec", "  Non-2xx or 3xx responses: ?\nRequests/sec"), "Non-2xx"),
    ],
)
def test_what_is_no_result_is_refused_with_its_place(text: str, place: str) -> None:
    """Empty, usage, refused, several, garbled, of another tool."""
    with pytest.raises(ParseError, match=re.escape(place)):
        wrk_text.parse(text)


@pytest.mark.parametrize(
    "name",
    ["good-latency", "good", "all-500", "timeouts", "hang", "resets", "slow", "minute"],
)
def test_a_text_that_is_cut_short_is_refused_at_every_byte(name: str) -> None:
    """Only the last line break may be missing."""
    text = (WRK / f"{name}.txt").read_text()
    for end in range(len(text) - 1):
        with pytest.raises(ParseError):
            wrk_text.parse(text[:end])
    assert wrk_text.parse(text[:-1]) == wrk_text.parse(text)


@given(st.text(alphabet="Latency Running 0123456789.umsk%MB/:-\n", max_size=400))
def test_any_text_is_a_result_or_a_parse_error(text: str) -> None:
    """Never another exception."""
    with pytest.raises(ParseError):
        wrk_text.parse(text)


@given(st.integers(0, len(GOOD) - 1), st.characters())
def test_one_changed_character_is_refused_or_harmless(place: int, char: str) -> None:
    """No crash, and counts that cannot be (less than nothing) never come out."""
    try:
        result = wrk_text.parse(GOOD[:place] + char + GOOD[place + 1 :])
    except ParseError:
        return

    assert 0 <= result.ok <= result.requests
    assert result.throughput_rps >= 0
