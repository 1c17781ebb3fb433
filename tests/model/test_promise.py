"""A promise about response times is read as it is written, or refused with what is wrong."""

from __future__ import annotations

import pytest

from bench.model.promise import parse_promise


@pytest.mark.parametrize(
    ("text", "measure", "limit_us", "percent", "again"),
    [
        ("p99<10ms", "p99", 10_000, 99.0, "p99<10ms"),
        (" P99.9 < 1.5s ", "p99.9", 1_500_000, 99.9, "p99.9<1.5s"),
        ("mean<500us", "mean", 500, None, "mean<500us"),
        ("max<2m", "max", 120_000_000, 100.0, "max<2m"),
        ("p50<250us", "p50", 250, 50.0, "p50<250us"),
    ],
)
def test_a_promise_is_read(
    text: str, measure: str, limit_us: float, percent: float | None, again: str
) -> None:
    """Measure, limit and percentile; written again it is the shortest form."""
    promise = parse_promise(text)

    assert (promise.measure, promise.percent, promise.text) == (measure, percent, again)
    assert promise.limit_us == pytest.approx(limit_us)
    assert parse_promise(promise.text) == promise


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "such as p99<10ms"),
        ("p99", "such as p99<10ms"),
        ("p98<10ms", "p98 is not one of p50, p90"),
        ("p99>10ms", "write p99<10ms"),
        ("p99<=10ms", "write p99<10ms"),
        ("p99<10", "10 is not a duration"),
        ("p99<10 ms", "such as p99<10ms"),
        ("p99<5us", "nothing can keep p99<5us"),
        ("p99<0ms", "nothing can keep"),
        (f"p99<{'9' * 60}s", "such as p99<10ms"),
        (5, "such as p99<10ms"),
    ],
)
def test_what_is_none_is_refused(text: object, said: str) -> None:
    """The message says what was expected, and which part is wrong."""
    with pytest.raises(ValueError, match=r"promise|nothing can keep") as error:
        parse_promise(text)

    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "needed"), [("p99<1s", 1000), ("p99.9<1s", 10_000), ("p50<1s", 20), ("mean<1s", 100)]
)
def test_how_many_requests_it_needs(text: str, needed: int) -> None:
    """Ten requests lie beyond a percentile that is to mean something."""
    assert parse_promise(text).needed == needed
