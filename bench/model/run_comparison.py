"""What `bench compare` says of two runs: cells side by side, what is missing, what changed."""

from __future__ import annotations

from typing import Literal

from bench.model.base import SCHEMA_VERSION, Model
from bench.model.summary import Metric, Verdict


class CompareRow(Model):
    """One cell in both runs, by one metric; the ratio is candidate / baseline.

    Attributes:
        baseline: estimate in the first run; its own `verdict` is None.
        candidate: estimate in the second run.
    """

    server: str
    workload: str
    profile: str
    metric: str
    baseline: Metric
    candidate: Metric
    verdict: Verdict


class MissingCell(Model):
    """A cell that cannot be compared.

    Attributes:
        side: which run lacks it; neither = both have it, under loads that are not the same.
        gated: whether the gate fails for it: a cell that is lacking, or one that the gate's
            metric would have compared; never for an A/A copy.
    """

    server: str
    workload: str
    profile: str
    side: Literal["baseline", "candidate", "both", "neither"]
    reason: str
    gated: bool


class Change(Model):
    """Something of the environment that is not the same in both runs; None = not known there."""

    what: str
    before: str | None
    after: str | None


class CompareResult(Model):
    """The object of `bench compare --json`.

    Attributes:
        baseline_run: id of the first run.
        candidate_run: id of the second run.
        method: runs are compared unpaired (Welch's t on logs), since their rounds are not
            the same rounds.
        same_host: whether the fingerprints are equal.
        metric: the metric that the gate looks at.
        gate: rows that are slower (or need more) beyond the margin by that metric.
        machine: rows of the ceiling server by that metric: the same program in both runs, so
            that its ratio is what machine and load tool did.
    """

    schema_version: int = SCHEMA_VERSION
    title: str
    baseline_run: str
    candidate_run: str
    method: Literal["unpaired"] = "unpaired"
    same_host: bool
    margin: float
    metric: str
    rows: tuple[CompareRow, ...]
    missing: tuple[MissingCell, ...]
    changes: tuple[Change, ...]
    gate: tuple[CompareRow, ...]
    machine: tuple[CompareRow, ...] = ()
