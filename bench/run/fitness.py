"""Whether this machine is fit for a plan, and what keeps `bench` itself out of the way."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from bench.errors import UnfitHostError
from bench.host import budget, fresh_ports, unfit
from bench.model.copies import sharing_port
from bench.model.finding import Finding, finding
from bench.model.target import Target
from bench.process import spaces_allowed
from bench.process.priority import in_background
from bench.reports.wording.findings import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.host_facts import Host
    from bench.model.plan import Arm, CpuSplit, Plan
    from bench.model.summary import BuildRecord


def fit_host(plan: Plan, host: Host, *, strict: bool) -> None:
    """Refuse a machine that is unfit for a plan, where that is asked for.

    Raises:
        UnfitHostError: with `strict`, where it is unfit for measuring this plan.
    """
    errors = unfit(plan_findings(plan, host))
    if strict and errors:
        raise UnfitHostError(
            "this machine is unfit for measuring: " + "; ".join(text_of(item) for item in errors),
            advice="`bench doctor` says what fixes it; without --strict the run is marked instead",
        )


def plan_findings(plan: Plan, host: Host) -> list[Finding]:
    """What must be known before the run: the machine, the CPU split, the system's limits."""
    notes = [finding(code, "run", "said", said=text) for code, text in plan.cpus.notes]
    most = max((profile.connections for profile in plan.profiles), default=1)
    processes = max((profile.processes for profile in plan.profiles), default=1)
    servers = 2 if plan.design == "duet" or plan.cost else 1
    fresh = [item for profile in plan.profiles for item in fresh_ports(host, profile)]
    return [*host.findings, *notes, *budget(host, most * servers, processes * servers), *fresh]


@contextlib.contextmanager
def out_of_the_way(cpus: CpuSplit) -> Iterator[None]:
    """Hold `bench` itself off the server's CPUs while it measures; on macOS by its priority."""
    away = cpus.housekeeping or cpus.load
    if sys.platform != "linux" or not away or cpus.pinning.state != "pinned":
        with in_background():
            yield
        return
    before = os.sched_getaffinity(0)
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, away)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, before)


def beyond_loopback(plan: Plan) -> list[Finding]:
    """One finding for each server on another machine: a network is part of its figures."""
    return [
        finding("remote", arm.name, server=arm.name, host=target.host)
        for arm in plan.arms
        if arm.url is not None and not (target := Target.of_url(arm.url)).is_local
    ]


def one_port(plan: Plan) -> list[Finding]:
    """Servers that need the same port where each cannot have a network of its own."""
    names = () if plan.design == "duet" or spaces_allowed() else sharing_port(plan)
    return [finding("one-port", "run", servers=names)] if names else []


def not_restarted(plan: Plan) -> list[Finding]:
    """One finding for each server that runs already: its trials are no fresh starts."""
    return [
        finding("not-restarted", arm.name, server=arm.name)
        for arm in plan.arms
        if arm.url is not None
    ]


def left_out(server: str, reason: str, *, built: bool, served: bool) -> Finding:
    """A server that takes no part: not to be built, wrong when it was asked, or not for here."""
    code = "server-skipped" if served else "not-served"
    code = code if built else "build-failed"
    return finding(code, server, server=server, reason=reason.splitlines()[0])


def stale_program(arm: Arm, record: BuildRecord) -> list[Finding]:
    """One finding where the program of a server is older than its sources."""
    if record.stale is None:
        return []
    case = "" if record.commands else "unbuilt"
    program, source = arm.config.run[0], record.stale
    return [
        finding("stale-program", arm.name, case, server=arm.name, program=program, source=source)
    ]
