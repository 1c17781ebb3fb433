"""Builds synthetic runs from known truth, for tests of the analysis and of reports.

    data = run_data({"axum": Truth(rps=60_000), "spikard": Truth(rps=17_000)})
    view = run_view(data)

Everything is drawn from `seed`; `edit` changes or drops (returns None) single trials.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from bench.analysis import RunData
from bench.model.copies import mark_copies
from bench.model.finding import CODES, Finding
from bench.model.host_facts import (
    Cluster,
    CpuInfo,
    Host,
    MachineInfo,
    OsInfo,
    PowerInfo,
    ThermalInfo,
)
from bench.model.load_result import PERCENTILES, ErrorCounts, LatencySummary, LoadResult
from bench.model.plan import Arm, Cell, CpuSplit, LoadProfile, Pinning, Plan, PlannedTrial, Skipped
from bench.model.server_config import ServerConfig
from bench.model.summary import BuildRecord, RunInfo, RunView
from bench.model.trial_record import (
    Bound,
    CommandRecord,
    Counters,
    Exchange,
    Phases,
    Resources,
    ServerRecord,
    SidechannelResult,
    TrialRecord,
)
from bench.stats.histogram import Histogram

if TYPE_CHECKING:
    from bench.model.finding import Severity

SMALL_BODY = '{"name":"Widget","price":19.99,"tags":["a","b"],"in_stock":true,"qty":42}'.ljust(86)
PINNED = Pinning(state="pinned", reason="affinity set before exec")

Edit = Callable[[TrialRecord], TrialRecord | None]


class Truth(NamedTuple):
    """What a server is really like.

    Attributes:
        rps: capacity in a closed loop.
        noise: standard deviation of ln(rate) from trial to trial.
        sigma: of the log-normal latency distribution.
        open_us: median response time in an open loop.
        cpu_us: server CPU per request.
        drift: ln(last third / first third) of the rate inside each window.
        ramp_s: time constant of the warm-up.
        server: id of the server behind this arm (a second arm of it), "" = the arm's name.
        growth: bytes per second by which its memory grows.
    """

    rps: float = 60_000.0
    noise: float = 0.01
    sigma: float = 0.35
    open_us: float = 400.0
    cpu_us: float = 16.0
    rss: int = 24_000_000
    drift: float = 0.0
    ramp_s: float = 0.1
    bound: Bound = "server"
    server: str = ""
    language: str = "Rust"
    env: tuple[tuple[str, str], ...] = ()
    growth: float = 0.0


def closed_profile(
    profile_id: str = "wrk-c50",
    *,
    tool: str = "wrk",
    connections: int = 50,
    duration_s: float = 5.0,
) -> LoadProfile:
    """A closed loop over one process."""
    return LoadProfile(
        id=profile_id,
        tool=tool,
        loop="closed",
        connections=connections,
        processes=1,
        warmup_s=2.0,
        duration_s=duration_s,
        timeout_s=10.0,
    )


def open_profile(
    profile_id: str = "oha-c50-r2000",
    *,
    rate_rps: float | None = 2000.0,
    share: float | None = None,
    duration_s: float = 5.0,
) -> LoadProfile:
    """An open loop by oha."""
    return LoadProfile(
        id=profile_id,
        tool="oha",
        loop="open",
        connections=50,
        rate_rps=rate_rps,
        rate_share=share,
        processes=1,
        warmup_s=2.0,
        duration_s=duration_s,
        timeout_s=10.0,
    )


def host(*, model: str = "AMD EPYC 7763 64-Core Processor", fingerprint: str = "f00d") -> Host:
    """A 2-CPU Linux virtual machine."""
    return Host(
        system="linux",
        os=OsInfo(name="Debian GNU/Linux", version="12", build=None, kernel="6.1.0-18-amd64"),
        machine=MachineInfo(model="Standard PC", vendor="QEMU", virtual=True, translated=None),
        cpu=CpuInfo(
            model=model,
            physical=2,
            logical=2,
            clusters=(Cluster(name="all", cores=2, l2_bytes=524_288),),
            smt=False,
            governor="performance",
            turbo=None,
            base_mhz=2450.0,
            max_mhz=3500.0,
        ),
        memory_bytes=8_000_000_000,
        power=PowerInfo(source="ac", low_power=None),
        thermal=ThermalInfo(throttled=False, pressure=None),
        limits={"nofile": 1_048_576},
        pinning=PINNED,
        fingerprint=fingerprint,
        findings=(),
        unavailable={"cpu.turbo": "no cpufreq driver"},
        tools={"wrk": "4.1.0", "oha": "1.16.0", "python": "3.11.7"},
    )


@cache
def lognormal(total: int, median_us: int, sigma: float) -> dict[int, int]:
    """Counts per microsecond of `total` latencies, exact in sum; buckets grow by 1 %."""
    edges = sorted({round(median_us * math.exp(sigma * k / 25)) for k in range(-100, 126)} - {0})
    counts: dict[int, int] = {}
    seen = 0
    for edge in edges:
        share = 0.5 * (1 + math.erf(math.log(edge / median_us) / (sigma * math.sqrt(2))))
        count = round(total * share) - seen
        if count > 0:
            counts[edge] = count
            seen += count
    if total > seen:
        counts[edges[-1]] = counts.get(edges[-1], 0) + total - seen
    return counts


def latency_summary(counts: Mapping[int, int], tool: str) -> LatencySummary | None:
    """The summary that a parser makes of a histogram."""
    total = sum(counts.values())
    if not total:
        return None
    return LatencySummary(
        count=total,
        min=min(counts),
        mean=sum(us * n for us, n in counts.items()) / total,
        max=max(counts),
        exact=True,
        source="raw" if tool == "wrk" else "intended-time",
        percentiles={f"{q:g}": _rank(counts, total, q) for q in PERCENTILES},
    )


def _rank(counts: Mapping[int, int], total: int, q: float) -> float | None:
    if total * (1 - q / 100) < 10:
        return None
    rank, seen = math.ceil(total * q / 100), 0
    for us in sorted(counts):
        seen += counts[us]
        if seen >= rank:
            return float(us)
    return None


class _Drawn(NamedTuple):
    trial: TrialRecord
    counts: dict[int, int]


def _plan(
    servers: Mapping[str, Truth],
    *,
    workloads: Sequence[str],
    profiles: Sequence[LoadProfile],
    rounds: int,
    rng: random.Random,
    baseline: str,
    margin: float,
    skipped: tuple[Skipped, ...],
) -> Plan:
    cells = tuple(
        Cell(server=s, workload=w, profile=p.id)
        for w in workloads
        for p in profiles
        for s in servers
    )
    trials: list[PlannedTrial] = []
    for number in range(1, rounds + 1):
        block = [PlannedTrial(id=f"r{number:02d}-{c.id}", round=number, cell=c) for c in cells]
        rng.shuffle(block)
        trials += block
    plan = Plan(
        matrix="synthetic",
        title="Synthetic run",
        seed=7,
        rounds=rounds,
        max_rounds=12,
        precision=None,
        margin=margin,
        baseline=baseline,
        design="blocks",
        arms=tuple(arm(name, truth) for name, truth in servers.items()),
        workloads=tuple(workloads),
        workload_titles={w: w.replace("-", " ").capitalize() for w in workloads},
        profiles=tuple(profiles),
        cells=cells,
        trials=tuple(trials),
        cpus=CpuSplit(
            server=(0,), load=(1,), housekeeping=(1,), server_count=1, load_count=1, pinning=PINNED
        ),
        skipped=skipped,
        estimated_s=7.5 * len(trials),
    )
    return mark_copies(plan)


def arm(name: str, truth: Truth) -> Arm:
    """A server as it stands in a plan."""
    server = truth.server or name
    return Arm(
        name=name,
        server=server,
        folder=f"/project/servers/{server}",
        config=ServerConfig(
            title=f"{server.capitalize()} ({truth.language})",
            language=truth.language,
            style="async def handlers",
            run=["./app"],
        ),
        env=dict(truth.env),
        hash=f"hash-{server}",
    )


def exchange(body_bytes: int, weight: int = 1) -> Exchange:
    """One verified POST of a body that is answered with itself."""
    return Exchange(
        weight=weight,
        method="POST",
        path="/json/small",
        request_bytes=body_bytes,
        response_bytes=body_bytes,
        response_wire_bytes=body_bytes + 121,
        status=200,
        request_text=SMALL_BODY,
        response_text=SMALL_BODY,
    )


def series(rate: float, seconds: float, *, drift: float = 0.0, ramp_s: float = 0.0) -> list[float]:
    """Requests/s per 250 ms: a ramp towards `rate`, or a slope of `drift` between outer thirds."""
    bins = round(seconds * 4)
    out = []
    for k in range(bins):
        slope = drift * 1.5 * ((k + 0.5) / bins - 0.5)
        rise = 1 - math.exp(-(k + 0.5) * 0.25 / ramp_s) if ramp_s else 1.0
        out.append(rate * rise * math.exp(slope))
    return out


def _draw(
    planned: PlannedTrial,
    order: int,
    *,
    truth: Truth,
    profile: LoadProfile,
    body_bytes: int,
    block: float,
    rng: random.Random,
) -> _Drawn:
    speed = math.exp(block + rng.gauss(0, truth.noise))
    is_open = profile.loop == "open"
    capacity = truth.rps * speed * (86 / body_bytes) ** 0.2
    rate = min(profile.rate_rps or 0.0, capacity) if is_open else capacity
    ok = round(rate * profile.duration_s)
    median = truth.open_us / speed
    if not is_open:
        median = profile.connections / rate * 1e6 / math.exp(truth.sigma**2 / 2)
    counts = lognormal(ok, max(1, round(median)), truth.sigma)
    load = LoadResult(
        tool=profile.tool,
        tool_version="4.1.0" if profile.tool == "wrk" else "1.16.0",
        loop=profile.loop,
        latency_kind="response" if is_open else "service",
        duration_s=profile.duration_s,
        requests=ok,
        ok=ok,
        throughput_rps=ok / profile.duration_s,
        bytes_in=ok * (body_bytes + 121),
        bytes_kind="wire" if profile.tool == "wrk" else "body",
        status={"200": ok},
        errors=ErrorCounts(deadline=None if profile.tool == "wrk" else 0),
        latency_us=latency_summary(counts, profile.tool),
    )
    cpu = truth.cpu_us * math.exp(rng.gauss(0, truth.noise)) * (body_bytes / 86) ** 0.2
    trial = TrialRecord(
        trial=planned.id,
        server=planned.cell.server,
        workload=planned.cell.workload,
        profile=planned.cell.profile,
        round=planned.round,
        order=order,
        started=f"2026-11-23T12:{order * 7 // 60 % 60:02d}:{order * 7 % 60:02d}Z",
        status="valid",
        reasons=(),
        detail="",
        phases_s=Phases(
            start=0.2,
            verify=0.01,
            warmup=profile.warmup_s,
            window=profile.duration_s,
            drain=0.05,
            stop=0.1,
            total=0.5 + profile.warmup_s + profile.duration_s,
        ),
        overhead_s=0.14,
        commands=(
            CommandRecord(argv=(profile.tool, "-c", "50"), env={}, cpus=(1,), pid=4242, rc=0),
        ),
        server_process=ServerRecord(
            argv=("./app",), env={}, cpus=(0,), port=18080, pid=4141, threads=2, processes=1
        ),
        load=load,
        offered_rps=profile.rate_rps,
        resources=Resources(
            server_cpu_s=cpu * ok / 1e6,
            load_cpu_s=(0.6 * profile.duration_s,),
            span_s=profile.duration_s,
            server_busy=0.99 if truth.bound == "server" else 0.4,
            load_busy=0.98 if truth.bound == "client" else 0.6,
            rss_peak_bytes=round(truth.rss * math.exp(rng.gauss(0, truth.noise / 2))),
            memory_slope_bytes_per_s=truth.growth + 1000.0 * (planned.round % 3 - 1),
            unavailable={"instructions": "perf events are not supported here"},
        ),
        counters=Counters(steal_share=0.002, others_share=0.001, retransmits=0),
        bound=truth.bound,
        exchanges=(exchange(body_bytes),),
        sidechannel=SidechannelResult(asked=10, right=10),
        warmup_series=tuple(series(rate, profile.warmup_s, ramp_s=truth.ramp_s)),
        window_series=tuple(
            value * math.exp(rng.gauss(0, 0.005))
            for value in series(rate, profile.duration_s, drift=truth.drift)
        ),
        findings=(),
        build_hash=f"hash-{truth.server or planned.cell.server}",
        startup_s=0.2,
        first_request_s=0.003 + 0.0001 * planned.round,
        raw_sha256={"load-0/stdout": hashlib.sha256(planned.id.encode()).hexdigest()},
    )
    return _Drawn(trial, counts)


BODY_BYTES = {"json-small": 86, "json-medium": 4096, "json-large": 40_960, "plaintext": 13}
"""Body size per workload id; 86 for any other."""


def run_data(
    servers: Mapping[str, Truth],
    *,
    workloads: Sequence[str] = ("json-small",),
    profiles: Sequence[LoadProfile] | None = None,
    rounds: int = 5,
    seed: int = 1,
    block_noise: float = 0.03,
    baseline: str | None = None,
    margin: float = 0.02,
    edit: Edit | None = None,
    findings: tuple[Finding, ...] = (),
    skipped: tuple[Skipped, ...] = (),
) -> RunData:
    """A run whose trials follow `servers`; the first is the baseline unless named."""
    rng = random.Random(seed)
    chosen = tuple(profiles or (closed_profile(),))
    plan = _plan(
        servers,
        workloads=workloads,
        profiles=chosen,
        rounds=rounds,
        rng=rng,
        baseline=baseline if baseline is not None else next(iter(servers)),
        margin=margin,
        skipped=skipped,
    )
    by_id = {profile.id: profile for profile in chosen}
    blocks = [rng.gauss(0, block_noise) for _ in range(rounds + 1)]
    drawn = [
        _draw(
            planned,
            order,
            truth=servers[planned.cell.server],
            profile=by_id[planned.cell.profile],
            body_bytes=BODY_BYTES.get(planned.cell.workload, 86),
            block=blocks[planned.round],
            rng=rng,
        )
        for order, planned in enumerate(plan.trials)
    ]
    edited = [edit(each.trial) if edit else each.trial for each in drawn]
    histograms = {each.trial.trial: Histogram.of(each.counts) for each in drawn}
    return RunData(
        info=RunInfo(
            run_id="20261123T120000Z-synthetic-abc123",
            bench_version="0.1.0",
            matrix="synthetic",
            started="2026-11-23T12:00:00Z",
            finished="2026-11-23T12:10:00Z",
            exit_code=0,
            argv=("run", "synthetic"),
        ),
        plan=plan,
        host=host(),
        host_after=host(),
        trials=tuple(trial for trial in edited if trial is not None),
        histogram=histograms.get,
        builds={each.server: build(each.server) for each in plan.arms},
        findings=findings,
    )


def build(server: str) -> BuildRecord:
    """A finished build of a server."""
    return BuildRecord(
        server=server,
        hash=f"hash-{server}",
        version=f"{server} 0.8.1",
        runtime="rustc 1.88.0",
        commands=(("cargo", "build", "--release"),),
        lockfile_sha256="0" * 64,
        artefact_sha256="1" * 64,
        artefact_bytes=4_000_000,
        seconds=31.0,
        cached=False,
    )


def run_view(data: RunData) -> RunView:
    """The run as reports see it, analyzed."""
    from bench.analysis import analyze  # noqa: PLC0415 - trials can be built without it

    summary, details = analyze(data)
    lines = "".join(trial.trial for trial in data.trials)
    return RunView(
        info=data.info,
        plan=data.plan,
        profiles={profile.id: profile for profile in data.plan.profiles},
        host=data.host,
        host_after=data.host_after,
        builds=data.builds,
        trials=data.trials,
        summary=summary,
        details=details,
        trials_sha256=hashlib.sha256(lines.encode()).hexdigest(),
    )


def with_status(status: str, *codes: str, where: Callable[[TrialRecord], bool]) -> Edit:
    """An edit that gives the trials for which `where` holds another status and its reasons."""

    def edit(trial: TrialRecord) -> TrialRecord:
        if not where(trial):
            return trial
        change: dict[str, object] = {"status": status, "reasons": codes, "detail": " ".join(codes)}
        if status == "failed":
            change["load"] = None
        return trial.model_copy(update=change)

    return edit


def as_read(
    code: str, scope: str, text: str, *, advice: str = "", severity: Severity | None = None
) -> Finding:
    """A finding with a text of its own, as an earlier version wrote it."""
    return Finding(
        code=code, severity=severity or CODES[code], scope=scope, text=text, advice=advice
    )
