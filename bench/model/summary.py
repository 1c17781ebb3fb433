"""What a run says: estimates, verdicts, comparisons and findings (`bench report --as json`)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bench.model.base import SCHEMA_VERSION, GrownModel, Model
from bench.model.basis import Basis, WindowAdvice, WindowStep
from bench.model.capacity import CapacityResult
from bench.model.cpu_profile import Conversion, ServerProfile
from bench.model.database import DatabaseShare
from bench.model.finding import Finding
from bench.model.host_facts import Host
from bench.model.http_protocol import HttpProtocol
from bench.model.plan import LoadProfile, Plan, Skipped
from bench.model.scaling import Scaling
from bench.model.trial_record import Bound, Exchange, Handshakes, TrialRecord

Word = Literal[
    "faster",
    "slower",
    "less",
    "more",
    "equivalent",
    "inconclusive",
    "too-few-rounds",
    "not-comparable",
    "baseline",
]


class Verdict(Model):
    """A **verdict**: what may be said of a server against the baseline, for one metric.

    Attributes:
        text: the same in words; "" until a report is made.
        ratio: server / baseline of the raw metric.
        low: lower end of the 95 % interval of the ratio, None where there is none.
        p_holm: p after Holm's correction within workload x profile.
        beyond_margin: the whole interval lies beyond the margin.
        n: pairs of trials behind the ratio.
        basis: what its words are made of, in memory only.
    """

    word: Word
    text: str = ""
    ratio: float | None
    low: float | None
    high: float | None
    p_holm: float | None
    beyond_margin: bool
    n: int = Field(default=0, exclude=True)
    basis: Basis | None = Field(default=None, exclude=True)


class Metric(Model):
    """An **estimate**: geometric mean over rounds, its 95 % interval, number of trials."""

    value: float
    low: float | None
    high: float | None
    n: int
    verdict: Verdict | None


class Metrics(Model):
    """The estimates of a cell; None = not measured or not shown (see the cell's findings)."""

    throughput_rps: Metric | None = None
    requests_per_cpu_second: Metric | None = None
    p50_us: Metric | None = None
    p99_us: Metric | None = None
    cpu_us_per_request: Metric | None = None
    instructions_per_request: Metric | None = None
    rss_peak_bytes: Metric | None = None


class TrialCounts(Model):
    """How many trials of a cell ended how; re-runs count in place of what they repeat."""

    planned: int
    valid: int
    suspect: int
    invalid: int
    failed: int
    interrupted: int


class CellLatency(Model):
    """Latency merged over all usable trials, microseconds; None = the tool does not tell."""

    min: float | None
    mean: float | None
    max: float
    percentiles: dict[str, float | None]


class Cost(Model):
    """CPU per request against the baseline, from duets at an equal offered rate.

    Attributes:
        ratio: server / baseline.
        low: lower end of its 95 % interval, None where there is none.
        n: duets behind it.
        rate_rps: the rate that both were sent, None in runs that did not record it.
        cpu_us: server CPU microseconds per request in these duets.
        baseline_cpu_us: the same of the baseline beside it.
        floor: what two copies of the baseline may differ by under that workload, a share.
    """

    ratio: float | None
    low: float | None
    high: float | None
    n: int
    verdict: Verdict
    rate_rps: float | None = None
    cpu_us: float | None = None
    baseline_cpu_us: float | None = None
    floor: float | None = None


class CellLateness(Model):
    """From due to sent while a connection was free: the load generator's own; microseconds.

    Of each percentile the median over the usable trials.
    """

    p50: float | None
    p99: float | None


class CellSummary(GrownModel):
    """One server x workload x profile over all rounds.

    Attributes:
        cost: None where the matrix asks for none.
        load_share: of an open loop, the offered rate over what was reached saturated in this run
            (duets: by both together; blocks: by the slowest server).
        total_requests: sum over usable trials of complete responses; None without such a trial.
        errors: requests of these trials that did not succeed; None without such a trial.
        errors_excluded: those of the trials that are not counted, repeated ones too; None where
            no load was sent in one.
        bytes_per_s: bytes of response bodies per second.
        lateness_us: of an open loop on an exact schedule, else None.
        first_byte_us: of an open loop on an exact schedule, from when a request was due to the
            first byte of the body, median over trials of their medians; None where that is the
            time of the whole response, within a tenth.
        startup_s: from the start of the process to its first right answer, median over trials.
        first_request_s: what the first request of the workload took, median over trials.
        built_bytes: size of what its build made, None where it made nothing.
        database: what a request costs the database beside it; None where there is none.
        memory_slope_bytes_per_s: of resident memory in the second half of the window, mean.
        protocol: what was spoken.
        handshakes: of TLS where each request makes one: sums over usable trials; else None.
    """

    server: str
    workload: str
    profile: str
    trials: TrialCounts
    metrics: Metrics
    latency_us: CellLatency | None
    success_rate: float | None
    total_requests: int | None
    errors: int | None = None
    errors_excluded: int | None = None
    bytes_per_s: float | None
    offered_rps: float | None
    achieved_ratio: float | None
    lateness_us: CellLateness | None = None
    first_byte_us: float | None = None
    startup_s: float | None = None
    first_request_s: float | None = None
    built_bytes: int | None = None
    memory_slope_bytes_per_s: float | None = None
    protocol: HttpProtocol = "http"
    handshakes: Handshakes | None = None
    database: DatabaseShare | None = None
    bound: Bound
    findings: tuple[str, ...]
    cost: Cost | None = None
    load_share: float | None = None

    @classmethod
    def grown(cls) -> tuple[str, ...]:
        """Names of the fields that came later."""
        return ("first_byte_us", "database", "first_request_s", "built_bytes")


class Comparison(Model):
    """One verdict as a row."""

    server: str
    baseline: str
    workload: str
    profile: str
    metric: str
    verdict: Verdict


class CellDetail(Model):
    """What reports show of a cell beyond the summary; not part of the public JSON.

    Attributes:
        curve, tail: of trials whose p99 is compared; (percentile, us), percent below 2x median.
        rounds: (round, throughput_rps, status) of each trial in order, excluded ones too.
        warmup: requests/s per 250 ms, mean over trials.
        plateau_s: seconds of warm-up until 98 % of the plateau, or None.
        drift: change of the rate from first to last third, mean share; None where unknown.
        steps: lasting changes of more than 5 % inside single windows.
        spread: standard deviation of ln(throughput) from trial to trial, or None.
        first_request_s: what the first request of the workload took, median over trials.
        memory_slope: 95 % interval of the summary's, None below three trials.
    """

    server: str
    workload: str
    profile: str
    request_bytes: float | None
    body_bytes: float | None
    exchanges: tuple[Exchange, ...]
    curve: tuple[tuple[float, float], ...]
    rounds: tuple[tuple[int, float | None, str], ...]
    warmup: tuple[float, ...]
    plateau_s: float | None
    tail: float | None = None
    drift: float | None = None
    steps: tuple[WindowStep, ...] = ()
    spread: float | None = None
    first_request_s: float | None = None
    memory_slope: tuple[float, float] | None = None


class Summary(GrownModel):
    """The object of `bench report --as json`.

    Attributes:
        scaling: what sweeps show, a course for each server.
        measured_s: seconds that all trials took from start to stop, excluded ones too; builds,
            calibration and pauses are not part of it.
        window: None in a plan of duets, without closed loops, and below three rounds.
    """

    schema_version: int = SCHEMA_VERSION
    run_id: str
    title: str
    started: str
    finished: str | None
    host: Host
    baseline: str
    margin: float
    seed: int
    cells: tuple[CellSummary, ...]
    comparisons: tuple[Comparison, ...]
    noise_floor: float | None
    measured_s: float = 0.0
    window: WindowAdvice | None = None
    scaling: tuple[Scaling, ...] = ()
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]

    @classmethod
    def grown(cls) -> tuple[str, ...]:
        """Names of the fields that came later."""
        return ("scaling",)


