"""Charts of trials: every one of them, how each round deviates, and the warm-up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from bench.analysis.trials import not_compared
from bench.reports import rows
from bench.reports.charts.chart import Bar, Point, made
from bench.reports.charts.points import TrialPoint, strips
from bench.reports.charts.specs import deviation_axis, lines, round_axis, share_axis, time_axis
from bench.reports.escape import line
from bench.reports.primary_metric import RESPONSE_TIMES, value_in
from bench.reports.view import metric_of, name_among, titles_of
from bench.reports.wording.phrases import join

if TYPE_CHECKING:
    from bench.model.trial_record import TrialRecord
    from bench.reports.charts.chart import Chart, Panel
    from bench.reports.primary_metric import PrimaryMetric
    from bench.reports.view import Entry, Group, View

_BIN_S: Final = 0.25
_PLATEAU_SHARE: Final = 0.25
_CLAMP: Final = 50.0
_USABLE: Final = ("valid", "suspect")


def trial_charts(view: View) -> tuple[Chart, ...]:
    """Those that a run has data for."""
    found = (_trials(view), _warmup(view), _rounds(view))
    return tuple(chart for chart in found if chart is not None)


def _closed(view: View) -> list[Group]:
    return [group for group in view.groups if group.by_rate]


def _trials(view: View) -> Chart | None:
    """What each interval is made of: one dot per trial, crosses for those that were left out."""
    panels: list[Panel] = []
    groups = list(view.groups)
    for group in groups:
        points = [point for entry in group.measured for point in _dots(view, group.lead, entry)]
        means = [bar for entry in group.measured if (bar := _mean(group.lead, entry))]
        if len(points) > len(means):  # one trial per server is its own mean
            unit = _unit(group)
            panels.append(strips(name_among(group, groups), points, means, titles_of(view), unit))
    usable = len(view.run.trials) - len(view.excluded)
    alt = [f"{usable} trials are part of the figures, {len(view.excluded)} are not (crosses)."]
    late = sum(
        trial.usable and not_compared(trial, group.lead.metric)
        for group in groups
        for entry in group.measured
        for trial in view.trials_of(entry)
    )
    if late:
        alt.append(f"Response times of {late} more are not compared (crosses).")
    title = "Every trial, with the mean and the 95 % interval made of them"
    return made("trials", title, alt, panels)


def _unit(group: Group) -> str:
    return f"{group.lead.column} (ms)" if group.lead in RESPONSE_TIMES else group.lead.column


def _mean(lead: PrimaryMetric, entry: Entry) -> Bar | None:
    metric = metric_of(entry, lead.metric)
    if metric is None:
        return None
    factor = _factor(lead)
    low, high = (None if end is None else end * factor for end in (metric.low, metric.high))
    show = rows.shower(lead.metric)
    interval = rows.format_interval(metric, show)
    label = show(metric.value) + ("" if interval == rows.ABSENT else f" {interval}")
    return Bar(line(entry.title), metric.value * factor, low, high, label)


def _dots(view: View, lead: PrimaryMetric, entry: Entry) -> list[TrialPoint]:
    return [
        TrialPoint(
            line(entry.title),
            value * _factor(lead),
            trial.trial,
            trial.round,
            ", ".join((trial.status, *trial.reasons)),
            _mark(lead, trial),
        )
        for trial in view.trials_of(entry)
        if (value := value_in(lead, trial))
    ]


def _mark(lead: PrimaryMetric, trial: TrialRecord) -> str:
    """The reason for which a dot is left out of the mean, "" where it is part of it."""
    if not trial.usable:
        return trial.status
    return "response times not compared" if not_compared(trial, lead.metric) else ""


def _factor(lead: PrimaryMetric) -> float:
    """Response times are drawn in milliseconds."""
    return 1e-3 if lead in RESPONSE_TIMES else 1.0


def _warmup(view: View) -> Chart | None:
    """Each server's rate during the warm-up as a share of where it ends."""
    panels, alt = [], []
    groups = _closed(view)
    for group in groups:
        points = [
            Point(line(e.title), (index + 0.5) * _BIN_S, share)
            for e in group.measured
            for index, share in enumerate(_shares(e.detail.warmup))
        ]
        if points:
            x, y = time_axis("seconds of warm-up"), share_axis("% of the plateau")
            panels.append(lines(name_among(group, groups), points, titles_of(view), x, y))
            alt += _plateau_words(group)
    return made("warmup", "Warm-up: rate as a share of where it settles", alt, panels)


def _plateau_words(group: Group) -> list[str]:
    plateaus = [(e.title, e.detail.plateau_s) for e in group.measured]
    said = [f"{title} {seconds:.1f} s" for title, seconds in plateaus if seconds is not None]
    return [f"{group.title}, until 98 % of the plateau: {join(said)}."] if said else []


def _shares(series: tuple[float, ...]) -> list[float]:
    """Percent of the mean of the last quarter."""
    last = series[-max(1, round(len(series) * _PLATEAU_SHARE)) :]
    plateau = sum(last) / len(last) if last else 0.0
    return [100 * value / plateau for value in series] if plateau > 0 else []


def _rounds(view: View) -> Chart | None:
    """Each trial's rate against the server's mean over rounds; excluded ones are crosses."""
    panels: list[Panel] = []
    groups = _closed(view)
    beyond: list[str] = []
    for group in groups:
        points = [point for entry in group.measured for point in _round_points(entry)]
        far = [point for point in points if abs(point.y) > _CLAMP]
        beyond += [
            f"{point.server} {point.y:+.0f} % in round {point.x:.0f} of {name_among(group, groups)}"
            for point in far
        ]
        points = [point._replace(y=max(-_CLAMP, min(_CLAMP, point.y))) for point in points]
        last = max((int(point.x) for point in points), default=0)
        if last > 1:
            x = round_axis(last)
            edge = f" (edge: {_CLAMP:.0f} % or more)" if far else ""
            y = deviation_axis(f"% off the server's mean{edge}", [point.y for point in points])
            name = name_among(group, groups)
            panels.append(lines(name, points, titles_of(view), x, y, dots=True))
    alt = [f"{len(view.excluded)} of {len(view.run.trials)} trials are left out (crosses)."]
    if beyond:
        alt.append(f"Farther than {_CLAMP:.0f} % off, drawn at the edge: {join(beyond)}.")
    return made("rounds", "Rounds: how far each trial is off its server's mean", alt, panels)


def _round_points(entry: Entry) -> list[Point]:
    usable = [value for _, value, status in entry.detail.rounds if value and status in _USABLE]
    if not usable:
        return []
    mean = math.exp(math.fsum(map(math.log, usable)) / len(usable))  # the same on each Python
    return [
        Point(
            line(entry.title),
            number,
            100 * (value / mean - 1),
            "" if status in _USABLE else status,
        )
        for number, value, status in entry.detail.rounds
        if value  # without load there is no rate, and none that equals the mean
    ]
