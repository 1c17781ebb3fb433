"""From runs that were kept to series, and from series to lasting shifts of their level; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.analysis.limits import ceiling_arms
from bench.model.history import (
    Cause,
    History,
    HistoryEntry,
    HistoryValue,
    Series,
    SeriesChange,
    SeriesPoint,
)
from bench.model.metric_names import HIGHER_IS_BETTER
from bench.stats.change_points import LEAST_SEGMENT, change_points

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.model.summary import CellSummary, RunView
    from bench.stats.change_points import LevelChange

ALPHA: Final = 0.05
"""Chance that any of all the series shows a shift where there is none, at most: each is judged
by its share of it (Bonferroni)."""
LEAST_POINTS: Final = 2 * LEAST_SEGMENT
_CLOSED: Final = ("throughput_rps", "cpu_us_per_request", "rss_peak_bytes")
_OPEN: Final = ("p50_us", "p99_us", "cpu_us_per_request")
"""A rate is a result in a closed loop only, a response time in an open one only."""


class CommitFacts(NamedTuple):
    """What is known of the commit that was measured; see `HistoryEntry`."""

    commit: str
    dirty: bool
    subject: str
    committed: str | None


def entry_of(run: RunView, commit: CommitFacts) -> HistoryEntry:
    """What is kept of a run."""
    ceilings = sorted(ceiling_arms(run.plan))
    summary, cpu = run.summary, run.host.cpu
    return HistoryEntry(
        run_id=run.info.run_id,
        title=summary.title,
        **commit._asdict(),
        date=run.info.started,
        fingerprint=run.host.fingerprint,
        machine=f"{cpu.model or 'unknown CPU'}, {cpu.logical} CPUs",
        bench_version=run.info.bench_version,
        reference=ceilings[0] if ceilings else summary.baseline,
        values=tuple(value for cell in summary.cells for value in _values(cell)),
    )


def _values(cell: CellSummary) -> Iterator[HistoryValue]:
    for metric in _CLOSED if cell.offered_rps is None else _OPEN:
        estimate = getattr(cell.metrics, metric)
        if estimate is not None and estimate.value > 0:
            yield HistoryValue(
                server=cell.server,
                workload=cell.workload,
                profile=cell.profile,
                metric=metric,
                value=estimate.value,
                low=estimate.low,
                high=estimate.high,
                n=estimate.n,
            )


class _Key(NamedTuple):
    fingerprint: str
    server: str
    workload: str
    profile: str
    metric: str


class _Dot(NamedTuple):
    """A point and the value of the same metric of the run's reference, None without one."""

    point: SeriesPoint
    reference: float | None


def history_of(entries: Sequence[HistoryEntry]) -> History:
    """The series of all entries, each with its shifts.

    Runs of different machines are different series. Points are in the order of their commits
    where these have dates, so that an old commit that is measured late stands at its place.
    """
    dots = _dots(entries)
    long = sum(1 for series in dots.values() if len(series) >= LEAST_POINTS)
    alpha = ALPHA / max(1, long)
    return History(series=tuple(_series(key, dots[key], alpha) for key in sorted(dots)))


def _dots(entries: Sequence[HistoryEntry]) -> dict[_Key, list[_Dot]]:
    found: dict[_Key, list[_Dot]] = {}
    for entry in sorted(entries, key=lambda one: (one.committed or one.date, one.date)):
        references = {
            (value.workload, value.profile, value.metric): value.value
            for value in entry.values
            if value.server == entry.reference
        }
        for value in entry.values:
            key = _Key(entry.fingerprint, value.server, value.workload, value.profile, value.metric)
            own = value.server == entry.reference
            reference = references.get((value.workload, value.profile, value.metric))
            found.setdefault(key, []).append(_Dot(_point(entry, value), None if own else reference))
    return found


def _point(entry: HistoryEntry, value: HistoryValue) -> SeriesPoint:
    return SeriesPoint(
        run_id=entry.run_id,
        commit=entry.commit,
        date=entry.committed or entry.date,
        value=value.value,
        low=value.low,
        high=value.high,
        fingerprint=entry.fingerprint,
    )


def _series(key: _Key, dots: Sequence[_Dot], alpha: float) -> Series:
    points = tuple(dot.point for dot in dots)
    return Series(
        server=key.server,
        workload=key.workload,
        profile=key.profile,
        metric=key.metric,
        points=points,
        changes=tuple(_changes(key.metric, dots, alpha)) if len(dots) >= LEAST_POINTS else (),
    )


def _changes(metric: str, dots: Sequence[_Dot], alpha: float) -> Iterator[SeriesChange]:
    """Shifts of the server against its reference, then those of the reference alone.

    What the machine does hits both in the same run and cancels in their ratio.
    """
    values = [dot.point.value for dot in dots]
    references = [dot.reference for dot in dots if dot.reference]
    if len(references) < len(dots):
        for shift in change_points(values, alpha=alpha):
            yield _change(metric, dots, shift, "unknown")
        return
    ratios = [value / reference for value, reference in zip(values, references, strict=True)]
    own = change_points(ratios, alpha=alpha)
    for shift in own:
        yield _change(metric, dots, shift, "server")
    for shift in change_points(values, alpha=alpha):
        if not any(each.first <= shift.at <= each.last for each in own):
            yield _change(metric, dots, shift, "machine")


def _change(metric: str, dots: Sequence[_Dot], shift: LevelChange, cause: Cause) -> SeriesChange:
    better_up = metric in HIGHER_IS_BETTER
    return SeriesChange(
        commit=dots[shift.at].point.commit,
        after=dots[shift.at - 1].point.commit,
        index=shift.at,
        first_index=shift.first,
        last_index=shift.last,
        ratio=shift.ratio,
        low=shift.low,
        high=shift.high,
        p=shift.p,
        worse=(shift.ratio < 1) is better_up,
        cause=cause,
    )


def newest_worse(series: Sequence[Series], last: int) -> list[tuple[Series, SeriesChange]]:
    """Series that stand on a worse level since one of their last points, by the server's doing.

    Only the newest shift of a series counts: what was fixed since is not a reason. The interval
    of the ratio must exclude 1.
    """
    found = []
    for each in series:
        own = [change for change in each.changes if change.cause != "machine"]
        if not own:
            continue
        newest = max(own, key=lambda change: change.index)
        sure = newest.high < 1 or newest.low > 1
        if newest.worse and sure and newest.index >= len(each.points) - last:
            found.append((each, newest))
    return found


def looked_at(series: Sequence[Series]) -> int:
    """How many series are long enough to tell a shift."""
    return sum(1 for each in series if len(each.points) >= LEAST_POINTS)


def by_machine(entries: Sequence[HistoryEntry]) -> Mapping[str, str]:
    """Fingerprint -> the machine in words."""
    return {entry.fingerprint: entry.machine for entry in entries}
