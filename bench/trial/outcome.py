"""The record that comes of a trial, with its status judged from the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.model.trial_record import Counters, Phases, Resources, TrialRecord
from bench.reports.wording.findings import all_told
from bench.trial.development import HEAD_BYTES, development_sign
from bench.trial.validity import Evidence, validity_of

if TYPE_CHECKING:
    from bench.model.load_result import LatencyCounts
    from bench.trial.life import TrialRun


class Outcome(NamedTuple):
    """A finished trial and its merged histogram."""

    record: TrialRecord
    histogram: LatencyCounts | None


def outcome_of(run: TrialRun) -> Outcome:
    """What is kept of a trial that has ended, however it did."""
    if run.questioning:
        run.questioning.end()
    status = validity_of(_evidence(run))
    setting, cell = run.setting, run.setting.planned.cell
    load, seen = run.load.result if run.load else None, run.observation
    phases = Phases(**{name: round(value, 6) for name, value in run.phases.items()})
    usable = status.status in ("valid", "suspect")
    record = TrialRecord(
        trial=setting.planned.id,
        server=cell.server,
        workload=cell.workload,
        profile=cell.profile,
        round=setting.planned.round,
        order=setting.order,
        started=setting.started,
        status=status.status,
        reasons=status.reasons,
        detail=status.detail,
        phases_s=phases,
        overhead_s=_overhead(run, phases) if usable else None,
        commands=(run.server.command_record(), *run.commands) if run.process else (),
        server_process=run.process,
        load=load.replace(histogram=None, pacing=None) if load else None,
        offered_rps=setting.profile.rate_rps,
        pacing=load.pacing.told() if load and load.pacing else None,
        resources=seen.resources if seen else Resources(),
        counters=seen.counters if seen else Counters(),
        bound=status.bound,
        exchanges=run.exchanges,
        sidechannel=run.heard(),
        warmup_series=run.warmup_series,
        window_series=seen.series if seen else (),
        cpu_series=seen.cpu_series if seen else (),
        findings=all_told((*status.findings, *run.notes)),
        build_hash=setting.build_hash,
        startup_s=_rounded(run.server.startup_s),
        first_request_s=_rounded(run.took[0] if run.took else None),
        handshakes=run.handshakes.result(),
        machines=run.machines,
    )
    return Outcome(record, load.histogram if load else None)


def _evidence(run: TrialRun) -> Evidence:
    return Evidence(
        trial=run.setting.planned.id,
        profile=run.setting.profile,
        workload=run.setting.workload,
        load=run.load.result if run.load else None,
        load_findings=run.load.findings if run.load else (),
        resources=run.observation.resources if run.observation else Resources(),
        counters=run.observation.counters if run.observation else Counters(),
        exchanges=run.exchanges,
        side=run.heard(),
        sizes=run.questioning.sizes if run.questioning else None,
        failure=run.failure,
        measured=run.measured,
        log_cut=run.server.log_cut,
        replaced=run.replaced,
        logged_bytes=run.logged_bytes,
        development=development_sign(run.process.argv if run.process else (), _first_output(run)),
        power_before=run.state_before.power_source if run.state_before else None,
        low_power_before=run.state_before.low_power if run.state_before else None,
        elsewhere=run.disturbances,
    )


def _first_output(run: TrialRun) -> str:
    """The beginning of what the server printed."""
    log = run.setting.folder / "server.log"
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        return file.read(HEAD_BYTES).decode("utf-8", "replace")


def _overhead(run: TrialRun, phases: Phases) -> float:
    profile = run.setting.profile
    warm_s = max(profile.warmup_s, phases.warmup)
    spent = phases.start + warm_s + profile.duration_s + phases.drain + phases.stop
    return round(phases.total - spent, 6)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
