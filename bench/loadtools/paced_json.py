"""Reads the document of paced (scripts/paced/README.md says what each field means); pure."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, NonNegativeInt, ValidationError

from bench.errors import ParseError
from bench.model.base import Model
from bench.model.pacing import Arrivals

Counts = dict[str, NonNegativeInt]


class _Part(Model):
    """A part of the document; what a later version adds is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PacedSchedule(_Part):
    """Which part of which schedule this process sent; nanoseconds of the monotonic clock."""

    arrivals: Arrivals
    rate: float = Field(gt=0)
    seed: NonNegativeInt
    processes: int = Field(ge=1)
    window_ns: NonNegativeInt
    end_ns: NonNegativeInt


class PacedSettings(_Part):
    """As it was started."""

    connections: int
    spin_us: NonNegativeInt


class PacedRequests(_Part):
    """Requests due in the window, by what became of them."""

    due: NonNegativeInt
    sent: NonNegativeInt
    sent_from_queue: NonNegativeInt
    completed: NonNegativeInt
    ok: NonNegativeInt
    left_in_queue: NonNegativeInt
    left_in_flight: NonNegativeInt


class PacedKind(_Part):
    """One kind of request."""

    sent: NonNegativeInt


class PacedBytes(_Part):
    """Bytes of responses: decoded bodies."""

    in_body: NonNegativeInt


class PacedConnections(_Part):
    """Connections, from the first one on."""

    unsolicited: NonNegativeInt


class PacedBacklog(_Part):
    """What waited; completion times on the clock of the schedule, 0 = nothing was completed."""

    queue_most: NonNegativeInt
    end_in_queue: NonNegativeInt
    end_in_flight: NonNegativeInt
    first_completed_ns: NonNegativeInt
    last_completed_ns: NonNegativeInt


class PacedCpu(_Part):
    """From the beginning to the end of the window, as the process saw it."""

    over_ns: NonNegativeInt


class PacedTimes(_Part):
    """Summary of one histogram."""

    count: NonNegativeInt
    sum_ns: NonNegativeInt
    min_ns: NonNegativeInt
    max_ns: NonNegativeInt
    p50_us: NonNegativeInt
    p90_us: NonNegativeInt
    p99_us: NonNegativeInt
    p99_9_us: NonNegativeInt


class PacedArrivals(_Part):
    """Planned and actual intervals between requests that found a connection."""

    intervals: NonNegativeInt
    off_by_a_tenth: NonNegativeInt
    distance: float


class PacedSeries(_Part):
    """Counts per step of the window and of the time after it."""

    step_ms: int = Field(ge=1)
    sent: tuple[NonNegativeInt, ...]
    completed: tuple[NonNegativeInt, ...]
    response_sum_ns: tuple[NonNegativeInt, ...]


class PacedReport(_Part):
    """The document of one process."""

    format: Literal["paced 1"]
    version: str
    ended: Literal["complete", "drain", "interrupted"]
    schedule: PacedSchedule
    settings: PacedSettings
    requests: PacedRequests
    status: Counts
    wrong_status: NonNegativeInt
    wrong_length: NonNegativeInt
    errors: Counts
    kinds: tuple[PacedKind, ...]
    bytes: PacedBytes
    connections: PacedConnections
    backlog: PacedBacklog
    cpu: PacedCpu
    response: PacedTimes
    lateness_free: PacedTimes
    lateness_queued: PacedTimes
    arrivals: PacedArrivals
    series: PacedSeries


def read(text: str) -> PacedReport:
    """Read the document, and check that it adds up.

    Raises:
        ParseError: it is not one, is cut off, or its sums do not agree.
    """
    try:
        report = PacedReport.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise ParseError(
            f"this is not what paced writes, {place}: {first['msg']}", excerpt=text[:80]
        ) from error
    problem = _contradiction(report)
    if problem:
        raise ParseError(f"the counts of paced contradict each other: {problem}")
    return report


def _contradiction(report: PacedReport) -> str:
    counts = report.requests
    ended = counts.completed + sum(report.errors.values()) + counts.left_in_flight
    wrong = report.wrong_status + report.wrong_length
    if counts.due != counts.sent + counts.left_in_queue:
        return f"{counts.due} due, {counts.sent} sent, {counts.left_in_queue} left"
    if counts.sent != ended:
        return f"{counts.sent} sent, {ended} ended"
    if counts.completed != counts.ok + wrong or sum(report.status.values()) != counts.completed:
        return f"{counts.completed} completed, {counts.ok} ok, {wrong} wrong"
    if report.response.count != counts.ok:
        return f"{counts.ok} ok, {report.response.count} response times"
    return ""
