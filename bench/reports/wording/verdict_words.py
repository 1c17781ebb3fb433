"""The words of a verdict, as docs/method.md has them; made from its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.stats.intervals import MIN_ROUNDS
from bench.stats.verdict import VerdictWord

if TYPE_CHECKING:
    from bench.model.basis import Basis
    from bench.model.summary import Verdict
    from bench.stats.intervals import Estimate

_PHRASES: Final[dict[str, tuple[str, str, str]]] = {
    "throughput_rps": ("is", "faster", "slower"),
    "requests_per_cpu_second": ("does", "more per CPU", "less per CPU"),
    "p50_us": ("has", "a higher p50", "a lower p50"),
    "p99_us": ("has", "a higher p99", "a lower p99"),
    "cpu_us_per_request": ("needs", "more CPU per request", "less CPU per request"),
    "instructions_per_request": (
        "needs",
        "more instructions per request",
        "fewer instructions per request",
    ),
    "rss_peak_bytes": ("needs", "more memory", "less memory"),
}
"""Metric -> the verb, and what is said when the ratio is above 1, and below 1."""
_MAYBE: Final = frozenset({VerdictWord.HIGHER_MAYBE_WITHIN, VerdictWord.LOWER_MAYBE_WITHIN})
_DECIDED: Final = _MAYBE | {VerdictWord.HIGHER, VerdictWord.LOWER}
_WIDE: Final = 2.0
"""An interval that reaches beyond this factor both ways tells nothing."""
_PROBABLY: Final = frozenset({VerdictWord.PROBABLY_HIGHER, VerdictWord.PROBABLY_LOWER})


def verdict_text(verdict: Verdict) -> str:
    """One verdict in words, with its numbers: `axum is faster: 1.08x [1.05, 1.11]`."""
    if verdict.basis is None:
        return verdict.text or verdict.word
    subject, said = _said(verdict, verdict.basis)
    return f"{verdict.basis.server} {said}" if subject else said


def verdict_of(verdict: Verdict, name: str) -> str:
    """The same, always with the server and by this name: `Axum: equivalent within 2 %`."""
    if verdict.basis is None:
        return f"{name}: {verdict.text or verdict.word}"
    subject, said = _said(verdict, verdict.basis)
    return f"{name} {said}" if subject else f"{name}: {said}"


def _said(verdict: Verdict, basis: Basis) -> tuple[bool, str]:
    """Whether the server is the subject of the sentence, and what is said of it."""
    subject, said = _sentence(verdict, basis)
    if basis.odd_round is None:
        return subject, said
    return subject, f"{said}; depends on one round (round {basis.odd_round})"


def _sentence(verdict: Verdict, basis: Basis) -> tuple[bool, str]:
    if basis.cause:
        return False, f"not comparable: {basis.cause}"
    call = VerdictWord(basis.call)
    if call is VerdictWord.TOO_FEW:
        return False, f"not enough rounds for an interval ({verdict.n} of {MIN_ROUNDS})"
    if basis.own_bound or basis.base_bound:
        return _bounded(verdict, basis)
    if call in _DECIDED:
        verb, phrase = _phrase(verdict, basis)
        maybe = f", possibly by less than {percent(basis.margin)}" if call in _MAYBE else ""
        return True, f"{verb} {phrase}{maybe}: {times(verdict)}"
    return False, _undecided(call, verdict, basis)


def _undecided(call: VerdictWord, verdict: Verdict, basis: Basis) -> str:
    if call is VerdictWord.EQUIVALENT:
        return f"equivalent within {percent(basis.margin)}"
    if call in _PROBABLY:
        return _probably(verdict, basis)
    return (
        f"no significant difference: anywhere from {percents(verdict.low, verdict.high)}; "
        f"{_more_rounds(basis)} would resolve {percent(basis.margin)}"
    )


def _bounded(verdict: Verdict, basis: Basis) -> tuple[bool, str]:
    """A throughput that is a lower bound, or is compared with one."""
    if basis.own_bound and basis.base_bound:
        return False, f"both rates are lower bounds: {basis.own_bound}"
    value = times(verdict).split(" ", 1)[0]
    if basis.own_bound:
        return True, f"reaches at least {value}: {basis.own_bound}"
    return True, f"reaches at most {value}: for the baseline, {basis.base_bound}"


def _probably(verdict: Verdict, basis: Basis) -> str:
    verb, phrase = _phrase(verdict, basis)
    said = phrase if verb == "is" else f"{verb} {phrase}"
    count = f"{basis.comparisons} comparison{'s' if basis.comparisons > 1 else ''}"
    return (
        f"probably {said} ({times(verdict)}), but not after correction for {count}; "
        f"{_more_rounds(basis)}"
    )


def _phrase(verdict: Verdict, basis: Basis) -> tuple[str, str]:
    verb, above, below = _PHRASES[basis.metric]
    return verb, above if (verdict.ratio or 0.0) > 1 else below


def _more_rounds(basis: Basis) -> str:
    """`about 4 more rounds`."""
    if basis.more_rounds is None:
        return "more than 100 rounds"
    return f"about {basis.more_rounds} more round{'s' if basis.more_rounds > 1 else ''}"


def times(verdict: Verdict) -> str:
    """`1.08x [1.05, 1.11]`: as many decimals as the interval supports."""
    return "" if verdict.ratio is None else ratio_text(verdict.ratio, verdict.low, verdict.high)


def times_alone(verdict: Verdict) -> str:
    """`1.08x`: the same ratio where there is no room for its interval, digit by digit."""
    return times(verdict).split(" ", 1)[0]


def times_bounded(verdict: Verdict) -> str:
    """`1.08x` alone, or `at least 1.08x` where one of the two rates is only a lower bound."""
    text, basis = times_alone(verdict), verdict.basis
    if not (text and basis) or bool(basis.own_bound) == bool(basis.base_bound):
        return text
    return f"at {'least' if basis.own_bound else 'most'} {text}"


def ratio_text(value: float, low: float | None, high: float | None) -> str:
    """The same of three numbers; without an interval just `1.08x`."""
    if low is None or high is None:
        return f"{_fixed(value, 2 if value >= 1 else 3)}x"
    if tells_nothing(low, high):
        return "not known: less than half or more than twice are both possible"
    digits = _digits(low, high)
    return f"{_fixed(value, digits)}x [{_fixed(low, digits)}, {_fixed(high, digits)}]"


def _fixed(value: float, digits: int) -> str:
    """From 100 on decimals say nothing."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.{digits}f}"  # noqa: PLR2004 - as it says


