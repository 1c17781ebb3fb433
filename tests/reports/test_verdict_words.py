"""The words of verdicts."""

from __future__ import annotations

import math

import pytest

from bench.analysis.verdicts import word_of
from bench.model.basis import Basis
from bench.model.metric_names import HIGHER_IS_BETTER, METRICS
from bench.model.summary import Verdict
from bench.reports.wording.verdict_words import (
    percent,
    percents,
    rate_words,
    ratio_text,
    times,
    verdict_of,
    verdict_text,
)
from bench.stats.intervals import Estimate
from bench.stats.rounds import width_factor
from bench.stats.verdict import VerdictWord, verdict


def _ratio(low: float, high: float, n: int = 5) -> Estimate:
    half = math.log(high / low) / 2
    return Estimate(math.sqrt(low * high), low, high, n, half / width_factor(n), 0.01)


def _say(low: float, high: float, *, p: float = 0.01, metric: str = "throughput_rps") -> str:
    return verdict_text(_verdict(_ratio(low, high), p, metric))


def _verdict(ratio: Estimate, p: float | None, metric: str, comparisons: int = 4) -> Verdict:
    judged = verdict(ratio, p, 0.02, comparisons)
    basis = Basis(
        server="A",
        metric=metric,
        call=judged.call,
        margin=0.02,
        comparisons=comparisons,
        more_rounds=judged.more_rounds,
    )
    return Verdict(
        word=word_of(metric, judged.call),
        ratio=ratio.value,
        low=ratio.low,
        high=ratio.high,
        p_holm=p,
        beyond_margin=judged.beyond_margin,
        n=ratio.n,
        basis=basis,
    )


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

    said = verdict_text(_verdict(ratio, None, "throughput_rps", comparisons=1))

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

    assert word_of(metric, VerdictWord.HIGHER) == ("faster" if better else "more")
    assert word_of(metric, VerdictWord.LOWER_MAYBE_WITHIN) == ("slower" if better else "less")
    assert word_of(metric, VerdictWord.EQUIVALENT) == "equivalent"
    assert word_of(metric, VerdictWord.PROBABLY_LOWER) == "inconclusive"
    assert word_of(metric, VerdictWord.UNRESOLVED) == "inconclusive"
    assert word_of(metric, VerdictWord.TOO_FEW) == "too-few-rounds"


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
    assert times(_verdict(_ratio(low, high), 0.01, "p50_us")) == text


def test_a_ratio_without_interval_has_two_decimals() -> None:
    """And no brackets."""
    alone = Estimate(3.5812, None, None, 2, 0.1, None)

    assert times(_verdict(alone, None, "p50_us")) == "3.58x"
    assert percents(None, None) == "an unknown interval"


@pytest.mark.parametrize(
    ("share", "text"), [(0.02, "2 %"), (0.005, "0.5 %"), (0.0312, "3.1 %"), (0.123, "12 %")]
)
def test_percentages(share: float, text: str) -> None:
    """One decimal below ten, none where it is 0."""
    assert percent(share) == text
    assert percent(share, sign=True) == "+" + text
    assert percent(-share, sign=True) == "-" + text


def test_a_server_whose_name_begins_the_sentence_is_not_mistaken_for_it() -> None:
    """`no`, `equivalent` and `probably` are names too: the sentence is not searched for them."""
    verdict = _verdict(_ratio(0.97, 1.05), 0.4, "throughput_rps")

    assert verdict_of(verdict, "no").startswith("no: no significant difference")
    assert verdict_of(_verdict(_ratio(1.05, 1.11), 0.01, "p99_us"), "Axum (Rust)") == (
        "Axum (Rust) has a higher p99: 1.08x [1.05, 1.11]"
    )


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.27, 5.18, "not known: less than half or more than twice are both possible"),
        (0.6, 5.18, "1.18x [0.60, 5.18]"),
        (0.97, 1.44, "1.18x [0.97, 1.44]"),
    ],
)
def test_a_ratio_without_information_is_not_printed(low: float, high: float, said: str) -> None:
    """An interval beyond a factor of two both ways is no figure to quote."""
    assert ratio_text(1.18, low, high) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (None, None, "b against a: 1.28x, each alone, n = 3; below 3 rounds no verdict"),
        (0.9, 1.8, "b and a: no significant difference in rate: 1.28x [0.90, 1.80], each alone"),
        (1.1, 1.5, "b is faster than a: 1.28x [1.10, 1.50], each alone, n = 3"),
    ],
)
def test_rates_of_servers_alone(low: float | None, high: float | None, said: str) -> None:
    """Faster only where the interval of the paired rates excludes 1."""
    found = Estimate(1.28, low, high, 3, 0.1, None)

    assert rate_words("b", "a", found).startswith(said)
