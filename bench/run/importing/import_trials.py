"""One result file as a trial: judged like any other, nothing is added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.model.finding import finding
from bench.model.plan import Workload
from bench.model.trial_record import (
    Counters,
    Exchange,
    Phases,
    Resources,
    SidechannelResult,
    TrialRecord,
)
from bench.reports.wording.findings import all_told
from bench.run.importing.conditions import redirects, unlike
from bench.trial.thresholds import WINDOW_OFF_MAX
from bench.trial.validity import Evidence, TrialValidity, validity_of

if TYPE_CHECKING:
    from bench.model.finding import Finding
    from bench.model.load_result import LoadResult
    from bench.model.plan import Cell, LoadProfile
    from bench.run.importing.sources import ImportOptions, ResultFile


def make_trial(
    source: ResultFile,
    facts: ImportOptions,
    cell: Cell,
    profile: LoadProfile,
    *,
    first: ResultFile,
    number: int,
    order: int,
) -> TrialRecord:
    """Make the record of one result.

    Args:
        source: the result.
        facts: what the user tells.
        cell: what it is a trial of.
        profile: of the whole run; the window is the result's own.
        first: the result that all are compared with.
        number: its round, from 1.
        order: its place in the run, from 0.
    """
    trial = f"r{number:02d}-{cell.id}"
    load, notes = _without_distorted(source.load, trial)
    notes += _other_window(load, facts, trial) + unlike(source, first, trial)
    notes += () if facts.statuses else redirects(load, trial)
    own_window = profile.replace(duration_s=load.duration_s)
    judged = _judge(trial, own_window, load, notes)
    return TrialRecord(
        trial=trial,
        server=cell.server,
        workload=cell.workload,
        profile=cell.profile,
        round=number,
        order=order,
        started=facts.started,
        status=judged.status,
        reasons=judged.reasons,
        detail=judged.detail,
        phases_s=Phases(window=load.duration_s, total=load.duration_s),
        overhead_s=None,
        commands=(),
        server_process=None,
        load=load,
        offered_rps=None,
        resources=Resources(),
        counters=Counters(),
        bound="unknown",
        exchanges=_sizes(facts.body_bytes),
        findings=all_told(judged.findings),
    )


def _judge(
    trial: str, profile: LoadProfile, load: LoadResult, notes: tuple[Finding, ...]
) -> TrialValidity:
    evidence = Evidence(
        trial=trial,
        profile=profile,
        workload=Workload(id="imported", title="", kinds=(), lua=None, sha256=""),
        load=load,
        load_findings=notes,
        resources=Resources(),
        counters=Counters(),
        exchanges=(),
        side=SidechannelResult(),
        failure=None,
        measured=True,
        log_cut=False,
    )
    return validity_of(evidence)


def _other_window(load: LoadResult, facts: ImportOptions, trial: str) -> tuple[Finding, ...]:
    """A window unlike what the user says: reported, and believed as the tool measured it."""
    told = facts.duration_s
    if told is None or abs(load.duration_s / told - 1) <= WINDOW_OFF_MAX:
        return ()
    window = finding(
        "window-off", trial, "told", severity="warning", window_s=load.duration_s, told_s=told
    )
    return (window,)


def _without_distorted(load: LoadResult, trial: str) -> tuple[LoadResult, tuple[Finding, ...]]:
    """Percentiles after a tool's own correction are left out, with a note."""
    latency = load.latency_us
    if latency is None or latency.source != "tool-corrected":
        return load, ()
    bare = latency.replace(percentiles=dict.fromkeys(latency.percentiles))
    note = finding("tool-corrected", trial, tool=load.tool)
    return load.replace(latency_us=bare), (note,)


def _sizes(body_bytes: int | None) -> tuple[Exchange, ...]:
    """Body sizes as the user gave them; the exchange itself is not known."""
    if body_bytes is None:
        return ()
    return (
        Exchange(
            weight=1,
            method="",
            path="",
            request_bytes=body_bytes,
            response_bytes=body_bytes,
            response_wire_bytes=body_bytes,
            status=200,
            request_text="",
            response_text="",
        ),
    )
