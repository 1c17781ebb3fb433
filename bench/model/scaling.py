"""How a server scales: its rate over connections or over its CPUs, and the law fitted to it."""

from __future__ import annotations

from typing import Literal

from bench.model.base import Model
from bench.model.sweep import Swept

NoLaw = Literal["", "one-point", "few-levels", "no-fit"]
"""Why no law is fitted: one level, fewer than four, or none with positive coefficients."""


class ScalingPoint(Model):
    """One level of a sweep.

    Attributes:
        at: connections or CPUs.
        profile: whose cell it is.
        rate_rps: geometric mean over trials.
        low: lower end of its 95 % interval, None where there is none.
        n: trials.
        client_bound: the load tool was the limit, so that the rate is a lower bound and no part
            of the law.
    """

    at: int
    profile: str
    rate_rps: float
    low: float | None
    high: float | None
    n: int
    client_bound: bool = False


class Within(Model):
    """A fitted figure with its 95 % interval; the upper end is None where it has none."""

    value: float
    low: float
    high: float | None


class ScalingLaw(Model):
    """The Universal Scalability Law: rate(N) = single N / (1 + a (N - 1) + b N (N - 1)).

    Attributes:
        single: the rate at N = 1.
        contention: a, the share of the work that is serial, 0 to 1.
        coherency: b, what each pair costs by keeping agreed.
        peak: N beyond which more is less; None where no such N is shown (b may be 0).
        sd: relative deviation of the trials from the law.
    """

    single: Within
    contention: Within
    coherency: Within
    peak: Within | None
    sd: float

    def rate(self, n: float) -> float:
        """What the law says for that N."""
        a, b = self.contention.value, self.coherency.value
        return self.single.value * n / (1 + a * (n - 1) + b * n * (n - 1))


class Scaling(Model):
    """One server under one workload over the levels of a sweep.

    Attributes:
        load: the swept profile without its level, which tells sweeps of one run apart.
        gains_until: first and last level that may be the one from which on more brings nothing
            beyond the margin; equal where it is one; None with one level.
        text: the same in words; "" until a report is made.
    """

    server: str
    workload: str
    swept: Swept
    load: str
    points: tuple[ScalingPoint, ...]
    gains_until: tuple[int, int] | None
    law: ScalingLaw | None
    no_law: NoLaw
    text: str = ""