class BuildRecord(GrownModel):
    """How a server was built: what stands in builds/<server>.json.

    Attributes:
        installed_bytes: of all files in the folder into which the build installed packages.
        version: as the server's own `version` command printed it, or None.
        runtime: interpreter or toolchain, such as `Python 3.11.7`, or None.
        stale: a source that is newer than the compiled program, although it was just built, or
            where nothing builds it; else None.
    """

    server: str
    hash: str
    version: str | None
    runtime: str | None
    commands: tuple[tuple[str, ...], ...]
    lockfile_sha256: str | None
    artefact_sha256: str | None
    artefact_bytes: int | None
    seconds: float
    cached: bool
    stale: str | None = None
    installed_bytes: int | None = None

    @classmethod
    def grown(cls) -> tuple[str, ...]:
        """Names of the fields that came later."""
        return ("installed_bytes",)


class RunInfo(Model):
    """run.json: what this run is, when it ran and how it ended.

    A **run** is one `bench run` (or `ab`, `try`, `capacity`), with what was resumed of it.

    Attributes:
        matrix_file: where the matrix lies, relative to the project; "" where there is none.
        resumed: when it was resumed, UTC.
        commit: of the project when the run began; None without git, and in older runs.
        dirty: whether tracked files of the project differed from that commit.
    """

    schema_version: int = SCHEMA_VERSION
    run_id: str
    bench_version: str
    matrix: str
    started: str
    finished: str | None
    exit_code: int | None
    argv: tuple[str, ...]
    resumed: tuple[str, ...] = ()
    imported: bool = False
    matrix_file: str = ""
    commit: str | None = None
    dirty: bool = False


class RunView(Model):
    """All that a report may see of a run; raw tool output is not part of it.

    Attributes:
        trials_sha256: hash of trials.jsonl.
        details: per cell, in the order of `summary.cells`.
        breakdowns: where the CPU time goes, of servers that were profiled for this run.
        conversions: experiments over body sizes that were made for it, the last one counts.
        capacities: what a search found, per server and workload.
    """

    info: RunInfo
    plan: Plan
    profiles: dict[str, LoadProfile]
    host: Host
    host_after: Host | None
    builds: dict[str, BuildRecord]
    trials: tuple[TrialRecord, ...]
    summary: Summary
    details: tuple[CellDetail, ...]
    trials_sha256: str
    breakdowns: tuple[ServerProfile, ...] = ()
    conversions: tuple[Conversion, ...] = ()
    capacities: tuple[CapacityResult, ...] = ()
