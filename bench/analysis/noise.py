"""How noisy the run was: copies of one server, residuals, suspect trials."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.analysis.trials import shown
from bench.model.finding import Finding, finding
from bench.stats.intervals import Estimate, paired
from bench.stats.median_polish import additive_sd, outliers, residuals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.analysis.trials import CellTrials
    from bench.model.plan import Plan

ARMS_CONFIDENCE: Final = 0.99
SUSPECT_SHARE: Final = 0.2
_SLOWER: Final = 1.1
"""Times the computation's time in the fastest tenth from which on a core was slow: another
program on the second thread of a core makes it 1.3 to 1.7 times."""

_MIN_ROWS: Final = 3
"""Servers and rounds that a median polish needs to tell a row from an outlier."""


class Copies(NamedTuple):
    """Two copies of one server, compared in one workload and profile.

    Attributes:
        at_95: second / first with its 95 % interval.
        at_99: the same with its 99 % interval.
    """

    first: CellTrials
    second: CellTrials
    metric: str
    at_95: Estimate
    at_99: Estimate

    @property
    def differ(self) -> bool:
        """Whether the 99 % interval excludes 1."""
        low, high = self.at_99.low, self.at_99.high
        return low is not None and high is not None and not low <= 1 <= high

    @property
    def may_differ(self) -> float | None:
        """By how much the two may differ, a share: the far end of the 95 % interval of |ln ratio|.

        None where there is no interval.
        """
        low, high = self.at_95.low, self.at_95.high
        if low is None or high is None:
            return None
        return math.expm1(max(abs(math.log(low)), abs(math.log(high))))


def copy_pairs(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Pairs of arms that the plan says are copies of one server."""
    return tuple((arm.copy_of, arm.name) for arm in plan.arms if arm.copy_of is not None)


def copies(
    groups: Sequence[Sequence[CellTrials]], pairs: Sequence[tuple[str, str]]
) -> tuple[Copies, ...]:
    """Compare the copies wherever both were measured in at least one common round.

    Closed loops by throughput; open loops, where all are offered the same rate, by p50.
    """
    found = []
    for group in groups:
        cells = {cell.cell.server: cell for cell in group}
        for first, second in pairs:
            if first in cells and second in cells:
                one = compare_copies(cells[first], cells[second])
                found += [one] if one else []
    return tuple(found)


def compare_copies(first: CellTrials, second: CellTrials) -> Copies | None:
    """Compare two copies; None where no round measured both."""
    metric = "p50_us" if first.profile.loop == "open" else "throughput_rps"
    if second.partner is not None:
        if second.partner.cell.server != first.cell.server:
            return None  # a duet with the baseline says nothing about a copy of another arm
        metric = "requests_per_cpu_second"
    a, b = shown(metric, second.partner or first), shown(metric, second)
    rounds = sorted(a.keys() & b.keys())
    if not rounds:
        return None
    values, base = [b[r] for r in rounds], [a[r] for r in rounds]
    return Copies(
        first, second, metric, paired(values, base), paired(values, base, ARMS_CONFIDENCE)
    )


def offered(pair: Copies) -> float | None:
    """The rate in requests/s that both copies were sent; None in a closed loop."""
    rates = [trial.offered_rps for trial in pair.second.usable if trial.offered_rps]
    return rates[-1] if rates else None


def noise_floor(found: Sequence[Copies]) -> float | None:
    """What two copies may differ by here, a share: the most of all pairs; None without copies.

    By throughput or CPU time, and by p50 only where nothing else was measured.
    """
    furthest = _furthest(found)
    return furthest[0] if furthest else None


def _furthest(found: Sequence[Copies]) -> tuple[float, Copies] | None:
    rates = [each for each in found if each.metric != "p50_us"] or list(found)
    pairs = [(share, each) for each in rates if (share := each.may_differ) is not None]
    return max(pairs, key=lambda pair: pair[0]) if pairs else None


