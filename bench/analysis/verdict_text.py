"""The words of a verdict, as docs/method.md has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.model.summary import HIGHER_IS_BETTER, Word
from bench.stats.verdict import Call, Judgment

if TYPE_CHECKING:
    from bench.stats.intervals import Estimate

_PHRASES: Final[dict[str, tuple[str, str]]] = {
    "throughput_rps": ("is faster", "is slower"),
    "requests_per_cpu_second": ("does more per CPU", "does less per CPU"),
    "p50_us": ("has a higher p50", "has a lower p50"),
    "p99_us": ("has a higher p99", "has a lower p99"),
    "cpu_us_per_request": ("needs more CPU per request", "needs less CPU per request"),
    "instructions_per_request": (
        "needs more instructions per request",
        "needs fewer instructions per request",
    ),
    "rss_peak_bytes": ("needs more memory", "needs less memory"),
}
"""Metric -> what is said when the ratio is above 1, and below 1."""
_UP: Final = frozenset({Call.HIGHER, Call.HIGHER_MAYBE_WITHIN})
_DOWN: Final = frozenset({Call.LOWER, Call.LOWER_MAYBE_WITHIN})
_MAYBE: Final = frozenset({Call.HIGHER_MAYBE_WITHIN, Call.LOWER_MAYBE_WITHIN})
_PROBABLY: Final = frozenset({Call.PROBABLY_HIGHER, Call.PROBABLY_LOWER})


def word(metric: str, call: Call) -> Word:
    """The word of formats.md for a call."""
    if call is Call.TOO_FEW:
        return "too-few-rounds"
    if call is Call.EQUIVALENT:
        return "equivalent"
    better = metric in HIGHER_IS_BETTER
    if call in _UP:
        return "faster" if better else "more"
    if call in _DOWN:
        return "slower" if better else "less"
    return "inconclusive"


def sentence(  # noqa: PLR0917 - everything that one sentence is made of
    server: str, metric: str, judged: Judgment, ratio: Estimate, margin: float, comparisons: int
) -> str:
    """One verdict in words, with its numbers."""
    call = judged.call
    if call is Call.TOO_FEW:
        return f"not enough rounds for an interval ({ratio.n} of 3)"
    if call is Call.EQUIVALENT:
        return f"equivalent within {percent(margin)}"
    if call is Call.UNRESOLVED:
        return _unresolved(judged, ratio, margin)
    if call in _PROBABLY:
        return _probably(metric, judged, ratio, comparisons)
    maybe = f", possibly by less than {percent(margin)}" if call in _MAYBE else ""
    return f"{server} {_phrase(metric, ratio.value)}{maybe}: {times(ratio)}"


def at_least(server: str, ratio: Estimate, cause: str) -> str:
    """A throughput that is a lower bound."""
    return f"{server} reaches at least {_first(ratio)}: {cause}"


def at_most(server: str, ratio: Estimate, cause: str) -> str:
    """A throughput against a baseline that is a lower bound."""
    return f"{server} reaches at most {_first(ratio)}: {cause}"


def times(ratio: Estimate) -> str:
    """`1.08x [1.05, 1.11]`: as many decimals as the interval supports."""
    return ratio_text(ratio.value, ratio.low, ratio.high)


def ratio_text(value: float, low: float | None, high: float | None) -> str:
    """The same of three numbers; without an interval just `1.08x`."""
    if low is None or high is None:
        return f"{value:.2f}x"
    digits = _digits(low, high)
    return f"{value:.{digits}f}x [{low:.{digits}f}, {high:.{digits}f}]"


def percent(share: float, *, sign: bool = False) -> str:
    """`2 %`, `0.5 %`; `+5 %`, `-3 %` with a sign."""
    number = share * 100
    digits = 0 if abs(number) >= 10 or f"{number:.1f}".endswith(".0") else 1  # noqa: PLR2004 - two digits are enough
    return f"{number:{'+' if sign else ''}.{digits}f} %"


def percents(ratio: Estimate) -> str:
    """The interval of a ratio as changes: `-3 % to +5 %`, `-2.0 % to +0.5 %`."""
    if ratio.low is None or ratio.high is None:
        return "an unknown interval"
    low, high = (ratio.low - 1) * 100, (ratio.high - 1) * 100
    digits = 1 if high - low < 10 else 0  # noqa: PLR2004 - a tenth matters in narrow ones only
    return f"{low:+.{digits}f} % to {high:+.{digits}f} %"


def more_rounds(judged: Judgment) -> str:
    """`about 4 more rounds`."""
    if judged.more_rounds is None:
        return "more than 100 rounds"
    return f"about {judged.more_rounds} more round{'s' if judged.more_rounds > 1 else ''}"


def _phrase(metric: str, ratio: float) -> str:
    above, below = _PHRASES[metric]
    return above if ratio > 1 else below


def _probably(metric: str, judged: Judgment, ratio: Estimate, comparisons: int) -> str:
    phrase = _phrase(metric, ratio.value).split(" ", 1)
    said = f"probably {phrase[1]}" if phrase[0] == "is" else f"probably {' '.join(phrase)}"
    return (
        f"{said} ({times(ratio)}), but not after correction for "
        f"{comparisons} comparison{'s' if comparisons > 1 else ''}; {more_rounds(judged)}"
    )


def _unresolved(judged: Judgment, ratio: Estimate, margin: float) -> str:
    return (
        f"no significant difference: anywhere from {percents(ratio)}; "
        f"{more_rounds(judged)} would resolve {percent(margin)}"
    )


def _first(ratio: Estimate) -> str:
    return times(ratio).split(" ", 1)[0]


def _digits(low: float, high: float) -> int:
    """Decimals so that half the interval is at least two units of the last one; 2 to 4."""
    half = (high - low) / 2
    return next((digits for digits in (2, 3) if half >= 2 * 10**-digits), 4)
