"""What `bench try` and `bench ab` say of different servers: what each does alone, then the cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.analysis.in_flight import too_few
from bench.model.plan import SOLO
from bench.reports.ab_answer import answers
from bench.reports.blocks import Table
from bench.reports.terminal import table as terminal_table
from bench.reports.wording.findings import text_of
from bench.reports.wording.verdict_words import percent, rate_words, ratio_text
from bench.stats.intervals import geometric, paired
from bench.units import format_latency, format_rate

if TYPE_CHECKING:
    from bench.model.plan import LoadProfile
    from bench.model.summary import RunView
    from bench.model.trial_record import TrialRecord
    from bench.stats.intervals import Estimate


class Solo(NamedTuple):
    """What one server does alone in one workload under one load, by round."""

    server: str
    trials: dict[int, TrialRecord]

    def values(self, name: str) -> dict[int, float]:
        """Round -> a figure of the trial, where it has one."""
        found = {number: _figure(trial, name) for number, trial in self.trials.items()}
        return {number: value for number, value in found.items() if value}


def text(view: RunView) -> str:
    """The answer for a terminal: rates alone, the cost by duets, a table of each load."""
    parts = [
        _part(view, workload, load, solos)
        for workload in view.plan.workloads
        for load in view.plan.alone
        if (solos := _solos(view, workload, load))
    ]
    cost = [line for answer in answers(view) for line in answer.said]
    if parts and cost:
        parts.append("\n".join(("Cost of a request, both measured at the same time:", *cost)))
    lost = [
        f"{one.server}: not measured, {one.reason.splitlines()[0]}" for one in view.plan.skipped
    ]
    doubts = {one.code: text_of(one) for one in view.summary.findings if one.severity != "info"}
    lost += [f"{name}: {said}" for name, said in doubts.items()]
    return "\n\n".join([*parts, *(["\n".join(lost)] if lost else [])]) + "\n"


def _solos(view: RunView, workload: str, load: LoadProfile) -> list[Solo]:
    names = [arm.name for arm in view.plan.arms if arm.copy_of is None]
    solos = [
        Solo(
            name,
            {
                trial.round: trial
                for trial in view.trials
                if (trial.server, trial.workload, trial.profile) == (name, workload, load.id)
                and trial.usable
                and trial.load
            },
        )
        for name in names
    ]
    return [solo for solo in solos if solo.trials]


def _part(view: RunView, workload: str, load: LoadProfile, solos: list[Solo]) -> str:
    base = next((solo for solo in solos if solo.server == view.plan.baseline), None)
    said = []
    for solo in solos if base else ():
        if base and (_short(load, solo) or _short(load, base)):
            continue  # of a lower bound nothing is said but the bound
        if base is not None and solo is not base and (ratio := _ratio(solo, base)):
            where = f"{view.plan.workload_titles[workload]}, {load.connections} connections"
            said.append(f"{rate_words(solo.server, base.server, ratio)} ({where})")
    return "\n".join([*said, *([""] if said else []), _table(view, workload, load, solos)])


def _short(load: LoadProfile, solo: Solo) -> bool:
    loads = [trial.load for trial in solo.trials.values() if trial.load]
    return too_few(loads, load.connections)


def _ratio(solo: Solo, base: Solo) -> Estimate | None:
    ours, theirs = solo.values("rate"), base.values("rate")
    rounds = sorted(ours.keys() & theirs.keys())
    if not rounds:
        return None
    return paired([ours[number] for number in rounds], [theirs[number] for number in rounds])


def _table(view: RunView, workload: str, load: LoadProfile, solos: list[Solo]) -> str:
    title = f"{view.plan.workload_titles[workload]}, {load.connections} connections, alone"
    head = (title, "requests/s", "p50", "p99", "CPU/request", "cost in duet", "n")
    rows = tuple(_row(view, workload, load, solo) for solo in solos)
    return terminal_table(Table(head, rows, words=frozenset({0, 5})))


def _row(view: RunView, workload: str, load: LoadProfile, solo: Solo) -> tuple[str, ...]:
    rates = list(solo.values("rate").values())
    rate = geometric(rates)
    spread = ""
    if rate.low is not None and rate.high is not None:
        spread = f" +-{percent((rate.high - rate.low) / 2 / rate.value)}"
    points = [_mean(solo, name) for name in ("50", "99")]
    cpu = _mean(solo, "cpu")
    client = sum(t.bound == "client" for t in solo.trials.values()) * 2 > len(rates)
    short = _short(load, solo)
    return (
        solo.server,
        f"{'>=' if client or short else ''}{format_rate(rate.value)}{spread}",
        *(format_latency(point) if point is not None else "-" for point in points),
        f"{'<=' if short else ''}{cpu:,.1f} us" if cpu else "-",
        _cost(view, workload, load, solo.server),
        str(len(rates)),
    )


def _mean(solo: Solo, name: str) -> float | None:
    values = list(solo.values(name).values())
    return geometric(values).value if values else None


def _cost(view: RunView, workload: str, load: LoadProfile, server: str) -> str:
    """CPU time per request against the baseline's, from the duets under the same load."""
    if server == view.plan.baseline:
        return "1 (baseline)"
    profile = load.id.removesuffix(SOLO)
    for row in view.summary.comparisons:
        key = (row.server, row.workload, row.profile, row.metric)
        if key == (server, workload, profile, "cpu_us_per_request") and row.verdict.ratio:
            return ratio_text(row.verdict.ratio, row.verdict.low, row.verdict.high)
    return "-"


def _figure(trial: TrialRecord, name: str) -> float | None:
    load = trial.load
    if load is None:
        return None
    if name == "rate":
        return load.throughput_rps
    if name == "cpu":
        used = trial.resources.server_cpu_s
        return used / load.ok * 1e6 if used and load.ok else None
    return load.latency_us.percentiles.get(name) if load.latency_us else None
