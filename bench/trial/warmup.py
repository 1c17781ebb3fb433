"""Warms servers by work: until a request costs what it cost a second before, not for a fixed time.

Compilers inside a server (V8, a JVM) wait for work: at a low offered rate eight seconds are not
enough. So it is first loaded as much as it can take, then at the rate of the window, each until
its CPU time per request is flat; longer than a cap it is not warmed, and that is reported. After
a flat saturated second only the change of load is left to settle, which takes half a second.

Flat is also what V8 does before it begins to compile. The first trials of a server in a run
therefore go on for 3 s of the server's CPU time, and tell how much of that it took until a
request cost what it cost in the end: no later trial of that server believes a flat cost sooner.
Of a server that cost from the beginning what it cost in the end two quarters of a second that are
alike are enough, and half a second of saturation.

The others are left by their clients and found again before the window, whose connections are new
as well: V8 drops code when connections first close, and Fastify then answers at 0.4 to 0.8 of its
rate for half a second. Its windows of one second rose by 38 and 76 % from half to half without
that (plain text, JSON small), by -1 and 3 % with it, nine trials each in turn.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.loadtools import TOOLS, closed_tool
from bench.model.finding import finding
from bench.stats.settling import JUDGED_FROM_S, settled_after, settling, steady, still, warm_after
from bench.trial.load import WARMUP, run_together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.model.plan import LoadProfile
    from bench.model.quarter import Quarter
    from bench.trial.life import TrialRun
    from bench.trial.load import LoadRun
    from bench.trial.seam import TrialLoader, TrialSampler

LEARNED_FROM_S: Final = 3.0
"""CPU time of a server's first warm-ups: Express takes 1.0 to 2.4 s of it, Fastify 0.6 to 1.9 s."""

_MARGIN: Final = 1.5
"""Of what was learned: of 20 warm-ups of Express the fall ended after 1.0 to 2.4 s, mostly 1.6."""

_CHANGED_FROM_S: Final = 3.0
"""Seconds at the rate of a server's first warm-ups: Fastify compiles again once requests come one
by one, and costs two to three times as much meanwhile, 0.3 s alone and 0.5 s beside its copy."""

_AT_RATE: Final = " at the rate"
"""What is learned of a server after a saturated load has a name of its own."""

_CAP_LEAST_S: Final = 8.0
_CAP_TIMES: Final = 4.0
_SATURATE_S: Final = 1.0
_SATURATE_WARM_S: Final = 0.5
"""For servers that are known to need no warming: connections and caches are left to settle."""

_RECONNECTED_S: Final = 0.5
_RECONNECTS: Final = 2
"""Of ten warm servers (Fastify, Express) the first half second over new connections had 0.6 of the
rate in the median, the second time 0.8, the third 0.9."""

_AFTER_SATURATED: Final = 0.5
"""Share of the least time at the rate that is left after a saturated part that ended flat."""


class _Stage(NamedTuple):
    """One server under one load.

    Attributes:
        loaders: one per server.
        least_s: it goes on at least so long.
        cap_s: and at most so long.
        name: sub-folder for what the tools write.
        flat: what is asked of the costs of each server's quarters of a second.
        least_cpu_s: CPU time that each server uses before that is asked.
    """

    loaders: Sequence[TrialLoader[Any]]
    least_s: float
    cap_s: float
    name: str
    flat: Callable[[Sequence[float]], bool] = still
    least_cpu_s: Sequence[float] = ()

    def reached(self, samplers: Sequence[TrialSampler], began: float) -> bool:
        """Whether every server has worked enough and its cost is flat."""
        least = self.least_cpu_s or [0.0] * len(samplers)
        for sampler, cpu_s in zip(samplers, least, strict=True):
            seen = sampler.quarters(began)
            if not seen or seen[-1].cpu_s < cpu_s or not self.flat([each.cost for each in seen]):
                return False
        return True


def cap_s(profile: LoadProfile) -> float:
    """Seconds after which a warm-up ends in any case."""
    return max(_CAP_LEAST_S, _CAP_TIMES * profile.warmup_s)


def warm_up(
    lives: Sequence[TrialRun],
    samplers: Sequence[TrialSampler],
    loaders: Sequence[TrialLoader[Any]],
    tick: Callable[[float], None],
) -> None:
    """Warm one server, or the two of a duet together.

    Raises:
        LoadFailure: a tool failed.
        StartError: a server died.
    """
    profile = lives[0].setting.profile
    if profile.warmup_s <= 0:
        return
    if profile.warmup_s < JUDGED_FROM_S or lives[0].setting.arm.url is not None:
        _load(lives, samplers, _Stage(loaders, profile.warmup_s, profile.warmup_s, WARMUP), tick)
        return
    left_s = cap_s(profile)
    work = [_least_cpu_s(life) for life in lives]
    flat = still if any(work) or lives[0].setting.learned is None else steady
    at_rate = _Stage(loaders, profile.warmup_s, left_s, WARMUP, flat, work)
    compiles = flat is still
    saturating = saturated(profile, lives)
    if saturating is not None:
        hard = [life.make_loader(saturating, "saturate") for life in lives]
        after_s = profile.warmup_s * _AFTER_SATURATED
        least_s = _SATURATE_WARM_S if flat is steady else _SATURATE_S
        part = _Stage(hard, least_s, left_s - after_s, "load", flat, work)
        spent_s = _load(lives, samplers, part, tick)
        _learn(lives, samplers, warm_after)
        at_rate = _Stage(loaders, profile.warmup_s, max(profile.warmup_s, left_s - spent_s), WARMUP)
        if spent_s < part.cap_s:
            if compiles:
                _reconnect(lives, samplers, part, tick, times=_RECONNECTS - 1)
            changed = [_after_change_s(life) for life in lives]
            least_s = after_s if None not in changed else max(after_s, _CHANGED_FROM_S)
            work = [each or 0.0 for each in changed]
            at_rate = at_rate._replace(least_s=least_s, flat=steady, least_cpu_s=work)
    capped = _load(lives, samplers, at_rate, tick) >= at_rate.cap_s
    if saturating is None:
        _learn(lives, samplers, warm_after)
    elif at_rate.least_cpu_s:
        _learn(lives, samplers, settled_after, _AT_RATE)
    for life, sampler in zip(lives, samplers, strict=True) if capped else ():
        _judge(life, sampler)
    if compiles and saturating is None and not capped:
        _reconnect(lives, samplers, at_rate, tick, times=_RECONNECTS)


