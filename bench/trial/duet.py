"""A duet: two servers on the same CPUs, loaded over the same window, so that noise hits both.

The design is that of Bulej et al., "Duet benchmarking" (ICPE 2020, 10.1145/3358960.3379132).
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.errors import MachineLostError, StartError, VerifyError
from bench.model.trial_record import Partner, TrialRecord
from bench.reports.wording.findings import told
from bench.trial.cores import sides_differ
from bench.trial.life import TrialRun, TrialSetting
from bench.trial.load import LoadFailure, run_together
from bench.trial.outcome import Outcome, outcome_of
from bench.trial.warmup import warm_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.model.load_result import LatencyCounts
    from bench.trial.load import LoadRun
    from bench.trial.seam import TrialSampler


class DuetOutcome(NamedTuple):
    """A finished duet.

    Attributes:
        record: of the candidate, with the baseline's part as `partner`.
        histogram: of the candidate.
        partner_histogram: of the baseline.
    """

    record: TrialRecord
    histogram: LatencyCounts | None
    partner_histogram: LatencyCounts | None


def run_duet(
    candidate: TrialSetting,
    baseline: TrialSetting,
    make_life: Callable[[TrialSetting], TrialRun] = TrialRun,
) -> DuetOutcome:
    """Run one duet; which of the two servers is started first is drawn.

    Args:
        candidate: its planned trial names the duet, its rng decides the order.
        baseline: the same trial with the baseline's arm and a folder of its own.
        make_life: makes each side's part, such as on other machines.

    Raises:
        KeyboardInterrupt: passed on after servers and tools were stopped.
        StoreError: the disk is full.
    """
    ours, theirs = make_life(candidate), make_life(baseline)
    lives = [ours, theirs]
    for life in lives:
        life.alone = False
    candidate.rng.shuffle(lives)
    began = time.monotonic()
    with _noting(lives), contextlib.ExitStack() as stack:
        for life in lives:
            stack.enter_context(life.server)
            life.launched()
        for life in lives:
            life.verify()
        samplers = [stack.enter_context(life.sampling()) for life in lives]
        try:
            _load(lives, samplers)
        except LoadFailure as error:
            for life in lives:
                life.load_failed(error)
            raise
        for life in lives:
            life.verify_again()
    for life in lives:
        life.phases["total"] = time.monotonic() - began
    return _outcome(ours, theirs, baseline_first=lives[0] is theirs)


def _load(lives: list[TrialRun], samplers: list[TrialSampler]) -> None:
    profile = lives[0].setting.profile
    loaders = [life.load_up() for life in lives]
    started = [sampler.set_load_pids for sampler in samplers]
    warm_up(lives, samplers, loaders, _each(lives, "warming_up"))
    for life in lives:
        life.begin_window()
    begin: list[Any] = []
    end: list[Any] = []

    def begins() -> None:
        for life in lives:
            life.window_begins()
        begin.extend(sampler.mark() for sampler in samplers)

    def over() -> None:
        # Both clocks are read before anything else happens: the two windows are one.
        end.extend(sampler.mark() for sampler in samplers)
        for life in lives:
            life.right_after()

    runs: list[LoadRun] = run_together(
        loaders,
        "load",
        profile.duration_s,
        started=started,
        tick=_each(lives, "meanwhile"),
        begins=begins,
        ended=over,
    )
    for life, sampler, run, a, b in zip(lives, samplers, runs, begin, end, strict=True):
        life.measured_window(run, sampler.window(a, b))


def _each(lives: list[TrialRun], name: str) -> Callable[[float], None]:
    def tick(elapsed: float) -> None:
        began = time.monotonic() - elapsed
        for life in lives:  # the one before may have waited a second for an answer
            getattr(life, name)(time.monotonic() - began)

    return tick


@contextlib.contextmanager
def _noting(lives: list[TrialRun]) -> Iterator[None]:
    """Turn what went wrong into the reason of both: half a duet is of no use."""
    try:
        yield
    except (StartError, VerifyError) as error:
        for life in lives:
            life.fail(error.code, error)
    except LoadFailure as error:
        for life in lives:
            life.fail(error.code, error)
    except MachineLostError as error:
        for life in lives:
            life.fail("server-machine-lost", error)
    finally:
        for life in lives:
            life.phases["stop"] = life.server.stop_s


def _outcome(ours: TrialRun, theirs: TrialRun, *, baseline_first: bool) -> DuetOutcome:
    mine, other = outcome_of(ours), outcome_of(theirs)
    partner = Partner(
        server=theirs.setting.arm.name,
        server_process=other.record.server_process,
        load=other.record.load,
        pacing=other.record.pacing,
        resources=other.record.resources,
        counters=other.record.counters,
        exchanges=other.record.exchanges,
        sidechannel=other.record.sidechannel,
        warmup_series=other.record.warmup_series,
        window_series=other.record.window_series,
        cpu_series=other.record.cpu_series,
        start_s=other.record.phases_s.start,
        first=baseline_first,
        build_hash=other.record.build_hash,
        startup_s=other.record.startup_s,
        first_request_s=other.record.first_request_s,
    )
    record = _same_mix(_worse(mine, other), partner).replace(
        partner=partner,
        commands=(*mine.record.commands, *other.record.commands),
    )
    return DuetOutcome(record, mine.histogram, other.histogram)


def _same_mix(record: TrialRecord, partner: Partner) -> TrialRecord:
    """The record, suspect where the two servers ran on unlike mixes of cores."""
    found = sides_differ(record.resources, partner.resources, record.trial)
    if found is None or record.status not in ("valid", "suspect"):
        return record
    reasons = tuple(dict.fromkeys((*record.reasons, found.code)))
    findings = (*record.findings, told(found))
    return record.replace(status="suspect", reasons=reasons, findings=findings)


_RANK = ("valid", "suspect", "invalid", "failed", "interrupted")


def _worse(mine: Outcome, other: Outcome) -> TrialRecord:
    """The candidate's record, with the status of whichever side is worse."""
    record, partner = mine.record, other.record
    findings = (*record.findings, *(f for f in partner.findings if f not in record.findings))
    if _RANK.index(partner.status) <= _RANK.index(record.status):
        return record.replace(findings=findings)
    return record.replace(
        status=partner.status,
        reasons=partner.reasons,
        detail=f"{partner.server}: {partner.detail}" if partner.detail else "",
        findings=findings,
        overhead_s=None if partner.status not in ("valid", "suspect") else record.overhead_s,
    )
