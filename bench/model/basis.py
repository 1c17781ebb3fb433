"""What stands behind a verdict: the words are made of it when a report is."""

from __future__ import annotations

from bench.model.base import Model


class Basis(Model):
    """What the words of a verdict need beside its ratio.

    Attributes:
        call: the row of the verdict table.
        margin: what is too small to matter.
        comparisons: how many p was corrected for.
        more_rounds: about how many more would decide it; None = decided, or more than 100.
        own_bound: why the server's own rate is a lower bound, or "".
        base_bound: why that of the baseline is, or "".
        odd_round: the one round on which it depends.
        cause: why there is nothing to compare, or "".
    """

    server: str = ""
    metric: str = ""
    call: str = ""
    margin: float = 0.0
    comparisons: int = 0
    more_rounds: int | None = None
    own_bound: str = ""
    base_bound: str = ""
    odd_round: int | None = None
    cause: str = ""


class WindowStep(Model):
    """A lasting change of the rate inside one window.

    Attributes:
        at_s: seconds after the window's start.
        change: rate after / rate before - 1.
    """

    trial: str
    at_s: float
    change: float


class WindowAdvice(Model):
    """Which window gives the narrowest intervals for the same time, by what a run measured.

    Attributes:
        window_s: as it was.
        best_s: as it would be best, from 1 to 60 s.
        wider: width of the intervals with `window_s` over that with `best_s`.
        within_sd: standard deviation of ln(rate) over one second inside a trial.
        between_sd: the same from trial to trial, which no longer window takes away.
        overhead_s: what a trial takes beside its window: start, checks, warm-up, stop.
    """

    window_s: float
    best_s: float
    wider: float
    within_sd: float
    between_sd: float
    overhead_s: float
