"""From a matrix's name to a finished run directory: plan, machine, trials, reports."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench import __version__
from bench.errors import EXIT_FAILED, EXIT_OK, BenchError, UsageError
from bench.host import compare_hosts
from bench.model.finding import Finding, finding
from bench.model.secrets import hidden_words
from bench.model.summary import RunInfo, RunView
from bench.process import Command, SupervisorClient
from bench.reports.wording.findings import all_told, with_text
from bench.run.asking import FirstQuestions, wrong_answers
from bench.run.builder import content_here
from bench.run.fitness import fit_host, out_of_the_way, plan_findings
from bench.run.lock import MachineLock, hold_machine, holding
from bench.run.measuring import Measuring
from bench.run.opening import render, write_derived
from bench.run.resume import changes, matrix_place, resumed, set_aside
from bench.run.searching import SearchSession
from bench.run.secret_values import kept_matrix, with_secrets
from bench.run.session import Session, SessionResult
from bench.run.whereabouts import (
    check_machines_fit,
    check_same_place,
    host_after,
    keep_hosts,
    server_host,
    tool_versions,
)
from bench.servers import never_made
from bench.servers.git import described, is_dirty
from bench.store.derived import remove_charts, shown_charts
from bench.store.named import is_stream, write_named
from bench.store.run_directory import RunDirectory
from bench.store.runs import find_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.host_facts import Host
    from bench.model.plan import Plan
    from bench.plans.matrix_plan import Planned
    from bench.plans.project import Project
    from bench.run.events import Listener
    from bench.trial.learned_work import LearnedWork
    from bench.trial.remote.lab import Lab

_KEPT = frozenset(
    {"concurrent-run", "resumed-changed", "server-skipped", "build-failed", "damaged-record"}
    | {"not-served"}
)
"""Findings that a resumed run keeps of its earlier parts; the others are found again."""


class Options(NamedTuple):
    """How a run is carried out.

    Attributes:
        strict: refuse a machine that is unfit for measuring.
        allow_concurrent: go on beside another run.
        force_resume: resume although something changed; marks the report.
        reports: where the run's folder is made; None = `reports/` of the project.
        whole: a server whose first answers are wrong for one workload takes no part in any.
        lab: the machines of server and load; None = this one.
        learned: how much work warms a server, of runs before; what this one learns is added.
    """

    strict: bool = False
    allow_concurrent: bool = False
    force_resume: bool = False
    argv: tuple[str, ...] = ()
    reports: Path | None = None
    whole: bool = False
    lab: Lab | None = None
    learned: LearnedWork | None = None


class Result(NamedTuple):
    """A finished run.

    Attributes:
        exit_code: as formats say; 0 or 1.
        view: what the reports were made from.
        finished_before: it was to be resumed and nothing was left to do.
    """

    directory: RunDirectory
    view: RunView
    exit_code: int
    finished_before: bool = False


def start_run(project: Project, planned: Planned, listener: Listener, options: Options) -> Result:
    """Run a plan from the beginning.

    Raises:
        BenchError: see the exit codes; what is finished is on disk.
        KeyboardInterrupt: the same; `<run>/run.json` says that it was interrupted.
    """
    planned, host = _at_place(planned, options)
    if options.whole and options.lab is None:
        _check_there(planned.plan)
    started = datetime.now(UTC)
    with (
        hold_machine(allow_concurrent=options.allow_concurrent) as turn,
        _new_run(
            options.reports or project.root / "reports", _run_id(started, planned.plan)
        ) as directory,
    ):
        head = described(project.root)
        info = RunInfo(
            run_id=directory.path.name,
            bench_version=__version__,
            matrix=planned.plan.matrix,
            started=started.isoformat(timespec="seconds"),
            finished=None,
            exit_code=None,
            argv=hidden_words(options.argv),
            matrix_file=matrix_place(planned.matrix.path, project),
            commit=head.commit if head else None,
            dirty=is_dirty(project.root) if head else False,
        )
        directory.write_bytes("matrix.yaml", kept_matrix(planned.matrix))
        directory.write_model("host.json", with_text(host))
        keep_hosts(directory, options.lab)
        hashes = {name: workload.sha256 for name, workload in planned.workloads.items()}
        plan = planned.plan.replace(workload_hashes=hashes)
        planned = planned._replace(plan=plan)
        directory.write_model("plan.json", plan)
        conduct = _SessionParts(directory, info, planned, host, listener, turn)
        conduct = conduct._replace(whole=options.whole, lab=options.lab, learned=options.learned)
        about = options.lab.notes if options.lab else ()
        return _carry_out(conduct, [*plan_findings(plan, host), *about])


def _at_place(planned: Planned, options: Options) -> tuple[Planned, Host]:
    """The plan with what is known of the machines, and that of the servers.

    Raises:
        UsageError: it cannot be done on them.
        UnfitHostError: with `strict`, where the servers' machine is unfit.
    """
    lab = options.lab
    tools = tool_versions(planned.plan, lab)
    if lab is not None:
        check_machines_fit(planned.plan)
        plan = planned.plan.replace(machines=lab.plan)
        planned = planned._replace(plan=plan)
    host = server_host(tools, lab)
    fit_host(planned.plan, host, strict=options.strict)
    return planned, host


def _check_there(plan: Plan) -> None:
    """Report what can be seen without a build before any is made.

    Raises:
        UsageError: `run` of a server names what is not there.
    """
    for arm in plan.arms:
        if reason := "" if arm.url else never_made(Path(arm.folder), arm.config):
            raise UsageError(f"{arm.name}: {reason}", advice="is `run` in its server.yaml right?")


def resume_run(
    project: Project, run: str, planned: Planned, listener: Listener, options: Options
) -> Result:
    """Go on with a run that did not finish: same plan, order, seed and rates.

    A finished run is not touched: its reports are renewed and its exit code is given again.

    Raises:
        UsageError: there is no such run, another process goes on with it, or matrix, servers,
            tools or machine changed.
    """
    directory = find_run(run, project.root / "reports")
    with holding(directory.path):
        # Whoever held it until now may have added rounds.
        planned = planned._replace(plan=directory.plan())
        return _resume(project, directory, planned, listener, options)


def _resume(
    project: Project,
    directory: RunDirectory,
    planned: Planned,
    listener: Listener,
    options: Options,
) -> Result:
    """Go on with a run that nobody else writes in."""
    info = directory.info()
    if info.finished is not None and not directory.trials()[1]:
        view = write_derived(directory.path)
        return Result(directory, view, info.exit_code or EXIT_OK, finished_before=True)
    plan = with_secrets(planned.plan, planned.matrix, directory, project)
    planned = planned._replace(plan=plan)
    check_same_place(plan, options.lab)
    planned, host = _at_place(planned, options)
    content = options.lab.builds.content if options.lab else content_here
    changed = changes(directory, planned, host, project, content)
    if changed and not options.force_resume:
        raise UsageError(
            f"{directory.path.name} cannot be resumed: {'; '.join(changed)}",
            advice="start a new run, or add --force-resume, which marks the report",
        )
    with hold_machine(allow_concurrent=options.allow_concurrent) as turn:
        damaged = directory.repair()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        info = info.replace(resumed=(*info.resumed, now), finished=None, exit_code=None)
        notes = [*plan_findings(planned.plan, host), *resumed(changed), *set_aside(damaged)]
        notes = list(all_told(notes))
        known = (item for item in directory.findings() if item.case != "some")  # asked again
        notes += [item for item in known if item.code in _KEPT and item not in notes]
        conduct = _SessionParts(directory, info, planned, directory.host(), listener, turn)
        conduct = conduct._replace(lab=options.lab)
        return _carry_out(conduct, notes)


@contextlib.contextmanager
def _new_run(reports: Path, run_id: str) -> Iterator[RunDirectory]:
    """A new run directory, held from its first file on."""
    directory = RunDirectory.create(reports, run_id)
    with holding(directory.path):
        # The run stays out of the user's repository, whatever that ignores.
        directory.write_bytes(".gitignore", b"*\n")
        yield directory


def publish(view: RunView, file: Path) -> None:
    """Write the report that can be committed, and its charts beside it.

    A chart that only the report before it showed is removed; whatever else lies there stays.

    Raises:
        UsageError: no file can lie there; nothing was written.
        StoreError: disk full, no permission.
    """
    rendered = render(view, ["results"])
    (_, main), *others = rendered.items()
    old = set() if is_stream(file) else shown_charts(file)
    write_named(file, main, dict(others))
    remove_charts(file.parent / name for name in sorted(old - set(rendered)))


class _SessionParts(NamedTuple):
    """What a run or the rest of one is carried out with; `host` is that of its beginning."""

    directory: RunDirectory
    info: RunInfo
    planned: Planned
    host: Host
    listener: Listener
    turn: MachineLock
    whole: bool = False
    lab: Lab | None = None
    learned: LearnedWork | None = None


def _carry_out(conduct: _SessionParts, notes: list[Finding]) -> Result:
    directory, info = conduct.directory, conduct.info
    directory.write_model("findings.json", all_told(notes))
    directory.write_model("run.json", info)
    conduct.listener.kept()
    found: list[Finding] = []
    try:
        ended = _measure(conduct, found)
    except BaseException:  # an interruption too: what is finished gets its report
        with contextlib.suppress(BenchError):
            _close(conduct, info, [*notes, *found])
        raise
    unbuilt = ended.build_failures or any(item.code == "build-failed" for item in notes)
    exit_code = EXIT_FAILED if ended.failed_cells or unbuilt else EXIT_OK
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    info = info.replace(finished=finished, exit_code=exit_code)
    return Result(directory, _close(conduct, info, [*notes, *found]), exit_code)


def _measure(conduct: _SessionParts, found: list[Finding]) -> SessionResult:
    """Build and run all trials; what the session notes comes to `found` in any case."""
    directory, planned = conduct.directory, conduct.planned
    cpus = planned.plan.cpus
    with SupervisorClient(cpus.housekeeping or cpus.load, run=directory.path.name) as supervisor:
        _keep_awake(supervisor, directory.path)
        ask = partial(
            wrong_answers,
            plan=planned.plan,
            workloads=planned.workloads,
            supervisor=supervisor,
            logs=directory.path / "builds",
        )
        session = (SearchSession if planned.plan.search else Session)(
            asking=FirstQuestions(None if conduct.lab else ask, whole=conduct.whole),
            measuring=partial(Measuring, lab=conduct.lab, learned=conduct.learned),
            builder=conduct.lab.builds if conduct.lab else None,
            plan=planned.plan,
            workloads=planned.workloads,
            directory=directory,
            supervisor=supervisor,
            listener=conduct.listener,
        )
        try:
            session.prepare()
            with out_of_the_way(cpus):
                return session.run()
        finally:
            found += session.findings


def _close(conduct: _SessionParts, info: RunInfo, notes: list[Finding]) -> RunView:
    """Write what is known at the end, and the reports."""
    directory, host = conduct.directory, conduct.host
    after = host_after(host, conduct.lab)
    directory.write_model("host.after.json", with_text(after))
    keep_hosts(directory, conduct.lab, after=True)
    notes = [*notes, *_concurrent(conduct.turn, notes), *compare_hosts(host, after)]
    directory.write_model("findings.json", all_told(notes))
    directory.write_model("run.json", info)
    return write_derived(directory.path)


def _keep_awake(supervisor: SupervisorClient, folder: Path) -> None:
    """Hold macOS awake while the supervisor lives; a Linux laptop is caught by the clocks."""
    if sys.platform != "darwin" or shutil.which("caffeinate") is None:
        return
    argv = ("caffeinate", "-dims", "-w", str(os.getpid()))
    supervisor.spawn(Command(argv, dict(os.environ), folder, None, folder / "caffeinate.log"))


def _concurrent(turn: MachineLock, notes: list[Finding]) -> list[Finding]:
    if not turn.disturbed or any(item.code == "concurrent-run" for item in notes):
        return []
    return [finding("concurrent-run", "run")]


def _run_id(started: datetime, plan: Plan) -> str:
    digest = hashlib.sha256(plan.model_dump_json().encode()).hexdigest()
    return f"{started:%Y%m%dT%H%M%SZ}-{plan.matrix}-{digest[:6]}"
