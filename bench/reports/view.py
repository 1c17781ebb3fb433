"""The run as reports look at it: cells grouped by workload and profile, servers with titles."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from bench.model.http_protocol import PROTOCOL_NAMES
from bench.model.server_config import CEILING
from bench.reports.escape import line
from bench.reports.primary_metric import MEDIAN_TIME, RESPONSE_TIME, THROUGHPUT, lead_of
from bench.reports.withheld import median_decides
from bench.reports.wording.in_words import view_in_words
from bench.units import format_bytes, format_count, format_duration, format_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.model.plan import Arm, LoadProfile
    from bench.model.summary import CellDetail, CellSummary, Metric, RunView
    from bench.model.trial_record import TrialRecord
    from bench.reports.primary_metric import PrimaryMetric


class Entry(NamedTuple):
    """One server within a group.

    Attributes:
        title: unique within the run.
        copy_of: name of the arm that this one is again, None for one of its own.
    """

    title: str
    cell: CellSummary
    detail: CellDetail
    copy_of: str | None = None

    @property
    def server(self) -> str:
        """The arm's name."""
        return self.cell.server

    @property
    def cell_id(self) -> str:
        """As findings name their scope."""
        return f"{self.cell.server}.{self.cell.workload}.{self.cell.profile}"

    @property
    def measured(self) -> bool:
        """Whether there is at least one usable trial with a result."""
        return self.cell.metrics.throughput_rps is not None


class Group(NamedTuple):
    """The cells of one workload under one profile, which compare with each other.

    Attributes:
        subject: title of the workload.
        title: the same, with the profile where the run has several.
        entries: the baseline first; by rate where the baseline has no usable trial.
        baseline: one of the entries, None where it has no usable trial.
        ceiling: the server that answers as fast as the machine can, where it was run.
        lead: by what the servers are compared first.
    """

    workload: str
    subject: str
    title: str
    profile: LoadProfile
    entries: tuple[Entry, ...]
    baseline: Entry | None
    ceiling: Entry | None
    lead: PrimaryMetric

    @property
    def is_open(self) -> bool:
        """Whether requests come at an offered rate."""
        return self.profile.loop == "open"

    @property
    def others(self) -> tuple[Entry, ...]:
        """All but the baseline."""
        return tuple(entry for entry in self.entries if entry is not self.baseline)

    @property
    def candidates(self) -> tuple[Entry, ...]:
        """The others without A/A copies; the copies themselves where there is nothing else."""
        return tuple(entry for entry in self.others if entry.copy_of is None) or self.others

    @property
    def measured(self) -> tuple[Entry, ...]:
        """Those that have a result."""
        return tuple(entry for entry in self.entries if entry.measured)

    @property
    def rivals(self) -> tuple[Entry, ...]:
        """Those with a result that are not copies of another one: who can be the best."""
        return tuple(entry for entry in self.measured if entry.copy_of is None)

    @property
    def lead_metric(self) -> str:
        """Name of the metric by which servers are compared first."""
        return self.lead.metric

    @property
    def by_rate(self) -> bool:
        """Whether the rates themselves compare: not at an offered rate, not in a duet."""
        return self.lead is THROUGHPUT


class View(NamedTuple):
    """A run and what all sections ask of it.

    Attributes:
        groups: what compares servers.
        curves: the points of load curves and the steps of searches, a group each.
    """

    run: RunView
    titles: dict[str, str]
    groups: tuple[Group, ...]
    curves: tuple[Group, ...]
    by_cell: dict[str, list[TrialRecord]]

    @property
    def baseline(self) -> str:
        """Title of the baseline."""
        name = self.run.plan.baseline
        return self.titles.get(name, name)

    @property
    def excluded(self) -> tuple[TrialRecord, ...]:
        """Trials that enter no estimate, in the order in which they ran."""
        return tuple(trial for trial in self.run.trials if not trial.usable)

    def trials_of(self, entry: Entry) -> list[TrialRecord]:
        """Every record of a cell in the order in which they ran."""
        cell = entry.cell
        return self.by_cell.get(f"{cell.server}.{cell.workload}.{cell.profile}", [])


