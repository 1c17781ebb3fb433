"""A profile of a server: what was sampled, where its CPU time went, and how far to trust that."""

from __future__ import annotations

from typing import Literal

from bench.model.base import SCHEMA_VERSION, Model
from bench.model.finding import Finding
from bench.model.trial import TrialRecord

Method = Literal["perf", "py-spy", "node"]


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
        samples: read ones; for V8's own profiler microseconds, since its samples have lengths.
        asked_per_cpu_s: samples per CPU second that were asked for, None where it has no rate.
        seen_per_cpu_s: samples per CPU second that the system counted for the server.
        lost_share: of samples that the profiler says it lost.
        error_share: of samples that it could not read.
        unreadable_share: of samples whose innermost frame has no name.
        single_share: of samples with one frame only, where a stack was to be expected.
    """

    samples: int
    asked_per_cpu_s: float | None
    seen_per_cpu_s: float | None
    lost_share: float
    error_share: float
    unreadable_share: float
    single_share: float


class Gil(Model):
    """The global interpreter lock, as far as the method sees it.

    Attributes:
        held_on_cpu: share of the window in which a thread that holds it ran on a CPU: the
            least that it was held, since a holder that was off the CPU is not seen.
        taking_share: share of CPU time spent in taking and releasing it.
        threads: threads seen taking it.
    """

    held_on_cpu: float
    taking_share: float
    threads: int


class Breakdown(Model):
    """Where the CPU time of one server went."""

    runtime: str
    slices: tuple[Slice, ...]
    functions: tuple[FunctionShare, ...]
    quality: Quality
    gil: Gil | None


class ProfileRecord(Model):
    """One profiled server: `profile.json` beside the raw profile.

    Attributes:
        runtime: which rules apply: python, node, native.
        interpreter: what the server ran with, or None; not always that of the measurements.
        frequency: samples per CPU second asked for.
        window_s: how long the profiler looked.
        plain: the trial without a profiler, just before.
        profiled: the trial with it; marked, and never compared.
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
    findings: tuple[Finding, ...] = ()

    @property
    def slowdown(self) -> float | None:
        """Share of the throughput that the profiler costs; None where a trial failed."""
        plain, profiled = self.plain.load, self.profiled.load
        if plain is None or profiled is None or plain.throughput_rps <= 0:
            return None
        return 1 - profiled.throughput_rps / plain.throughput_rps

    @property
    def cpu_us(self) -> float | None:
        """CPU microseconds per request without the profiler."""
        return cpu_us_per_request(self.plain)


def cpu_us_per_request(trial: TrialRecord) -> float | None:
    """CPU time of the server per complete response, in microseconds; None where unknown."""
    load, cpu = trial.load, trial.resources.server_cpu_s
    if load is None or cpu is None or load.requests == 0:
        return None
    # The sampler's span is a little longer than the window; both are of the same load.
    return cpu / load.requests * 1e6