def arms_findings(found: Sequence[Copies]) -> tuple[Finding, ...]:
    """`arms-differ`, which heads the report, and the `noise-floor`."""
    differing = [each for each in found if each.differ]
    furthest = _furthest(found)
    out = []
    if differing:
        out.append(
            finding(
                "arms-differ",
                "run",
                cells=len(differing),
                copies=tuple(each.second.cell.id for each in differing),
                of=tuple(each.first.cell.server for each in differing),
                low=tuple(_end(each.at_99.low) for each in differing),
                high=tuple(_end(each.at_99.high) for each in differing),
            )
        )
    if furthest is not None:
        floor, pair = furthest
        out.append(
            finding(
                "noise-floor",
                "run",
                "most" if len(found) > 1 else "",
                may_differ=floor,
                server=pair.first.cell.server,
                comparisons=len(found),
                metric=pair.metric,
                cell=pair.second.cell.id,
                workload=pair.second.cell.workload,
                rate_rps=offered(pair),
            )
        )
    return tuple(out)


def _end(limit: float | None) -> float:
    """An end of an interval; copies that differ have one."""
    return math.nan if limit is None else limit


class Residuals(NamedTuple):
    """What servers and rounds do not explain in one workload and profile.

    Attributes:
        spread: standard deviation of the ln(rate) residuals.
        hints: (trial id, residual as a share) of trials that fit neither server nor round.
    """

    spread: float
    hints: tuple[tuple[str, float], ...]


def residuals_of(group: Sequence[CellTrials]) -> Residuals | None:
    """Look at servers x rounds over the rounds that all measured servers have.

    Returns:
        None where there are fewer than 2 servers or 2 such rounds. Hints need 3 of each: two
        cannot tell which of them is odd.
    """
    rows = [(cell, cell.values("throughput_rps")) for cell in group if cell.usable]
    rounds = sorted(set.intersection(*(set(values) for _, values in rows))) if rows else []
    table = [[math.log(values[r]) for r in rounds] for _, values in rows]
    sd = additive_sd(table)
    if sd is None:
        return None
    odd = outliers(residuals(table)) if min(len(rows), len(rounds)) >= _MIN_ROWS else ()
    hints = tuple(
        (_trial_id(rows[each.row][0], rounds[each.column]), math.expm1(each.value)) for each in odd
    )
    return Residuals(sd, hints)


def _trial_id(cell: CellTrials, number: int) -> str:
    return next(trial.trial for trial in cell.usable if trial.round == number)


def outlier_findings(polished: Sequence[Residuals]) -> tuple[Finding, ...]:
    """Name single trials that fit neither their server nor their round: hints only."""
    return tuple(
        finding(
            "outlier",
            trial,
            residual=share,
        )
        for each in polished
        for trial, share in each.hints
    )


def noisy_host(
    cells: Sequence[CellTrials],
    floor: float | None,
    polished: Sequence[Residuals],
    margin: float,
) -> Finding | None:
    """The noisy-host rule: many suspect trials, and noise above what is too small to matter."""
    usable = [trial for cell in cells for trial in cell.usable]
    suspect = sum(trial.status == "suspect" for trial in usable)
    widest = max((each.spread for each in polished), default=0.0)
    noise = max(floor or 0.0, widest)
    if not usable or suspect <= SUSPECT_SHARE * len(usable) or noise <= margin:
        return None
    return finding(
        "noisy-host",
        "host",
        suspect=suspect,
        noise=noise,
        usable=len(usable),
        margin=margin,
    )


def unsteady_cpu(cells: Sequence[CellTrials], *, pairs: bool) -> Finding | None:
    """Whether the cores were slower in many trials than in the fastest tenth of them.

    Duets are left out: what slows one server of a pair slows the other.

    Args:
        cells: of the run, those of its cost not among them.
        pairs: whether the run has duets for the cost.
    """
    alone = [cell for cell in cells if cell.partner is None]
    times = [trial.counters.work_us for cell in alone for trial in cell.usable]
    known = sorted(each for each in times if each)
    best = known[len(known) // 10] if known else 0.0
    slow = [each for each in known if each > _SLOWER * best]
    if len(slow) <= SUSPECT_SHARE * len(known):
        return None
    return finding(
        "unsteady-cpu",
        "host",
        "run",
        slow=len(slow),
        trials=len(known),
        longer=round(median(slow) / best - 1, 4),
        most=round(max(slow) / best - 1, 4),
        pairs=int(pairs),
    )
