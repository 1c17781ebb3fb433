"""Reads the JSON that bench.lua writes, and undoes wrk's correction; pure."""

from __future__ import annotations

from typing import Any, Literal

import orjson
import pydantic
from pydantic import ConfigDict, Field, NonNegativeInt

from bench.errors import ParseError
from bench.loadtools.merging import summarize
from bench.model.finding import Finding, finding
from bench.model.load_result import ErrorCounts, LoadResult
from bench.stats.histogram import Histogram

US_PER_S = 1e6


class _Strict(pydantic.BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Errors(_Strict):
    connect: NonNegativeInt
    read: NonNegativeInt
    write: NonNegativeInt
    status: NonNegativeInt
    timeout: NonNegativeInt


class _Latency(_Strict):
    min: NonNegativeInt
    max: NonNegativeInt
    mean: float
    stdev: float


class _Script(_Strict):
    """Requests that a user's script made.

    Attributes:
        other: those that are not in the workload.
        example: method and path of the first of these, "" where there is none.
    """

    sent: NonNegativeInt
    other: NonNegativeInt
    example: str


class Detail(_Strict):
    """What bench.lua writes; wrk's own words, nothing undone yet.

    Attributes:
        timeout_us: the limit above which wrk counts a timeout, where it could be read.
        histogram_source: ffi = read from wrk's array, api = through its calls.
        sent: requests handed to wrk per kind, None with a user's own request().
        statuses: responses per status, where bench.lua counts them.
        script: what a user's own request() made, None without one.
    """

    format: Literal["bench-wrk"]
    version: Literal[1]
    threads: NonNegativeInt
    duration_us: NonNegativeInt
    requests: NonNegativeInt
    bytes: NonNegativeInt
    errors: _Errors
    latency: _Latency | None
    timeout_us: NonNegativeInt | None
    histogram_source: Literal["ffi", "api", "empty"]
    sent: list[NonNegativeInt] | None
    statuses: dict[str, NonNegativeInt] | None = None
    script: _Script | None = None
    histogram: list[Any] = Field(repr=False)


def parse(data: bytes, *, connections: int, tool_version: str | None = None) -> LoadResult:
    """Read one process's result.

    Args:
        data: the JSON text.
        connections: -c of that process; the correction cannot be undone without it.
        tool_version: where it is known.

    Raises:
        ParseError: this is not such JSON.
    """
    detail = read_detail(data)
    counts, problem = raw_histogram(detail, connections)
    errors = detail.errors
    ok = max(0, detail.requests - errors.status - errors.timeout)
    duration_s = detail.duration_us / US_PER_S
    return LoadResult(
        tool="wrk",
        tool_version=tool_version,
        loop="closed",
        latency_kind="service",
        duration_s=duration_s,
        requests=detail.requests,
        ok=ok,
        throughput_rps=ok / duration_s if duration_s else 0.0,
        bytes_in=detail.bytes,
        bytes_kind="wire",
        status=_statuses(detail),
        errors=ErrorCounts(
            connect=errors.connect,
            read=errors.read,
            write=errors.write,
            timeout=errors.timeout,
            status=errors.status,
        ),
        latency_us=None
        if counts is None
        else summarize(counts, timeouts=errors.timeout, source="raw"),
        histogram=counts,
        sent=None if detail.sent is None else tuple(detail.sent),
        findings=(*((_mismatch(problem, connections),) if problem else ()), *_strange(detail)),
    )


def _statuses(detail: Detail) -> dict[str, int] | None:
    """As counted by our script, one for each request that wrk counts.

    Raises:
        ParseError: they are not of these requests.
    """
    if detail.statuses is None:
        return None
    counted = sum(detail.statuses.values())
    if counted != detail.requests:
        told = f"{counted} statuses, {detail.requests} requests"
        raise ParseError("the statuses of wrk are not those of its requests", excerpt=told)
    return dict(sorted(detail.statuses.items()))


def read_detail(data: bytes) -> Detail:
    """Check the JSON key by key.

    Raises:
        ParseError: with the place.
    """
    try:
        value: Any = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        place = data[max(0, error.pos - 40) : error.pos + 40].decode("utf-8", "replace")
        raise ParseError(f"the detail of wrk is not JSON ({error.msg})", excerpt=place) from error
    try:
        detail = Detail.model_validate(value)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the whole"
        excerpt = str(first["input"])
        raise ParseError(
            f"the detail of wrk is not what bench.lua writes: {key}: {first['msg']}",
            excerpt=excerpt,
        ) from error
    return detail


def raw_histogram(detail: Detail, connections: int) -> tuple[Histogram | None, str]:
    """Undo wrk's correction and check the outcome against wrk's own counters.

    Returns:
        The histogram as recorded and "", or None and why it is not believed.

    Raises:
        ParseError: the histogram is not ascending pairs.
    """
    try:
        shown = Histogram.from_pairs(detail.histogram)
    except ValueError as error:
        message = "the histogram of wrk is not ascending pairs"
        raise ParseError(message, excerpt=str(error)) from None
    per_connection = detail.requests // connections
    try:
        counts = (
            shown.uncorrected(detail.duration_us // per_connection) if per_connection else shown
        )
    except ValueError as error:
        return None, f"wrk's correction cannot be undone with {connections} connections: {error}"
    problem = _check(detail, counts, detail.requests - detail.errors.timeout)
    return (None, problem) if problem else (counts, "")


def _check(detail: Detail, counts: Histogram, wanted: int) -> str:
    moments = counts.moments
    if moments is None:
        return "" if wanted == 0 else f"no latency was recorded for {wanted} responses"
    if moments.samples != wanted:
        return f"the histogram holds {moments.samples} samples, requests less timeouts are {wanted}"
    own = detail.latency
    if own is None or (moments.min, moments.max) != (own.min, own.max):
        told = "nothing" if own is None else f"{own.min} to {own.max} us"
        return f"the histogram spans {moments.min} to {moments.max} us, wrk says {told}"
    return ""


def _strange(detail: Detail) -> tuple[Finding, ...]:
    """Requests of a script of which nobody knows what the answers should be."""
    made = detail.script
    if made is None or not made.other:
        return ()
    return (
        finding("script-requests", "load", other=made.other, sent=made.sent, example=made.example),
    )


def _mismatch(text: str, connections: int) -> Finding:
    return finding("histogram-mismatch", "load", problem=text, connections=connections)
