"""Load curves as charts: response time and CPU per request over the offered rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.model.promise import parse_promise
from bench.reports.charts.chart import Chart
from bench.reports.charts.load_curve import CurvePoint, curve_panel
from bench.reports.escape import line
from bench.reports.rows import format_us
from bench.reports.view import metric_of
from bench.reports.wording.phrases import join
from bench.units import format_rate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.model.summary import Metric
    from bench.model.trial_record import TrialRecord
    from bench.reports.charts.chart import Panel
    from bench.reports.view import Entry, View

_LATE: Final = frozenset({"late-pacer", "pacer-late", "arrivals-off"})
_BEHIND: Final = frozenset({"saturated", "errors", "timeouts"})
_WHOLE: Final = "-whole"
_PANELS: Final = (
    ("p50_us", "p50 response time (ms)", 1000.0),
    ("p99_us", "p99 response time (ms)", 1000.0),
    ("cpu_us_per_request", "CPU per request (us)", 1.0),
)


class CurveReading(NamedTuple):
    """One point of a curve: a server at a rate; microseconds."""

    server: str
    rate: float
    achieved: float | None
    p50: float | None
    p99: float | None
    cpu: float | None
    mark: str
    entry: Entry


def curves_of(view: View) -> list[tuple[str, str]]:
    """Workload and name of every curve, in order."""
    return list(dict.fromkeys((g.workload, g.profile.curve or "") for g in view.curves))


def readings(view: View, curve: tuple[str, str]) -> list[CurveReading]:
    """The points of a curve by server and rate.

    Of a search both short and whole trials may stand at one rate: the whole ones count.
    """
    found: dict[tuple[str, float], CurveReading] = {}
    groups = [g for g in view.curves if (g.workload, g.profile.curve) == curve]
    for group in sorted(groups, key=lambda group: group.profile.id.endswith(_WHOLE)):
        for entry in group.entries:
            rate = entry.cell.offered_rps
            if rate and entry.measured:
                found[entry.title, rate] = _reading(view, entry, rate)
    order = {title: number for number, title in enumerate(view.titles.values())}
    return sorted(found.values(), key=lambda one: (order.get(one.server, 0), one.rate))


def _reading(view: View, entry: Entry, rate: float) -> CurveReading:
    trials = [trial for trial in view.trials_of(entry) if trial.usable]
    value = {name: _value(metric_of(entry, name)) for name, _, _ in _PANELS}
    return CurveReading(
        line(entry.title),
        rate,
        _achieved(entry, trials),
        value["p50_us"],
        value["p99_us"],
        value["cpu_us_per_request"],
        _mark(trials),
        entry,
    )


def _achieved(entry: Entry, trials: list[TrialRecord]) -> float | None:
    """Answered over due; random arrivals are seldom as many as their rate says."""
    due = [(t.load.requests, t.pacing.due) for t in trials if t.load and t.pacing]
    if not due:
        return entry.cell.achieved_ratio
    return sum(done for done, _ in due) / max(1, sum(asked for _, asked in due))


def _value(metric: Metric | None) -> float | None:
    return metric.value if metric else None


def _mark(trials: list[TrialRecord]) -> str:
    """Why a point is not what the server does at that rate, "" where it is: in most trials."""
    codes = [{item.code for item in trial.findings} for trial in trials]
    if 2 * sum(bool(_BEHIND & found) for found in codes) > len(trials):
        return "saturated"
    late = [
        bool(_LATE & found) or t.bound == "client" for found, t in zip(codes, trials, strict=True)
    ]
    return "late" if 2 * sum(late) > len(trials) else ""


def curve_charts(view: View) -> tuple[Chart, ...]:
    """One chart for every curve that has points."""
    charts = (_chart(view, curve) for curve in curves_of(view))
    return tuple(chart for chart in charts if chart)


def _chart(view: View, curve: tuple[str, str]) -> Chart | None:
    found = readings(view, curve)
    servers = [line(title) for title in view.titles.values()]
    panels = [
        panel
        for name, title, unit in _PANELS
        if (panel := _panel(view, curve, found, servers, (name, title, unit)))
    ]
    if not panels:
        return None
    subject = view.run.plan.workload_titles.get(curve[0], curve[0])
    several = sum(one[0] == curve[0] for one in curves_of(view)) > 1
    name = f"curve-{curve[0]}" + (f"-{curve[1]}" if several else "")
    title = f"{subject}: response time and CPU per request over the offered rate"
    alt = " ".join(_in_words(found))
    return Chart(name, line(title), line(f"{title}. {alt}"), tuple(panels))


def _in_words(found: Iterable[CurveReading]) -> list[str]:
    by_server: dict[str, list[str]] = {}
    for one in found:
        said = f"{format_us(one.p99)}" if one.p99 else "no p99"
        mark = f" ({one.mark})" if one.mark else ""
        by_server.setdefault(one.server, []).append(f"{said} at {format_rate(one.rate)}/s{mark}")
    return [f"{server}, p99: {join(words)}." for server, words in by_server.items()]


def _panel(
    view: View,
    curve: tuple[str, str],
    found: Iterable[CurveReading],
    servers: list[str],
    what: tuple[str, str, float],
) -> Panel | None:
    name, title, unit = what
    points = []
    for one in found:
        metric = metric_of(one.entry, name)
        if metric is None:
            continue
        low, high = (None if end is None else end / unit for end in (metric.low, metric.high))
        points.append(CurvePoint(one.server, one.rate, metric.value / unit, low, high, one.mark))
    if not points:
        return None
    return curve_panel(title, points, servers, *_limits(view, curve, name))


def _limits(view: View, curve: tuple[str, str], metric: str) -> tuple[float | None, list[float]]:
    """What was promised where the panel shows that measure, and the rates that keep it."""
    mine = [r for r in view.run.capacities if (r.workload, r.profile) == curve]
    if not mine:
        return None, []
    promise = parse_promise(mine[0].promise)
    limit = promise.limit_us / 1000 if metric == f"{promise.measure}_us" else None
    return limit, [one.rate_rps for one in mine if one.rate_rps]
