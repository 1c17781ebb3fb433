"""The search for the highest rate at which a promise holds; pure: rates out, verdicts in.

Doubling until it fails, then bisection on the rate by short trials; then whole trials, three at
each rate, at r and 1.1 r, and between them until they are as close as asked. A search is a
generator: it yields what is to be tried next and is sent what came of it. The same outcomes give
the same search, so that one that was interrupted is resumed by sending it what is known.

Noise of a machine only ever adds to response times: a trial that holds with room to spare is
believed, one that fails is repeated, and of three the one in the middle counts. What fails
while something else had the CPUs proves nothing: it is run again, or makes a lower bound (seen:
225/s of a server that does 1,900, with 15 % stolen). The answer is where a line through all trials
nearby meets the promise (`bench.stats.crossing`): rates 5 % apart differ less than two trials do.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from statistics import median
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from bench.stats.crossing import FAR, Near, crossing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LoadLimit = Literal["", "client", "pacer"]
"""What of the load kept a step from saying anything of the server; "" = nothing."""

BEYOND: Final = 1.1
"""Where the promise is shown to fail, as a multiple of the rate at which it is shown to hold."""

REPEATS: Final = 3
"""Trials at one rate that are decisive: the one in the middle is not an outlier."""

OVERLOADED_BELOW: Final = 0.9
"""Share of the offered rate below which one trial is enough: no noise takes a tenth away."""

PAUSE_S: Final = 1.0
"""After an overloaded trial: connections that were left close, the machine cools."""

CALM_S: Final = 2.0
"""After a trial that something else spoiled."""

_ROOM: Final = 0.6
_NEARBY: Final = 1.15
_SHORT_WEIGHT: Final = 1 / 3
_MOVES: Final = 6
_FIRST_LOAD: Final = 0.25
_SHORTEST_S: Final = 1e-5


class SearchRules(NamedTuple):
    """How far and how finely is searched.

    Attributes:
        tolerance: how far apart, as a share, the rates may be between which the answer lies.
        lowest: requests/s; a promise that fails here is kept by no rate.
        highest: requests/s above which nothing is tried.
        patience: how many disturbed trials are run again.
    """

    tolerance: float
    lowest: float = 20.0
    highest: float = 10_000_000.0
    patience: int = 0


class Trying(NamedTuple):
    """What is to be tried next: a rate, by a short trial or a whole one, after a pause."""

    rate: float
    whole: bool
    pause_s: float = 0.0


class Tried(NamedTuple):
    """What came of a trial.

    Attributes:
        ratio: measured / promised; infinite where it cannot be known for failures.
        achieved: share of the offered rate that was answered.
        holds: the promise held, and the server kept up with the rate.
        limit: where it does not hold: whether the load, not the server, is to blame.
        mean_s: mean response time.
        disturbed: it does not hold, and something else had the CPUs meanwhile.
    """

    rate: float
    whole: bool
    ratio: float
    achieved: float
    holds: bool
    limit: LoadLimit = ""
    mean_s: float = 0.0
    disturbed: bool = False


class Found(NamedTuple):
    """How a search ended.

    Attributes:
        rate: the answer, requests/s; 0 where no rate keeps the promise.
        low: lower end of the interval: it holds both the 95 % interval of the answer and the
            rate at which the promise was last seen to hold.
        high: upper end, so that it holds the rate at which the promise was first seen to fail;
            None where there is none.
        limit: what ended it; `client` also where other work on the machine did.
        at_least: the answer is a lower bound.
        confirmed: whole trials held at one rate and failed at one at most a tenth above it.
        end: `found`; `never`: no rate keeps it; `bound`: the load was the limit; `most`: it holds
            at the highest rate that is tried; `unsettled`: whole trials contradict each other;
            `cut`: it was ended before; `disturbed`: what failed failed beside other work.
    """

    rate: float
    low: float
    high: float | None
    limit: Literal["server", "client", "pacer"]
    at_least: bool
    confirmed: bool
    end: Literal["found", "never", "bound", "most", "unsettled", "cut", "disturbed"]


class _Rated(NamedTuple):
    """The verdict on one rate, from one to three trials."""

    rate: float
    holds: bool
    limit: LoadLimit
    mean_s: float
    disturbed: bool


RateSearch: TypeAlias = Generator[Trying, Tried, Found]
_Judging: TypeAlias = Generator[Trying, Tried, _Rated]


class _Bracket(NamedTuple):
    """Where a search has got to: rates between which the answer lies, or how it ended."""

    low: _Rated | None
    high: _Rated | None
    limit: LoadLimit = ""
    end: Literal["found", "never", "bound", "most", "unsettled", "cut"] = "found"


_Bracketing: TypeAlias = Generator[Trying, Tried, _Bracket]


def search(rules: SearchRules) -> RateSearch:
    """Find the highest rate at which a promise holds; see the module."""
    tried: list[Tried] = []
    going, again = _bracketed(rules), 0
    asked = next(going)
    try:
        while True:
            now = yield asked
            if now.disturbed and again < rules.patience:
                again += 1
                asked = asked._replace(pause_s=CALM_S)
                continue
            tried.append(now)
            asked = going.send(now)
    except StopIteration as ended:
        bracket: _Bracket = ended.value
    return _answer(bracket, tried, rules)


def _bracketed(rules: SearchRules) -> _Bracketing:
    low = yield from _short(rules.lowest)
    if not low.holds:
        # Whoever is told "never" must be able to rely on it.
        (low,) = yield from _whole((rules.lowest,))
    if not low.holds:
        return _Bracket(None, low, low.limit, "bound" if low.limit else "never")
    rate = max(2 * rules.lowest, _FIRST_LOAD / max(low.mean_s, _SHORTEST_S))
    high: _Rated | None = None
    while high is None:
        now = yield from _short(min(rate, rules.highest))
        if now.limit:
            return _Bracket(low, None, now.limit, "bound")
        if not now.holds:
            high = now
        elif now.rate >= rules.highest:
            return _Bracket(now, None, end="most")
        else:
            low, rate = now, 2 * rate
    while high.rate / low.rate > 1 + 2 * rules.tolerance:
        now = yield from _short(math.sqrt(low.rate * high.rate))
        if now.limit:
            return _Bracket(low, high, now.limit, "bound")
        low, high = (now, high) if now.holds else (low, now)
    return (yield from _confirmed(low.rate, rules))


def _short(rate: float) -> _Judging:
    """One short trial where it is clear, else the middle of three."""
    seen: list[Tried] = []
    rate = _neat(rate)
    while not _clear(seen):
        seen.append((yield Trying(rate, whole=False, pause_s=_pause(seen))))
    return _rated(rate, seen)


def _clear(seen: Sequence[Tried]) -> bool:
    """Whether these trials at one rate suffice."""
    if len(seen) in (0, REPEATS):
        return bool(seen)
    holding = [one.holds for one in seen]
    if len(seen) > 1:
        # Of three at least two agree: where the first two do, the third changes nothing.
        return holding[0] == holding[1]
    one = seen[0]
    return one.ratio <= _ROOM if one.holds else one.achieved < OVERLOADED_BELOW and not one.limit


def _neat(rate: float) -> float:
    """Four figures are enough, and can be read."""
    return float(f"{rate:.4g}")


def _pause(seen: Sequence[Tried]) -> float:
    return PAUSE_S if seen and not seen[-1].holds else 0.0


def _rated(rate: float, seen: Sequence[Tried]) -> _Rated:
    holds = 2 * sum(one.holds for one in seen) > len(seen)
    failed = [one for one in seen if not one.holds]
    limits = [one.limit for one in failed]
    blamed: LoadLimit = "" if holds or not all(limits) else limits[-1]
    disturbed = not holds and 2 * sum(one.disturbed for one in failed) > len(failed)
    return _Rated(rate, holds, blamed, median(one.mean_s for one in seen), disturbed)


def _whole(rates: Iterable[float]) -> Generator[Trying, Tried, list[_Rated]]:
    """Whole trials at these rates, by turns: what changes meanwhile changes for all of them."""
    seen: dict[float, list[Tried]] = {_neat(rate): [] for rate in rates}
    last: list[Tried] = []
    for _ in range(REPEATS):
        for rate, own in seen.items():
            last = [(yield Trying(rate, whole=True, pause_s=_pause(last)))]
            own.extend(last)
    return [_rated(rate, own) for rate, own in seen.items()]


def _confirmed(start: float, rules: SearchRules) -> _Bracketing:
    """Show by whole trials where it holds and where it fails, and narrow that down."""
    low, high = yield from _whole((start, BEYOND * start))
    for _ in range(_MOVES):
        if low.limit or (low.holds and high.limit):
            return _Bracket(low if low.holds else None, None, low.limit or high.limit, "bound")
        if low.holds and not high.holds:
            return (yield from _narrowed(low, high, rules))
        if high.holds:
            if high.rate >= rules.highest:
                return _Bracket(high, None, end="most")
            low, high = high, (yield from _whole((BEYOND * high.rate,)))[0]
        else:
            if low.rate < BEYOND * rules.lowest:
                return _Bracket(None, low, end="never")
            low, high = (yield from _whole((low.rate / BEYOND,)))[0], low
    return _Bracket(low, high, end="unsettled")


def _narrowed(low: _Rated, high: _Rated, rules: SearchRules) -> _Bracketing:
    while high.rate / low.rate > 1 + rules.tolerance:
        (now,) = yield from _whole((math.sqrt(low.rate * high.rate),))
        if now.limit:
            return _Bracket(low, high, now.limit, "bound")
        low, high = (now, high) if now.holds else (low, now)
    return _Bracket(low, high)


def _answer(bracket: _Bracket, tried: Sequence[Tried], rules: SearchRules) -> Found:
    low, high, limit, end = bracket
    if high is not None and high.disturbed:
        least = low.rate if low else 0.0
        return Found(least, least, None, "client", at_least=True, confirmed=False, end="disturbed")
    if low is None and high is not None and not limit:
        return Found(0.0, 0.0, high.rate, "server", at_least=False, confirmed=True, end="never")
    if low is None or high is None or limit:
        rate = low.rate if low else 0.0
        whose = limit or "server"
        return Found(rate, rate, None, whose, at_least=True, confirmed=False, end=end)
    least, most = sorted((low.rate, high.rate))
    met = crossing(_near(tried, least, most), least, most)
    return Found(
        min(met.value, rules.highest),
        min(met.low, least),
        max(met.high, most),
        "server",
        at_least=False,
        confirmed=end == "found",
        end=end,
    )


def _near(tried: Iterable[Tried], low: float, high: float) -> list[Near]:
    """The trials that give the answer; one that the load spoiled is not among them."""
    return [
        Near(one.rate, _told(one), 1.0 if one.whole else _SHORT_WEIGHT)
        for one in tried
        if low / _NEARBY <= one.rate <= high * _NEARBY
        and (one.holds or not (one.limit or one.disturbed))
    ]


def _told(one: Tried) -> float:
    """A rate that the server did not keep up with is far beyond, whatever was answered."""
    return one.ratio if one.holds or one.ratio > 1 else FAR


def so_far(tried: Sequence[Tried], rules: SearchRules) -> Found:
    """What a search that was ended early knows."""
    seen: dict[float, list[Tried]] = {}
    for one in tried:
        seen.setdefault(one.rate, []).append(one)
    rated = [_rated(rate, own) for rate, own in sorted(seen.items())]
    failed = next((one for one in rated if not (one.holds or one.limit or one.disturbed)), None)
    held = [one for one in rated if one.holds and (failed is None or one.rate < failed.rate)]
    if failed is None or not held:
        low, high = (held[-1].rate if held else 0.0), (failed.rate if failed else None)
        least = failed is None
        return Found(low, low, high, "server", at_least=least, confirmed=False, end="cut")
    return _answer(_Bracket(held[-1], failed, end="cut"), tried, rules)


class Replayed(NamedTuple):
    """A search that was sent what is known.

    Attributes:
        following: what is to be tried next, None where it has ended.
        found: how it ended, None while it goes on.
    """

    following: Trying | None
    found: Found | None


def replay(rules: SearchRules, tried: Iterable[Tried]) -> Replayed:
    """Where a search stands after these outcomes, in the order in which they were asked for."""
    going = search(rules)
    following = next(going)
    try:
        for one in tried:
            following = going.send(one)
    except StopIteration as ended:
        return Replayed(None, ended.value)
    return Replayed(following, None)
