"""Reads the JSON of oha 1.0 to 1.16; pure.

Never checked against oha's own schema: a report without successes breaks it. What is null or
missing there is None here; `requestsPerSec` and `successRate` are not used, since they count
errors and aborted requests, and a 500 as a success.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from bench.errors import ParseError
from bench.loadtools.other_tools import another_than
from bench.model.load_result import ErrorCounts

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS: Final = (
    # (field of ErrorCounts, what its messages contain); the first that fits
    ("connect", ("refused", "unreachable")),
    ("read", ("connection closed", "reset", "broken pipe")),
    ("timeout", ("timeout",)),
    ("deadline", ("deadline",)),
)
GOOD: Final = range(200, 400)
_STATUS: Final = re.compile(r"[1-9][0-9]{2}")

_SUMMARY_CHARS: Final = 2000


class OhaReport(NamedTuple):
    """What the JSON tells; times in seconds.

    Attributes:
        total_s: from the start until the last worker ended.
        fastest_s: None without a complete response, as the two below.
        status: complete responses per status code.
        percentiles: key `p50`, `p99.9`; oha's own, by its floor index.
    """

    total_s: float
    fastest_s: float | None
    average_s: float | None
    slowest_s: float | None
    bytes: int
    status: dict[str, int]
    errors: dict[str, int]
    percentiles: dict[str, float | None]

    @property
    def requests(self) -> int:
        """Complete responses, whatever their status."""
        return sum(self.status.values())

    @property
    def ok(self) -> int:
        """Responses of status 200 to 399."""
        return sum(count for status, count in self.status.items() if int(status) in GOOD)

    def error_counts(self) -> ErrorCounts:
        """Errors by kind, from oha's messages."""
        counts = dict.fromkeys(("connect", "read", "timeout", "deadline", "other"), 0)
        for message, count in self.errors.items():
            counts[error_kind(message)] += count
        return ErrorCounts(**counts, status=self.requests - self.ok)


def error_kind(message: str) -> str:
    """The field of ErrorCounts that a message of oha belongs to."""
    low = message.lower()
    return next((kind for kind, parts in KINDS if any(part in low for part in parts)), "other")


def read(text: str) -> OhaReport:
    """Read a report.

    Raises:
        ParseError: it is not a report of oha; names the key.
    """
    if not text.strip():
        raise ParseError("the output of oha is empty")
    try:
        value: Any = orjson.loads(text.encode("utf-8", "replace"))
    except orjson.JSONDecodeError as error:
        if "Success rate:" in text[:_SUMMARY_CHARS]:
            raise ParseError(
                f"this is not JSON but the summary that oha prints for people "
                f"({text.strip()[:40]!r}...): run it with `--output-format json -o FILE`, and give "
                "that file"
            ) from error
        if other := another_than("oha", text):
            raise ParseError(other, excerpt=text.strip()[:60]) from error
        place = text[max(0, error.pos - 40) : error.pos + 40]
        raise ParseError(f"the output of oha is not JSON ({error.msg})", excerpt=place) from error
    if other := another_than("oha", text):
        raise ParseError(other, excerpt=text.strip()[:60])
    return _report(value)


def _report(value: Any) -> OhaReport:
    top = _object(value, "the whole")
    summary = _object(_need(top, "summary", ""), "summary")
    status = _counts(top, "statusCodeDistribution")
    if bad := [code for code in status if not _STATUS.fullmatch(code)]:
        raise ParseError("statusCodeDistribution has a key that is not a status", excerpt=bad[0])
    total = _seconds(_need(summary, "total", "summary."), "summary.total")
    if total is None:
        raise ParseError("summary.total is null in the output of oha")
    report = OhaReport(
        total_s=total,
        fastest_s=_seconds(_need(summary, "fastest", "summary."), "summary.fastest"),
        average_s=_seconds(_need(summary, "average", "summary."), "summary.average"),
        slowest_s=_seconds(_need(summary, "slowest", "summary."), "summary.slowest"),
        bytes=_count(_need(summary, "totalData", "summary."), "summary.totalData"),
        status=dict(sorted(status.items())),
        errors=_counts(top, "errorDistribution"),
        percentiles=_percentiles(top),
    )
    _check(report)
    return report


def _check(report: OhaReport) -> None:
    if not report.requests:
        return
    values = (report.fastest_s, report.average_s, report.slowest_s)
    if any(value is None for value in values):
        raise ParseError("oha counts responses but gives no latency for them", excerpt=str(values))
    low, mean, high = (value or 0.0 for value in values)
    # The mean is rounded on its own: a report of equal latencies may be off by a last digit.
    slack = 1e-9 * max(high, 1e-9)
    if not low <= mean + slack <= high + 2 * slack:
        raise ParseError("fastest, average, slowest of oha contradict", excerpt=str(values))


def _need(value: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in value:
        raise ParseError(f"not a result of oha: {where}{key} is missing", excerpt=str(value))
    return value[key]


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ParseError(f"not a result of oha: {name} is not an object", excerpt=str(value))
    return value


def _seconds(value: Any, name: str) -> float | None:
    if value is None:
        return None
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not math.isfinite(value) or value < 0:
        raise ParseError(f"{name} of oha is not a length of time", excerpt=str(value))
    return float(value)


def _count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ParseError(f"{name} of oha is not a count", excerpt=str(value))
    return value


def _counts(top: Mapping[str, Any], key: str) -> dict[str, int]:
    items = _object(_need(top, key, ""), key)
    return {name: _count(value, f"{key}.{name}") for name, value in items.items()}


def _percentiles(top: Mapping[str, Any]) -> dict[str, float | None]:
    items = _object(_need(top, "latencyPercentiles", ""), "latencyPercentiles")
    return {name: _seconds(value, f"latencyPercentiles.{name}") for name, value in items.items()}