def _least_cpu_s(life: TrialRun) -> float:
    """CPU time that a server uses before its cost is believed to be flat."""
    learned = life.setting.learned
    if learned is None:
        return 0.0
    known = learned.known(life.setting.arm.server)
    return LEARNED_FROM_S if known is None else known


def _after_change_s(life: TrialRun) -> float | None:
    """CPU time that a saturated server uses at the rate before its cost is believed.

    Returns:
        None where that is not known: it is one of the server's first warm-ups at a rate.
    """
    learned = life.setting.learned
    return 0.0 if learned is None else learned.known(life.setting.arm.server + _AT_RATE)


def _learn(
    lives: Sequence[TrialRun],
    samplers: Sequence[TrialSampler],
    took_s: Callable[[Sequence[Quarter]], float],
    name: str = "",
) -> None:
    """Note how much work it took, from the first warm-ups of each server.

    Those were long enough, or ended at the cap: a server that mostly waits is not asked longer.
    Two copies in a duet are one warm-up: what disturbs one disturbs the other.
    """
    learned = lives[0].setting.learned
    if learned is None:
        return
    took: dict[str, list[float]] = {}
    whole = True
    for life, sampler in zip(lives, samplers, strict=True):
        seen = sampler.quarters(life.warmed_from_s)
        work_s = min(_MARGIN * took_s(seen), LEARNED_FROM_S)
        took.setdefault(life.setting.arm.server + name, []).append(work_s)
        # At a rate its seconds count, in which a server uses little.
        whole = whole and bool(name or (seen and seen[-1].cpu_s >= LEARNED_FROM_S))
    for server, works_s in took.items():
        learned.add(server, min(works_s), whole=whole)


def saturated(profile: LoadProfile, lives: Sequence[TrialRun]) -> LoadProfile | None:
    """The closed loop before an open one; None where there is none, or no tool for it."""
    if profile.loop == "closed":
        return None
    tool = closed_tool(profile.tool)
    update = {"tool": tool, "loop": "closed", "rate_rps": None, "arrivals": None}
    closed = profile.model_copy(update=update)
    workload = lives[0].setting.workload
    if TOOLS[tool].unsupported(closed, workload) or not lives[0].has_tool(tool):
        return None
    return closed


def _load(
    lives: Sequence[TrialRun],
    samplers: Sequence[TrialSampler],
    part: _Stage,
    tick: Callable[[float], None],
) -> float:
    """Load until every server's cost is flat or the cap is there; the seconds it took."""
    begin = [sampler.mark() for sampler in samplers]
    for sampler in samplers:
        sampler.watch_work(on=part.cap_s > part.least_s)
    ended: list[Any] = []
    began = time.monotonic()

    def enough() -> bool:
        spent_s = time.monotonic() - began - part.loaders[0].lead_s
        return part.least_s <= spent_s < part.cap_s and part.reached(samplers, began)

    runs: list[LoadRun] = run_together(
        part.loaders,
        part.name,
        float(math.ceil(part.cap_s)) if part.cap_s > part.least_s else part.cap_s,
        started=[sampler.set_load_pids for sampler in samplers],
        tick=tick,
        ended=lambda: ended.extend(sampler.mark() for sampler in samplers),
        enough=enough,
    )
    for sampler in samplers:
        sampler.watch_work(on=False)
    spent_s = max((run.ended - run.started for run in runs), default=time.monotonic() - began)
    rates: list[float | None] = [run.result.throughput_rps for run in runs]
    rates = rates or [None] * len(lives)
    for life, sampler, first, last, rate in zip(lives, samplers, begin, ended, rates, strict=True):
        life.warmed_up(spent_s, sampler.window(first, last).series, began, rate)
    return spent_s


def _reconnect(
    lives: Sequence[TrialRun],
    samplers: Sequence[TrialSampler],
    part: _Stage,
    tick: Callable[[float], None],
    *,
    times: int,
) -> None:
    """Half a second of the same load over new connections each time; no report shows it."""
    kept = [(life.warmup_series, life.warmed_from_s) for life in lives]
    brief = part._replace(
        least_s=_RECONNECTED_S, cap_s=2 * _RECONNECTED_S, flat=bool, least_cpu_s=()
    )
    for count in range(1, times + 1):
        _load(lives, samplers, brief._replace(name=f"reconnect{count}"), tick)
    for life, (series, began_s) in zip(lives, kept, strict=True):
        life.warmup_series, life.warmed_from_s = series, began_s


def _judge(life: TrialRun, sampler: TrialSampler) -> None:
    """Note where the cap ended it and the cost still changed."""
    seen = settling([each.cost for each in sampler.quarters(life.warmed_from_s)])
    if seen is None or seen.flat:
        return
    profile = life.setting.profile
    life.notes.append(
        finding(
            "warmup-capped",
            life.setting.planned.id,
            server=life.setting.arm.name,
            change=round(seen.change, 4),
            cap_s=cap_s(profile),
            warmup_s=round(life.phases["warmup"], 2),
        )
    )
