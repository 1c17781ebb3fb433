"""The highest rate at which a server keeps a promise: the object of `bench capacity --json`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bench.model.base import SCHEMA_VERSION, Model

StepCause = Literal["kept", "broken", "behind", "errors", "died", "client", "pacer", "disturbed"]
"""What decided about a step; the last three: the load or other work, not the server."""

SearchEnd = Literal["found", "never", "bound", "most", "unsettled", "cut", "disturbed", "unusable"]
"""How a search ended; see `bench.stats.rate_search`. `unusable`: two trials in a row at one rate
showed nothing."""


class CapacityStep(Model):
    """One trial of a search.

    Attributes:
        rate_rps: offered.
        achieved_rps: answered, None where nothing was measured.
        p99_us: of the response times, None where fewer than ten requests lie beyond.
        why: what decided, in words; "" until a report is made.
        value_us: what the promise is about, as measured; None where it cannot be known.
        share: of the offered rate that was answered in time.
        whole: a whole trial, not a short one.
    """

    rate_rps: float
    achieved_rps: float | None
    p99_us: float | None
    holds: bool
    why: str = ""
    cause: StepCause = Field(default="kept", exclude=True)
    value_us: float | None = Field(default=None, exclude=True)
    share: float = Field(default=1.0, exclude=True)
    whole: bool = Field(default=False, exclude=True)
    trial: str = Field(default="", exclude=True)


class CapacityResult(Model):
    """What a search found for one server under one workload.

    Attributes:
        rate_rps: the answer; 0 where no rate keeps the promise.
        low: lower end of the interval.
        high: upper end, None where the answer is a lower bound.
        limit: what ended the search.
        at_least: the answer is a lower bound.
        profile: the load, without a rate.
        end: how the search ended.
        confirmed: by whole trials.
        reason: why a trial showed nothing, or "".
    """

    schema_version: int = SCHEMA_VERSION
    server: str
    workload: str
    promise: str
    rate_rps: float
    low: float
    high: float | None
    limit: Literal["server", "client", "pacer"]
    at_least: bool
    steps: tuple[CapacityStep, ...]
    profile: str = Field(default="", exclude=True)
    end: SearchEnd = Field(default="found", exclude=True)
    confirmed: bool = Field(default=False, exclude=True)
    reason: str = Field(default="", exclude=True)