def make_view(run: RunView) -> View:
    """Arrange a run for the sections of a report."""
    run = view_in_words(run)
    titles = _titles(run)
    copies = {arm.name: arm.copy_of for arm in run.plan.arms}
    pairs = list(zip(run.summary.cells, run.details, strict=True))
    keys = list(dict.fromkeys((cell.workload, cell.profile) for cell, _ in pairs))
    profiles = [run.profiles[profile] for profile in dict.fromkeys(p for _, p in keys)]
    profiles = [profile for profile in profiles if profile.curve is None]
    groups = tuple(
        _group(
            run,
            (
                Entry(titles.get(c.server, c.server), c, d, copies.get(c.server))
                for c, d in pairs
                if _key(c) == key
            ),
            key,
            profiles,
        )
        for key in keys
    )
    by_cell: dict[str, list[TrialRecord]] = {}
    for trial in run.trials:
        by_cell.setdefault(trial.cell.id, []).append(trial)
    plain = tuple(group for group in groups if group.profile.curve is None)
    curves = tuple(group for group in groups if group.profile.curve is not None)
    return View(run, titles, plain, curves, by_cell)


def _key(cell: CellSummary) -> tuple[str, str]:
    return cell.workload, cell.profile


def _titles(run: RunView) -> dict[str, str]:
    """Arm name -> title; of arms that share one, second arms bear their own name instead."""
    counts = Counter(arm.config.title for arm in run.plan.arms)
    plain = Counter(arm.config.title for arm in run.plan.arms if arm.name == arm.server)
    return {
        arm.name: _title(arm, counts[arm.config.title], plain[arm.config.title])
        for arm in run.plan.arms
    }


def _title(arm: Arm, bearers: int, plain: int) -> str:
    if bearers > 1 and arm.name != arm.server:
        return arm.name
    return f"{arm.config.title} ({arm.name})" if plain > 1 else arm.config.title


def _label(profile: LoadProfile, profiles: list[LoadProfile]) -> str:
    """The fewest words that tell a profile from the others of the run."""
    clear = sum(other.loop == profile.loop for other in profiles) == 1
    return _loop(profile) if clear else describe_profile(profile)


def _group(
    run: RunView, found: Iterable[Entry], key: tuple[str, str], profiles: list[LoadProfile]
) -> Group:
    workload, profile_id = key
    profile = run.profiles[profile_id]
    order = {arm.name: index for index, arm in enumerate(run.plan.arms)}
    entries = sorted(found, key=lambda entry: order.get(entry.server, len(order)))
    ceiling = next((entry for entry in entries if _is_ceiling(run, entry)), None)
    entries = [entry for entry in entries if entry is not ceiling]
    offered = next((entry.cell.offered_rps for entry in entries if entry.cell.offered_rps), None)
    if offered and profile.rate_rps is None and not profile.own:
        profile = profile.replace(rate_rps=offered)
    baseline = next((e for e in entries if e.server == run.plan.baseline and e.measured), None)
    if baseline is None:
        entries.sort(key=lambda entry: -rate(entry))
    else:
        entries.sort(key=lambda entry: entry is not baseline)
    lead = lead_of(run.plan.design, profile.loop)
    if lead is RESPONSE_TIME and median_decides(entries, baseline):
        lead = MEDIAN_TIME
    subject = run.plan.workload_titles.get(workload, workload)
    title = f"{subject}, {_label(profile, profiles)}" if len(profiles) > 1 else subject
    return Group(workload, subject, title, profile, tuple(entries), baseline, ceiling, lead)


def _is_ceiling(run: RunView, entry: Entry) -> bool:
    """The ceiling server is a yardstick, unless it is the baseline itself."""
    if entry.server == run.plan.baseline:
        return False
    return any(arm.name == entry.server and arm.server == CEILING for arm in run.plan.arms)


def by_workload(groups: Iterable[Group], best: Callable[[Group], str]) -> list[str]:
    """Per workload who is best under each of its profiles, "" where that is not one server."""
    found: dict[str, set[str]] = {}
    for group in groups:
        found.setdefault(group.workload, set()).add(best(group))
    return [names.pop() if len(names) == 1 else "" for names in found.values()]


def rate(entry: Entry) -> float:
    """Throughput in requests/s, 0 where there is none."""
    metric = entry.cell.metrics.throughput_rps
    return metric.value if metric else 0.0