def rate_words(server: str, baseline: str, found: Estimate) -> str:
    """`b is slower than a: 0.52x [0.50, 0.54], each alone, n = 3`."""
    low, high = found.low, found.high
    shown = f"{ratio_text(found.value, low, high)}, each alone, n = {found.n}"
    if low is None or high is None:
        return f"{server} against {baseline}: {shown}; below {MIN_ROUNDS} rounds no verdict"
    if low <= 1 <= high:
        return f"{server} and {baseline}: no significant difference in rate: {shown}"
    return f"{server} is {'faster' if low > 1 else 'slower'} than {baseline}: {shown}"


def tells_nothing(low: float | None, high: float | None) -> bool:
    """Whether an interval reaches from less than half to more than twice."""
    return low is not None and high is not None and low < 1 / _WIDE and high > _WIDE


def percent(share: float, *, sign: bool = False) -> str:
    """`2 %`, `0.5 %`; `+5 %`, `-3 %` with a sign."""
    number = share * 100
    digits = 0 if abs(number) >= 10 or f"{number:.1f}".endswith(".0") else 1  # noqa: PLR2004 - two digits are enough
    return f"{number:{'+' if sign else ''}.{digits}f} %"


def percents(low: float | None, high: float | None) -> str:
    """The interval of a ratio as changes: `-3 % to +5 %`, `-2.0 % to +0.5 %`."""
    if low is None or high is None:
        return "an unknown interval"
    least, most = (low - 1) * 100, (high - 1) * 100
    digits = 1 if most - least < 10 else 0  # noqa: PLR2004 - a tenth matters in narrow ones only
    return f"{least:+.{digits}f} % to {most:+.{digits}f} %"


def _digits(low: float, high: float) -> int:
    """Decimals so that half the interval is at least two units of the last one; 2 to 4."""
    half = (high - low) / 2
    return next((digits for digits in (2, 3) if half >= 2 * 10**-digits), 4)
