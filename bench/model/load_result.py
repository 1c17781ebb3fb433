"""What a load tool reported, in one form for all tools (`bench parse` prints it)."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from pydantic import Field, InstanceOf, field_serializer

from bench.model.base import SCHEMA_VERSION, Model
from bench.model.finding import Finding
from bench.model.pacing import Pacing

Loop = Literal["closed", "open"]
LatencyKind = Literal["service", "response"]
LatencySource = Literal["raw", "tool-corrected", "intended-time"]

PERCENTILES = (50.0, 90.0, 99.0, 99.9)
"""The percentiles that are shown, where at least ten requests lie beyond them."""


class ErrorCounts(Model):
    """Requests that did not succeed, by kind; None = the tool does not tell.

    Attributes:
        status: complete responses with a status outside 200 to 399.
        deadline: requests in flight when the window closed: not the server's fault.
    """

    connect: int | None = 0
    read: int | None = 0
    write: int | None = 0
    timeout: int | None = 0
    status: int | None = 0
    deadline: int | None = None
    other: int | None = None


class LatencySummary(Model):
    """Latency of successes in microseconds.

    **Service time** is from the request being sent to its last byte received. **Response time** is
    from the moment at which the request was due to its last byte received.

    Attributes:
        min: None where the tool does not tell (wrk's text has none).
        mean: None where the tool's print is cut short (wrk from 999.995 ms to 1 s).
        exact: derived from every success, not from a tool's own summary.
        percentiles: key `50`, `99.9`; None where fewer than 10 requests lie beyond
            or where the rank falls among timeouts.
    """

    count: int
    min: float | None
    mean: float | None
    max: float
    exact: bool
    source: LatencySource
    percentiles: dict[str, float | None]


@runtime_checkable
class LatencyCounts(Protocol):
    """What a record needs of a histogram (`bench.stats.histogram`): how JSON has it."""

    def pairs(self) -> list[tuple[int, int]]:
        """Ascending (microseconds, count)."""
        ...


class LoadResult(Model):
    """One measured window as one load tool saw it, over all of its processes.

    A **load tool** is a program that sends the requests: wrk, oha, paced, h2load. **Throughput**
    is the number of successful responses per second.

    Attributes:
        duration_s: the real window; the longest over the processes.
        requests: complete responses.
        ok: those of an expected status (as a tool tells it: 200 to 399), less wrk's timeouts.
        throughput_rps: ok / duration_s, summed over processes.
        bytes_kind: wire = headers included, body = decoded bodies.
        status: count per status code, None where the tool does not tell.
        histogram: latencies of complete responses, where all are known.
        sent: requests handed to the wire per request kind, None where the tool does not tell;
            in memory only.
        findings: what reading the output found (`histogram-mismatch`, `late-pacer`), in
            memory only: they stand among the trial's findings.
        pacing: how an exact schedule was kept, None where the tool has none; in memory only,
            it is part of the trial.
    """

    schema_version: int = SCHEMA_VERSION
    tool: str
    tool_version: str | None
    loop: Loop | None
    latency_kind: LatencyKind | None
    duration_s: float
    requests: int
    ok: int
    throughput_rps: float
    bytes_in: int
    bytes_kind: Literal["wire", "body"]
    status: dict[str, int] | None
    errors: ErrorCounts | None
    latency_us: LatencySummary | None
    histogram: InstanceOf[LatencyCounts] | None = None
    sent: tuple[int, ...] | None = Field(default=None, exclude=True)
    findings: tuple[Finding, ...] = Field(default=(), exclude=True)
    pacing: Pacing | None = Field(default=None, exclude=True)

    @field_serializer("histogram")
    def _as_pairs(self, histogram: LatencyCounts | None) -> list[tuple[int, int]] | None:
        return histogram.pairs() if histogram else None


def unanswered(errors: ErrorCounts | None, loop: Loop | None) -> int:
    """Requests that rank above all that were answered.

    Those that were answered too late, and in an open loop also those that were not when it
    ended: they were due. In a closed loop these are only what was under way just then.
    """
    if errors is None:
        return 0
    left = (errors.deadline or 0) if loop == "open" else 0
    return (errors.timeout or 0) + left