def apart(less: Entry, more: Entry, name: str) -> bool:
    """Whether the intervals of an estimate do not overlap; False where there are none."""
    low, high = metric_of(less, name), metric_of(more, name)
    if low is None or high is None or low.high is None or high.low is None:
        return False
    return low.high < high.low


def titles_of(view: View) -> list[str]:
    """All servers in the order of the plan: it decides the colors of charts."""
    return [line(title) for title in view.titles.values()]


def name_among(group: Group, groups: Sequence[Group]) -> str:
    """The workload's title; with the profile where another of these groups has the same."""
    same = sum(other.subject == group.subject for other in groups)
    return line(group.title if same > 1 else group.subject)


def winner(group: Group, name: str) -> str:
    """The title of the server that is above all others, "" where that cannot be said.

    Either its interval is, or it is the baseline and every verdict against it says less: pairs of
    a round tell more than the intervals of each server alone, which hold what changed meanwhile.
    """
    found = [(m.value, m.verdict, e) for e in group.rivals if (m := metric_of(e, name))]
    if len(found) < 2:  # noqa: PLR2004 - nobody to be better than
        return ""
    *others, (_, own, top) = sorted(found, key=lambda each: each[0])
    words = {verdict.word if verdict else "" for _, verdict, _ in others}
    by_pairs = own is not None and own.word == "baseline" and words <= {"slower", "less"}
    return top.title if by_pairs or apart(others[-1][2], top, name) else ""


def metric_of(entry: Entry, name: str) -> Metric | None:
    """An estimate of a cell by its name in `METRICS`."""
    metric: Metric | None = getattr(entry.cell.metrics, name)
    return metric


def describe_profile(profile: LoadProfile) -> str:
    """A profile in words: `50 connections, closed loop (wrk)`."""
    noun = "connection" if profile.connections == 1 else "connections"
    fresh = "" if profile.keepalive else ", a new one per request"
    cpus = f", server on {profile.server_cpus} of its CPUs" if profile.server_cpus else ""
    spoken = "" if profile.protocol == "http" else f", {PROTOCOL_NAMES[profile.protocol]}"
    whole = "" if profile.resume else ", no TLS session taken up again"
    loop = f"{_loop(profile)} ({profile.tool})"
    return f"{format_count(profile.connections)} {noun}{fresh}{spoken}{whole}, {loop}{cpus}"


def _loop(profile: LoadProfile) -> str:
    if profile.loop == "closed":
        return "closed loop"
    if profile.rate_rps is None:
        share = profile.rate_share
        if share and profile.own:
            return f"open loop at {share:.0%} of each server's own capacity"
        return f"open loop at {share:.0%} of the slowest server's rate" if share else "open loop"
    return f"open loop at {format_rate(profile.rate_rps)} requests/s"


def describe_duration(profile: LoadProfile, warmed: str = "") -> str:
    """The window in words: `10 seconds per trial, after 2 seconds of warm-up`.

    Args:
        profile: with the least warm-up.
        warmed: how long it really was, where it went on until servers were warm; else "".
    """
    text = f"{_seconds(profile.duration_s)} per trial"
    if warmed:
        return f"{text}, after at least {_seconds(profile.warmup_s)} of warm-up, {warmed}"
    return f"{text}, after {_seconds(profile.warmup_s)} of warm-up" if profile.warmup_s else text


def _seconds(value: float) -> str:
    if value < 1:
        return format_duration(value)
    return f"{value:g} second" if value == 1 else f"{value:g} seconds"


def describe_size(group: Group) -> str:
    """Body sizes as sent and received: `86 bytes per request`, or "" where unknown."""
    details = [entry.detail for entry in group.entries]
    sent = next((d.request_bytes for d in details if d.request_bytes is not None), None)
    received = next((d.body_bytes for d in details if d.body_bytes is not None), None)
    if sent and (received is None or round(sent) == round(received)):
        return f"{format_bytes(sent)} per request"
    parts = [f"{format_bytes(sent)} per request"] if sent else []
    if received is not None:
        parts.append(f"{format_bytes(received)} per response")
    return ", ".join(parts)


def unlike(*entries: Entry) -> bool:
    """Whether figures of these are of unlike things: other conditions, or redirects in one."""
    codes = [frozenset(entry.cell.findings) for entry in entries]
    redirects = {"only-redirects" in found for found in codes}
    return len(redirects) > 1 or any("unlike-conditions" in found for found in codes)
