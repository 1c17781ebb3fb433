"""A promise about response times, as users write it: `p99<10ms`."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from bench.units import format_duration, parse_duration

MEASURES: Final = ("p50", "p90", "p95", "p99", "p99.9", "mean", "max")
"""What can be promised."""

LEAST_US: Final = 20.0
"""Nothing is answered sooner, not even over the loopback interface by a program that is awake."""

_FORM: Final = re.compile(r"\s*([A-Za-z][\w.]*)\s*(<=|<|>=|>|=)\s*(\S+)\s*")
_BEYOND: Final = 10
_FEW: Final = 100
_LONGEST: Final = 40


class Promise(NamedTuple):
    """A limit that a measure of the response times stays below.

    Attributes:
        measure: one of `MEASURES`.
        limit_us: what it must stay below, microseconds.
    """

    measure: str
    limit_us: float

    @property
    def percent(self) -> float | None:
        """The percentile, None of `mean`; `max` is the 100th."""
        if self.measure == "mean":
            return None
        return 100.0 if self.measure == "max" else float(self.measure.removeprefix("p"))

    @property
    def needed(self) -> int:
        """Requests in a window below which the measure says little: ten beyond a percentile."""
        if self.percent in (None, 100.0):
            return _FEW
        return round(_BEYOND * 100 / (100 - (self.percent or 0.0)))

    @property
    def text(self) -> str:
        """As it is written: `p99<10ms`."""
        seconds = self.limit_us / 1e6
        short = f"{self.limit_us:g}us" if self.limit_us < 1000 else format_duration(seconds)  # noqa: PLR2004 - microseconds in a millisecond
        return f"{self.measure}<{short}"


def parse_promise(text: object) -> Promise:
    """Read `p99<10ms`.

    Raises:
        ValueError: it is not one; the message says what one looks like, or which part is wrong.
    """
    shape = "expected a promise such as p99<10ms"
    found = _FORM.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST else None
    if not found:
        raise ValueError(shape)
    measure, sign, limit = found[1].lower(), found[2], found[3]
    if measure not in MEASURES:
        raise ValueError(f"{shape}: {found[1]} is not one of {', '.join(MEASURES)}")
    if sign != "<":
        raise ValueError(f"{shape}: response times stay below a limit, write {measure}<{limit}")
    try:
        limit_us = parse_duration(limit) * 1e6
    except ValueError:
        raise ValueError(f"{shape}: {limit} is not a duration such as 500us, 10ms or 2s") from None
    if limit_us < LEAST_US:
        raise ValueError(
            f"nothing can keep {measure}<{limit}: an answer over the loopback interface alone "
            f"takes more than {LEAST_US:g} us"
        )
    return Promise(measure, limit_us)
