"""What is imported: result files and what the user tells about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.model.plan import Pinning

if TYPE_CHECKING:
    from bench.model.host_facts import Host
    from bench.model.load_result import LoadResult, Loop
    from bench.model.plan import Plan
    from bench.model.summary import RunInfo
    from bench.model.trial_record import TrialRecord

ELSEWHERE: Final = "measured elsewhere"
UNPINNED: Final = Pinning(state="none", reason=ELSEWHERE)


class ResultFile(NamedTuple):
    """One result file: the label of what was measured, the file as it is, and what it says.

    Attributes:
        conditions: how it was measured, as far as the file tells.
    """

    label: str
    name: str
    data: bytes
    load: LoadResult
    conditions: dict[str, str] = {}


class ImportOptions(NamedTuple):
    """What the user tells about the results; None = not given.

    Attributes:
        title: of the report.
        workload: in words, such as `JSON Small`.
        connections: over all processes of the load tool, 0 = not known.
        duration_s: window of one result; None = as measured.
        body_bytes: size of the body, sent and answered alike.
        started: UTC, ISO 8601.
        hardware: in words.
        statuses: those that are right; none = as the tool counts successes.
    """

    title: str
    workload: str
    connections: int
    duration_s: float | None
    body_bytes: int | None
    started: str
    hardware: str
    loop: Loop = "closed"
    statuses: tuple[int, ...] = ()


class Imported(NamedTuple):
    """A whole run, in memory."""

    info: RunInfo
    plan: Plan
    host: Host
    trials: tuple[TrialRecord, ...]
    sources: tuple[ResultFile, ...]
