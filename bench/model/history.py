"""The history of a project: what is kept of a run, and the series made of it."""

from __future__ import annotations

from typing import Literal

from bench.model.base import SCHEMA_VERSION, Model

Cause = Literal["server", "machine", "unknown"]


class HistoryValue(Model):
    """One estimate of a cell: geometric mean over rounds, its 95 % interval, trials behind it."""

    server: str
    workload: str
    profile: str
    metric: str
    value: float
    low: float | None
    high: float | None
    n: int


class HistoryEntry(Model):
    """What is kept of one run: a small file that is meant to be committed.

    Attributes:
        commit: what the run measured, in full; `dirty` = with changes that are in no commit.
        subject: first line of the commit's message, "" where unknown.
        committed: when it was made, ISO 8601; None where unknown.
        date: when the run began, UTC.
        fingerprint: equal fingerprints = comparable runs.
        machine: in words, without names of users or hosts.
        reference: server whose values, in the same run, tell drifts of the machine: the
            ceiling server where it was measured, else the baseline.
    """

    schema_version: int = SCHEMA_VERSION
    run_id: str
    title: str
    commit: str
    dirty: bool
    subject: str
    committed: str | None
    date: str
    fingerprint: str
    machine: str
    bench_version: str
    reference: str
    values: tuple[HistoryValue, ...]


class SeriesPoint(Model):
    """One run in a series."""

    run_id: str
    commit: str
    date: str
    value: float
    low: float | None
    high: float | None
    fingerprint: str


class SeriesChange(Model):
    """A lasting shift of a series' level.

    Attributes:
        commit: of the first point on the new level.
        after: commit of the point before it: the cause lies in the commits after this one.
        index: of the first point on the new level.
        first_index: earliest such index that the data allow (95 %).
        last_index: latest.
        ratio: new level / old level, 95 % interval `low` to `high`.
        p: share of random orders of the points that look at least as much like a shift.
        worse: whether the new level is the worse one.
        cause: `server`: it shows against the reference of the same runs; `machine`: the
            reference itself shifted; `unknown`: there is no reference to hold it against.
    """

    commit: str
    ratio: float
    p: float
    low: float
    high: float
    after: str
    index: int
    first_index: int
    last_index: int
    worse: bool
    cause: Cause


class Series(Model):
    """One metric of one cell on one machine, oldest first."""

    server: str
    workload: str
    profile: str
    metric: str
    points: tuple[SeriesPoint, ...]
    changes: tuple[SeriesChange, ...]


class History(Model):
    """The object of `bench history --json`."""

    schema_version: int = SCHEMA_VERSION
    series: tuple[Series, ...]
