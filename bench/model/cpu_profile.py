"""A profile of a server: what was sampled, where its CPU time went, and how far to trust that."""

from __future__ import annotations

from math import prod
from typing import Literal

from bench.model.base import SCHEMA_VERSION, Model
from bench.model.finding import Finding
from bench.model.trial_record import TrialRecord, cpu_us_per_request

Method = Literal["perf", "py-spy", "node", "sample"]


class Slice(Model):
    """One category's part of the CPU time.

    Attributes:
        share: of all samples, 0 to 1.
        us_per_request: CPU per request of the trial without a profiler times the share, or None.
        note: what the category means where its name does not tell.
    """

    category: str
    samples: int
    share: float
    us_per_request: float | None
    note: str = ""


class FunctionShare(Model):
    """One function of the script (Python, JavaScript): share of samples that have it in the stack.

    Attributes:
        own_share: of samples in which it is the innermost function of the script.
    """

    name: str
    place: str
    share: float
    own_share: float


class Quality(Model):
    """What the profiler really saw.

    Attributes:
        samples: read ones of threads at work; for V8's own profiler microseconds, since its
            samples have lengths.
        asked_per_cpu_s: samples per CPU second that were asked for, None where it has no rate.
        seen_per_cpu_s: samples per CPU second that the system counted for the server.
        lost_share: of samples that the profiler says it lost.
        error_share: of samples that it could not read.
        unreadable_share: of samples whose innermost frame has no name.
        single_share: of samples with one frame only, where a stack was to be expected.
        waiting_share: of all samples, those of sleeping threads, which are left out.
    """

    samples: int
    asked_per_cpu_s: float | None
    seen_per_cpu_s: float | None
    lost_share: float
    error_share: float
    unreadable_share: float
    single_share: float
    waiting_share: float = 0.0


class Gil(Model):
    """The global interpreter lock, as far as the method sees it.

    Attributes:
        held_on_cpu: share of the window in which a thread that holds it ran on a CPU: the
            least that it was held, since perf does not see a holder that is off the CPU; None
            where the method is not perf.
        taking_share: share of CPU time spent in taking and releasing it; None likewise.
        threads: threads seen taking it after a wait (perf), or holding it (py-spy).
        held: share of py-spy's looks at which a thread held it, on a CPU or not; None else.
    """

    held_on_cpu: float | None
    taking_share: float | None
    threads: int
    held: float | None = None


class Breakdown(Model):
    """Where the CPU time of one server went.

    Attributes:
        refused: why nothing may be concluded from it, "" where the profiler saw enough.
    """

    runtime: str
    slices: tuple[Slice, ...]
    functions: tuple[FunctionShare, ...]
    quality: Quality
    gil: Gil | None
    refused: str = ""


class ProfileRecord(Model):
    """One profiled server: `profile.json` beside the raw profile.

    Attributes:
        runtime: which rules apply: python, node, native.
        interpreter: what the server ran with, or None; not always that of the measurements.
        frequency: samples per CPU second asked for.
        window_s: how long the profiler looked.
        plain: the trial without a profiler, just before.
        profiled: the trial with it; marked, and never compared.
        again: a second trial without a profiler, just after; None in older records.
    """

    schema_version: int = SCHEMA_VERSION
    bench_version: str
    server: str
    title: str
    workload: str
    method: Method
    runtime: str
    interpreter: str | None
    frequency: int
    window_s: float
    started: str
    lost: int = 0
    errors: int = 0
    plain: TrialRecord
    profiled: TrialRecord
    again: TrialRecord | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def slowdown(self) -> float | None:
        """What the profiler costs, as a share of what the server does per second without it.

        Closed loop: of the throughput. Open loop, where the rate is given: of the requests per
        CPU second. The trials before and after it are averaged geometrically, which cancels a
        steady drift. None where a trial failed.
        """
        speed = _requests_per_cpu_s if self.profiled.offered_rps is not None else _throughput
        without = [speed(trial) for trial in self.without]
        profiled = speed(self.profiled)
        if profiled is None or not all(without):
            return None
        return 1 - profiled / prod(value or 1.0 for value in without) ** (1 / len(without))

    @property
    def spread(self) -> float | None:
        """By how much the two trials without a profiler differ, a share; None with one trial.

        A slowdown below it cannot be distinguished from the difference between two equal trials.
        """
        speed = _requests_per_cpu_s if self.profiled.offered_rps is not None else _throughput
        values = [value for trial in self.without if (value := speed(trial))]
        return 1 - min(values) / max(values) if len(values) > 1 else None

    @property
    def without(self) -> tuple[TrialRecord, ...]:
        """The trials without a profiler, in the order in which they ran."""
        return (self.plain,) if self.again is None else (self.plain, self.again)

    @property
    def cpu_us(self) -> float | None:
        """CPU microseconds per request without the profiler: the mean of those trials."""
        found = [us for trial in self.without if (us := cpu_us_per_request(trial)) is not None]
        return sum(found) / len(found) if found else None


def _throughput(trial: TrialRecord) -> float | None:
    return trial.load.throughput_rps if trial.load else None


def _requests_per_cpu_s(trial: TrialRecord) -> float | None:
    us = cpu_us_per_request(trial)
    return 1e6 / us if us else None


class ServerProfile(Model):
    """One profile as a report of a run shows it: `profiles/<profile run>/shown.json` has a list.

    Attributes:
        folder: of the profile run, relative to the run; flame graphs lie in it.
        seen: throughput without and with the profiler in requests/s, None where a trial failed.
        slowdown: share of the throughput that the profiler costs, None where not known.
        spread: by how much the trials without it differ, a share; None with one of them.
        cpu_us: CPU microseconds per request without the profiler, None where not known.
        findings: about how it was taken and what was seen.
    """

    folder: str
    server: str
    title: str
    workload: str
    method: Method
    runtime: str
    interpreter: str | None
    started: str
    seconds: float
    seen: tuple[float | None, float | None]
    slowdown: float | None
    spread: float | None = None
    cpu_us: float | None
    breakdown: Breakdown
    findings: tuple[Finding, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Server and workload: of two profiles with the same key the later one is shown."""
        return self.server, self.workload


class ShownProfiles(Model):
    """What a report shows of one profile run, in the order in which servers were profiled."""

    schema_version: int = SCHEMA_VERSION
    profiles: tuple[ServerProfile, ...]


class ConversionPoint(Model):
    """One trial: CPU per request at one size; `us` is None where the trial is of no use."""

    server: str
    body_bytes: int
    round: int
    us: float | None
    status: str


class Conversion(Model):
    """All trials of one conversion experiment, in the order in which they ran."""

    schema_version: int = SCHEMA_VERSION
    bench_version: str
    started: str
    seed: int
    servers: tuple[str, ...]
    points: tuple[ConversionPoint, ...]

    def of(self, server: str) -> tuple[ConversionPoint, ...]:
        """The usable points of one server."""
        return tuple(p for p in self.points if p.server == server and p.us is not None)
