"""The words of verdicts."""

from __future__ import annotations

import math

import pytest

from bench.analysis.verdict_text import percent, percents, sentence, times, word
from bench.model.summary import HIGHER_IS_BETTER, METRICS
from bench.stats.intervals import Estimate
from bench.stats.rounds import width_factor
from bench.stats.verdict import Call, judge


def _ratio(low: float, high: float, n: int = 5) -> Estimate:
    half = math.log(high / low) / 2
    return Estimate(math.sqrt(low * high), low, high, n, half / width_factor(n), 0.01)


def _say(low: float, high: float, *, p: float = 0.01, metric: str = "throughput_rps") -> str:
    ratio = _ratio(low, high)
    return sentence("A", metric, judge(ratio, p, 0.02, 4), ratio, 0.02, 4)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (_say(1.05, 1.11), "A is faster: 1.08x [1.05, 1.11]"),
        (_say(0.90, 0.95), "A is slower: 0.92x [0.90, 0.95]"),
        (_say(0.99, 1.01), "equivalent within 2 %"),
        (_say(1.01, 1.05), "A is faster, possibly by less than 2 %: 1.03x [1.01, 1.05]"),
        (
            _say(1.06, 1.34, p=0.08),
            (
                "probably faster (1.19x [1.06, 1.34]), but not after correction for "
                "4 comparisons; about 1 more round"
            ),
        ),
        (
            _say(0.97, 1.05, p=0.4),
            (
                "no significant difference: anywhere from -3.0 % to +5.0 %; "
                "about 8 more rounds would resolve 2 %"
            ),
        ),
        (
            _say(0.3, 3.0, p=0.9),
            (
                "no significant difference: anywhere from -70 % to +200 %; "
                "more than 100 rounds would resolve 2 %"
            ),
        ),
    ],
)
def test_the_words_are_those_of_the_method(said: str, expected: str) -> None:
    """Each row of the table has its sentence."""
    assert said == expected


def test_too_few_rounds_tell_how_many_there_are() -> None:
    """2 of 3."""
    ratio = Estimate(1.1, None, None, 2, 0.1, None)

    said = sentence("A", "throughput_rps", judge(ratio, None, 0.02), ratio, 0.02, 1)

    assert said == "not enough rounds for an interval (2 of 3)"


@pytest.mark.parametrize(
    ("metric", "above", "below"),
    [
        ("requests_per_cpu_second", "A does more per CPU", "A does less per CPU"),
        ("p99_us", "A has a higher p99", "A has a lower p99"),
        ("cpu_us_per_request", "A needs more CPU per request", "A needs less CPU per request"),
        ("rss_peak_bytes", "A needs more memory", "A needs less memory"),
    ],
)
def test_each_metric_says_what_it_means(metric: str, above: str, below: str) -> None:
    """More of a cost is not called faster."""
    assert _say(1.05, 1.11, metric=metric).startswith(above + ":")
    assert _say(0.90, 0.95, metric=metric).startswith(below + ":")
    assert _say(1.06, 1.34, p=0.08, metric=metric).startswith(
        above.replace("A ", "probably ", 1) + " ("
    )


@pytest.mark.parametrize("metric", METRICS)
def test_words_by_direction(metric: str) -> None:
    """Faster and slower where more is better, more and less where less is."""
    better = metric in HIGHER_IS_BETTER

    assert word(metric, Call.HIGHER) == ("faster" if better else "more")
    assert word(metric, Call.LOWER_MAYBE_WITHIN) == ("slower" if better else "less")
    assert word(metric, Call.EQUIVALENT) == "equivalent"
    assert word(metric, Call.PROBABLY_LOWER) == "inconclusive"
    assert word(metric, Call.UNRESOLVED) == "inconclusive"
    assert word(metric, Call.TOO_FEW) == "too-few-rounds"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1.05, 1.11, "1.08x [1.05, 1.11]"),
        (1.018, 1.044, "1.031x [1.018, 1.044]"),
        (0.104, 0.112, "0.108x [0.104, 0.112]"),
        (0.9990, 1.0006, "0.9998x [0.9990, 1.0006]"),
    ],
)
def test_decimals_follow_the_interval(low: float, high: float, text: str) -> None:
    """No digit that the interval does not support, and enough to see its ends."""
    assert times(_ratio(low, high)) == text


def test_a_ratio_without_interval_has_two_decimals() -> None:
    """And no brackets."""
    assert times(Estimate(3.5812, None, None, 2, 0.1, None)) == "3.58x"
    assert percents(Estimate(3.5812, None, None, 2, 0.1, None)) == "an unknown interval"


@pytest.mark.parametrize(
    ("share", "text"), [(0.02, "2 %"), (0.005, "0.5 %"), (0.0312, "3.1 %"), (0.123, "12 %")]
)
def test_percentages(share: float, text: str) -> None:
    """One decimal below ten, none where it is 0."""
    assert percent(share) == text
    assert percent(share, sign=True) == "+" + text
    assert percent(-share, sign=True) == "-" + text
