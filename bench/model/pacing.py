"""How a load tool with an exact schedule kept to it."""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import Field, InstanceOf

from bench.model.base import GrownModel, Model

Arrivals = Literal["poisson", "even"]


@runtime_checkable
class Counted(Protocol):
    """An exact histogram (`bench.stats.histogram`), of which this much is asked here."""

    def percentile(self, percent: float, *, censored: int = 0) -> int | None:
        """The value of that rank, None where too few lie beyond it."""
        ...

    def pairs(self) -> list[tuple[int, int]]:
        """Ascending (microseconds, count)."""
        ...


class Spread(Model):
    """Some percentiles of an exact histogram, microseconds; None = too few lie beyond."""

    p50: int | None
    p99: int | None
    max: int


class ScheduleSeries(Model):
    """What happened in steps of equal length from the start of the window on.

    Attributes:
        sent: requests sent in each step.
        completed: whole responses that came in each.
        response_us: sum of the response times of those.
    """

    step_s: float
    sent: tuple[int, ...]
    completed: tuple[int, ...]
    response_us: tuple[int, ...]


class Pacing(GrownModel):
    """One window of an open loop on an exact schedule, over all load processes.

    Attributes:
        seed: of random arrivals; the schedule follows from it, the rate and the window.
        spin_us: how long before a due time each process looked at the clock instead of sleeping.
        window_s: the window as planned.
        due: requests that fell due in it.
        sent: those that were sent, `from_queue` of them after waiting for a connection.
        queue_most: longest queue of one process.
        lateness_us: from due to sent where a connection was free: the load tool's own fault.
        queued_us: the same where none was: the server's.
        service_us: from sent to the last byte.
        first_byte_us: from due to the first byte of the body.
        failures: requests without a whole response, by kind.
        unsolicited: connections on which bytes came that nobody had asked for.
        arrivals_off: how unlike intervals were those planned: random arrivals, the greatest
            difference of the two distributions (Kolmogorov-Smirnov, 0 to 1); even ones, the share
            of intervals that were off by more than a tenth.
        intervals: how many intervals that is made of.
        off_by_a_tenth: of those, how many were off by more than a tenth of the mean one.
        late_free: all of `lateness_us`; in memory only, like all that follow.
        series: of the window and of the time after it in which responses came.
    """

    arrivals: Arrivals
    seed: int
    rate_rps: float
    spin_us: int
    window_s: float
    due: int
    sent: int
    from_queue: int
    queue_most: int
    lateness_us: Spread | None
    queued_us: Spread | None
    service_us: Spread | None
    first_byte_us: Spread | None = None
    failures: dict[str, int]
    unsolicited: int
    arrivals_off: float | None
    intervals: int
    off_by_a_tenth: int
    late_free: InstanceOf[Counted] | None = Field(default=None, exclude=True)
    late_queued: InstanceOf[Counted] | None = Field(default=None, exclude=True)
    service: InstanceOf[Counted] | None = Field(default=None, exclude=True)
    planned: InstanceOf[Counted] | None = Field(default=None, exclude=True)
    actual: InstanceOf[Counted] | None = Field(default=None, exclude=True)
    first_byte: InstanceOf[Counted] | None = Field(default=None, exclude=True)
    series: ScheduleSeries | None = Field(default=None, exclude=True)

    @classmethod
    def grown(cls) -> tuple[str, ...]:
        """Names of the fields that came later."""
        return ("first_byte_us",)

    def told(self) -> Pacing:
        """What a record keeps of it: without the histograms, which are in the raw output."""
        kept: dict[str, Any] = {
            name: None for name, field in type(self).model_fields.items() if field.exclude
        }
        return self.replace(**kept)
