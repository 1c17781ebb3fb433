"""What the analysis is given: a run as it was recorded, with merged histograms on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model.finding import Finding
    from bench.model.host_facts import Host
    from bench.model.plan import Plan
    from bench.model.summary import BuildRecord, RunInfo
    from bench.model.trial_record import TrialRecord
    from bench.stats.histogram import Histogram


class RunData(NamedTuple):
    """A recorded run.

    Attributes:
        trials: in the order in which they were run; a re-run `<id>.2` follows what it repeats.
        histogram: trial id -> latencies of its successes, None where none was kept.
        builds: server id -> how it was built.
        findings: of the run as a whole (host, skipped servers, damaged lines).
    """

    info: RunInfo
    plan: Plan
    host: Host
    host_after: Host | None
    trials: tuple[TrialRecord, ...]
    histogram: Callable[[str], Histogram | None]
    builds: dict[str, BuildRecord]
    findings: tuple[Finding, ...]
