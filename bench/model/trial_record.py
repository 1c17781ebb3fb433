"""What became of one trial: status with reasons, what was run, what was measured."""

from __future__ import annotations

import math
from typing import Literal

from bench.model.base import SCHEMA_VERSION, GrownModel, Model
from bench.model.database import DatabaseRecord
from bench.model.finding import Finding
from bench.model.load_result import LoadResult
from bench.model.machine_part import MachinePart
from bench.model.pacing import Pacing
from bench.model.plan import Cell

Status = Literal["valid", "suspect", "invalid", "failed", "interrupted"]
Bound = Literal["server", "client", "neither", "unknown"]


class Phases(Model):
    """Seconds spent in each part of a trial; monotonic clock.

    Attributes:
        drain: the tool finishing its own writing, the server finishing its backlog.
    """

    start: float = 0.0
    verify: float = 0.0
    warmup: float = 0.0
    window: float = 0.0
    drain: float = 0.0
    stop: float = 0.0
    total: float = 0.0


class CommandRecord(Model):
    """A command that can be repeated by hand; secrets in env are shown as `***`."""

    argv: tuple[str, ...]
    env: dict[str, str]
    cpus: tuple[int, ...] | None
    pid: int | None
    rc: int | None


class ServerRecord(GrownModel):
    """The server process of a trial.

    Attributes:
        threads: of its process group at the end of the window, None where unreadable.
        processes: of its process group at the end of the window.
        database: what stood beside it; None where it needed none.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    cpus: tuple[int, ...] | None
    port: int
    pid: int | None
    threads: int | None = None
    processes: int | None = None
    database: DatabaseRecord | None = None

    @classmethod
    def grown(cls) -> tuple[str, ...]:
        """Names of the fields that came later."""
        return ("database",)


class Exchange(Model):
    """One verified request and its response; sizes in bytes as sent and received.

    Attributes:
        response_wire_bytes: status line and headers included.
        interim: interim answers (1xx) that came before it.
        until_close: its body has no length and ends with the connection.
        says_close: it tells the client to close the connection.
        request_text: the body, shortened for the report.
    """

    weight: int
    method: str
    path: str
    request_bytes: int
    response_bytes: int
    response_wire_bytes: int
    status: int
    interim: int = 0
    until_close: bool = False
    says_close: bool = False
    request_text: str
    response_text: str


class Resources(GrownModel):
    """Deltas of the measured window; None where the system does not tell.

    A **sample** is one reading in a window; the series of a trial are made of them.

    Attributes:
        server_cpu_s: CPU time of the server's process group.
        database_cpu_s: of the database beside it, which that leaves out.
        load_cpu_s: CPU time of each load tool process.
        span_s: length of time between the two readings.
        server_busy: busiest share of the server's CPUs or of one of its threads, 0 to 1.
        load_busy: busiest load process's share of one CPU, 0 to 1.
        server_fast_share: share of the server's CPU time that ran on the fastest kind of core,
            0 to 1; None where the system does not tell it per process.
        rss_peak_bytes: highest seen sum over the group, shared pages counted once (PSS).
        memory_slope_bytes_per_s: of resident memory (shared pages in each process) over the second
            half of the time under load, by least squares.
        harness_cpu_s: CPU time of `bench` itself.
    """

    server_cpu_s: float | None = None
    database_cpu_s: float | None = None
    load_cpu_s: tuple[float, ...] = ()
    span_s: float | None = None
    server_busy: float | None = None
    load_busy: float | None = None
    server_fast_share: float | None = None
    rss_peak_bytes: int | None = None
    memory_slope_bytes_per_s: float | None = None
    voluntary_switches: int | None = None
    involuntary_switches: int | None = None
    instructions: int | None = None
    cycles: int | None = None
    harness_cpu_s: float | None = None
    harness_rss_bytes: int | None = None
    unavailable: dict[str, str] = {}

    @classmethod
    def grown(cls) -> tuple[str, ...]:
        """Names of the fields that came later."""
        return ("database_cpu_s",)


class Counters(Model):
    """System-wide counters as deltas of the measured window; None where unreadable.

    Attributes:
        steal_share: of our CPUs' time, given to others by the hypervisor.
        others_share: of our CPUs' time, used by processes that are not ours.
        retransmits_needless: those of which the receiver reported that it had the data already
            (duplicate SACK, RFC 2883): nothing was lost.
        connections_seen: most established connections at the server's port.
        cpu_stall_us: time in which a task waited for a CPU, on the whole machine; recorded,
            never a reason, since a loaded CPU makes it by itself.
        core_busy_s: CPU seconds that each kind of core was busy, for whichever process, the fastest
            first; empty where all are of one kind, or the kinds cannot be told apart.
        work_us: CPU microseconds of one fixed computation on the server's CPUs, the mean of right
            before and right after the window: more than in other trials is slower cores; None
            where a thread cannot be held on a core (macOS).
    """

    steal_share: float | None = None
    others_share: float | None = None
    throttled_us: int | None = None
    cpu_throttle_events: int | None = None
    retransmits: int | None = None
    retransmits_needless: int | None = None
    listen_overflows: int | None = None
    swap_pages: int | None = None
    frequency_mhz_before: float | None = None
    frequency_mhz_after: float | None = None
    wall_minus_monotonic_s: float | None = None
    connections_seen: int | None = None
    cpu_stall_us: int | None = None
    power_source: str | None = None
    thermal_pressure: str | None = None
    low_power: bool | None = None
    core_busy_s: dict[str, float] = {}
    work_us: float | None = None


class SidechannelResult(Model):
    """What the questions beside the load and right after it were answered.

    Attributes:
        under_load: how many of those asked were asked while the load went on.
        first_wrong: the first wrong answer, with what was expected.
    """

    asked: int = 0
    under_load: int = 0
    right: int = 0
    wrong: int = 0
    unanswered: int = 0
    first_wrong: str = ""


class Handshakes(Model):
    """TLS handshakes of a window with a connection per request.

    Attributes:
        whole: those in which the server showed its certificate; None = not counted.
        resumed: those in which it took an earlier session up again; None = not counted.
        resumes: whether it took up a session of ours when asked to; where it does not, all are
            whole.
    """

    whole: int | None = None
    resumed: int | None = None
    resumes: bool


class Partner(Model):
    """The baseline's part in a duet: measured over the same window as the trial's own server.

    Attributes:
        server: name of the baseline's arm.
        first: whether it was started before the other server.
    """

    server: str
    server_process: ServerRecord | None
    load: LoadResult | None
    pacing: Pacing | None = None
    resources: Resources
    counters: Counters
    exchanges: tuple[Exchange, ...]
    sidechannel: SidechannelResult
    warmup_series: tuple[float, ...] = ()
    window_series: tuple[float, ...] = ()
    cpu_series: tuple[float, ...] = ()
    start_s: float
    first: bool
    build_hash: str | None = None
    startup_s: float | None = None
    first_request_s: float | None = None


class TrialRecord(GrownModel):
    """One finished trial; one line of trials.jsonl, and trial.json in its folder.

    A **trial** is one cell in one round: a fresh server, warm-up, window; what is repeated. The
    **validity** of a trial, its `status`, says whether it is to be believed; a verdict is never
    about a trial.

    Attributes:
        trial: its id; `<id>.2` is a re-run of an invalid one.
        order: position in which it was run, from 0.
        started: UTC, ISO 8601.
        reasons: finding codes that decided the status.
        overhead_s: total less start, declared warm-up and window, drain and stop.
        detail: one sentence for the terminal when the trial is not valid.
        pacing: how an exact schedule was kept; None where the load tool has none.
        warmup_series: bytes/s over the loopback interface per 250 ms of the warm-up's load.
        window_series: the same for the window.
        cpu_series: CPU seconds per second that the server used, in the same bins of the window.
        partner: of a duet, the baseline's part; None in a trial of one server alone.
        startup_s: from the start of the process to the first right answer on its ready path, asked
            every 10 ms; None where `bench` did not start it.
        first_request_s: what the first request of the workload took, on a fresh connection.
        handshakes: None without TLS, and where connections are kept.
        raw_sha256: file name -> hash of every raw output kept beside trial.json.
        machines: what each machine did, where server and load have machines of their own.
    """

    schema_version: int = SCHEMA_VERSION
    trial: str
    server: str
    workload: str
    profile: str
    round: int
    order: int
    started: str
    status: Status
    reasons: tuple[str, ...]
    detail: str
    phases_s: Phases
    overhead_s: float | None
    commands: tuple[CommandRecord, ...]
    server_process: ServerRecord | None
    load: LoadResult | None
    offered_rps: float | None
    pacing: Pacing | None = None
    resources: Resources
    counters: Counters
    bound: Bound
    exchanges: tuple[Exchange, ...]
    sidechannel: SidechannelResult = SidechannelResult()
    warmup_series: tuple[float, ...] = ()
    window_series: tuple[float, ...] = ()
    cpu_series: tuple[float, ...] = ()
    findings: tuple[Finding, ...]
    build_hash: str | None = None
    partner: Partner | None = None
    startup_s: float | None = None
    first_request_s: float | None = None
    handshakes: Handshakes | None = None
    raw_sha256: dict[str, str] = {}
    machines: tuple[MachinePart, ...] = ()

    @classmethod
    def grown(cls) -> tuple[str, ...]:
        """Names of the fields that came later."""
        return ("machines",)

    @property
    def usable(self) -> bool:
        """Whether it enters estimates: n = valid + suspect."""
        return self.status in ("valid", "suspect")

    @property
    def cell(self) -> Cell:
        """The cell this is a trial of."""
        return Cell(server=self.server, workload=self.workload, profile=self.profile)


def lied(record: TrialRecord) -> bool:
    """Whether its server gave a wrong answer once it was under load or after it.

    What it answered to the requests that nobody looked at is not known, in this trial and in
    the others of its cell.
    """
    return record.status == "invalid" and "wrong-response" in record.reasons


def cpu_us_per_request(part: TrialRecord | Partner) -> float | None:
    """Server CPU microseconds per successful request; None where unknown.

    The same in tables, profiles and conversions, so that they compare. Where the clocks were
    read over a span shorter than the window, the requests are taken in proportion; a longer
    span holds no further requests.
    """
    return _per_request(part, part.resources.server_cpu_s)


def database_us_per_request(part: TrialRecord | Partner) -> float | None:
    """The same of the database beside the server; None where there is none."""
    return _per_request(part, part.resources.database_cpu_s)


def _per_request(part: TrialRecord | Partner, used: float | None) -> float | None:
    load = part.load
    if load is None or not load.ok or not used:
        return None
    cost = used * 1e6 / (load.ok * span_share(part))
    return cost if math.isfinite(cost) else None  # a damaged record: not a figure


def span_share(part: TrialRecord | Partner) -> float:
    """Share of the window over which the clocks were read, at most 1."""
    span = part.resources.span_s
    if part.load is None or not span or not part.load.duration_s:
        return 1.0
    return min(1.0, span / part.load.duration_s)
