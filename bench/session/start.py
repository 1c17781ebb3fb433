"""From a matrix's name to a finished run directory: plan, machine, trials, reports."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from bench import __version__
from bench.cpus import split
from bench.errors import EXIT_FAILED, EXIT_OK, ToolMissingError, UnfitHostError, UsageError
from bench.host import compare_hosts, local_host, local_topology
from bench.loadtools import TOOLS
from bench.matrix import Overrides, find_matrix, load_matrix, make_plan
from bench.model.finding import Finding, finding
from bench.model.summary import RunInfo, RunView
from bench.process import Command, Supervisor
from bench.runs import render, write_derived
from bench.session.lock import only_run
from bench.session.trials import Session
from bench.store import RunDirectory, find_run, write_atomic
from bench.tools import find_tool, search_path

if TYPE_CHECKING:
    from pathlib import Path

    from bench.matrix import Project
    from bench.model.host import Host
    from bench.model.plan import LoadProfile, Plan, Workload
    from bench.session.listener import Listener

_SEED_BITS = 31


class Planned(NamedTuple):
    """A plan with everything it needs."""

    plan: Plan
    workloads: dict[str, Workload]
    matrix: Path


class Options(NamedTuple):
    """How a run is carried out.

    Attributes:
        strict: refuse a machine that is unfit for measuring.
        allow_concurrent: go on beside another run.
        force_resume: resume although something changed; marks the report.
    """

    strict: bool = False
    allow_concurrent: bool = False
    force_resume: bool = False
    argv: tuple[str, ...] = ()


class Result(NamedTuple):
    """A finished run.

    Attributes:
        exit_code: as formats say; 0 or 1.
        view: what the reports were made from.
    """

    directory: RunDirectory
    view: RunView
    exit_code: int


def plan_matrix(project: Project, name: str, overrides: Overrides) -> Planned:
    """Read a matrix and say what a run of it would do on this machine.

    Raises:
        ConfigError: the matrix or what it names is wrong; all problems at once.
        UsageError: there is no such matrix, or it asks for CPUs that are not there.
    """
    path = find_matrix(project, name)
    config = load_matrix(path)
    cpus = split(local_topology(), config.server_cpus, config.load_cpus)
    plan, workloads = make_plan(
        project,
        path,
        overrides,
        cpus=cpus,
        unsupported=_unsupported,
        draw_seed=lambda: random.SystemRandom().getrandbits(_SEED_BITS),
    )
    return Planned(plan, workloads, path)


def _unsupported(profile: LoadProfile, workload: Workload) -> str | None:
    return TOOLS[profile.tool].unsupported(profile, workload)


def tool_versions(plan: Plan) -> dict[str, str | None]:
    """Version of each load tool that the plan uses.

    Raises:
        ToolMissingError: one is not there, or too old.
    """
    # oha lies in ~/.cargo/bin, which is not on everybody's PATH; children inherit this one.
    os.environ["PATH"] = search_path()
    versions: dict[str, str | None] = {}
    for name in sorted({profile.tool for profile in plan.profiles}):
        found = find_tool(name)
        mend = f"`bench setup --tool {name}` installs it (`scripts/just setup`)"
        if found is None:
            raise ToolMissingError(f"the load tool {name} is not installed", advice=mend)
        outdated = found.version and TOOLS[name].outdated(found.version)
        if outdated or not found.usable:
            raise ToolMissingError(
                outdated or f"{name} {found.version} is too old for this", advice=mend
            )
        versions[name] = found.version
    return versions


def start_run(project: Project, planned: Planned, listener: Listener, options: Options) -> Result:
    """Run a plan from the beginning.

    Raises:
        BenchError: see the exit codes; what is finished is on disk.
        KeyboardInterrupt: the same; `<run>/run.json` says that it was interrupted.
    """
    tools = tool_versions(planned.plan)
    host = _checked_host(tools, strict=options.strict)
    with only_run(allow_concurrent=options.allow_concurrent) as shared:
        started = datetime.now(UTC)
        directory = RunDirectory.create(project.root / "reports", _run_id(started, planned.plan))
        info = RunInfo(
            run_id=directory.path.name,
            bench_version=__version__,
            matrix=planned.plan.matrix,
            started=started.isoformat(timespec="seconds"),
            finished=None,
            exit_code=None,
            argv=options.argv,
        )
        directory.write_bytes("matrix.yaml", planned.matrix.read_bytes())
        directory.write_model("host.json", host)
        hashes = {name: workload.sha256 for name, workload in planned.workloads.items()}
        plan = planned.plan.model_copy(update={"workload_hashes": hashes})
        planned = planned._replace(plan=plan)
        directory.write_model("plan.json", plan)
        directory.write_model("run.json", info)
        notes = [*_plan_findings(planned.plan, host), *_concurrent(shared)]
        return _carry_out(directory, info, planned, host=host, listener=listener, notes=notes)


def resume_run(
    project: Project, run: str, planned: Planned, listener: Listener, options: Options
) -> Result:
    """Go on with a run that did not finish: same plan, order, seed and rates.

    Raises:
        UsageError: there is no such run, or matrix, tools or machine changed.
    """
    directory = find_run(run, project.root / "reports")
    info, plan = directory.info(), directory.plan()
    tools = tool_versions(plan)
    host = _checked_host(tools, strict=options.strict)
    changed = changes(directory, planned, host)
    if changed and not options.force_resume:
        raise UsageError(
            f"{directory.path.name} cannot be resumed: {'; '.join(changed)}",
            advice="start a new run, or add --force-resume, which marks the report",
        )
    with only_run(allow_concurrent=options.allow_concurrent) as shared:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        info = info.model_copy(
            update={"resumed": (*info.resumed, now), "finished": None, "exit_code": None}
        )
        directory.write_model("run.json", info)
        notes = [*_plan_findings(plan, host), *_concurrent(shared), *_resumed(changed)]
        merged = Planned(plan, planned.workloads, planned.matrix)
        return _carry_out(
            directory, info, merged, host=directory.host(), listener=listener, notes=notes
        )


def changes(directory: RunDirectory, planned: Planned, host: Host) -> list[str]:
    """What differs between a run on disk and what a resume would do now."""
    found = []
    before, plan = directory.host(), directory.plan()
    if (directory.path / "matrix.yaml").read_bytes() != planned.matrix.read_bytes():
        found.append("the matrix was edited")
    if before.fingerprint != host.fingerprint:
        found.append("it is another machine or system")
    found += [
        f"{tool} is now {version}, was {before.tools.get(tool)}"
        for tool, version in host.tools.items()
        if before.tools.get(tool) != version
    ]
    stored = {name: plan.workload_hashes.get(name) for name in plan.workloads}
    found += [
        f"the workload {name} changed"
        for name, workload in sorted(planned.workloads.items())
        if stored.get(name) not in (None, workload.sha256)
    ]
    return found


def publish(view: RunView, file: Path) -> None:
    """Write the report that can be committed, and its charts beside it."""
    rendered = render(view, ["results"])
    main, *others = rendered.items()
    write_atomic(file, main[1])
    charts = file.parent / "charts"
    names = {name for name, _ in others}
    if charts.is_dir():
        for old in charts.glob("*.svg"):
            if f"charts/{old.name}" not in names:
                old.unlink()
    for name, data in others:
        write_atomic(file.parent / name, data)


def _carry_out(
    directory: RunDirectory,
    info: RunInfo,
    planned: Planned,
    *,
    host: Host,
    listener: Listener,
    notes: list[Finding],
) -> Result:
    exit_code = EXIT_FAILED
    try:
        with Supervisor(planned.plan.cpus.housekeeping) as supervisor:
            _keep_awake(supervisor, directory.path)
            session = Session(
                plan=planned.plan,
                workloads=planned.workloads,
                directory=directory,
                supervisor=supervisor,
                listener=listener,
                before=directory.builds(),
            )
            try:
                session.prepare()
                ended = session.run()
            finally:
                notes = [*notes, *session.findings]
        exit_code = EXIT_FAILED if ended.failed_cells or ended.build_failures else EXIT_OK
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        info = info.model_copy(update={"finished": finished, "exit_code": exit_code})
    finally:
        after = local_host(tools=host.tools)
        directory.write_model("host.after.json", after)
        directory.write_model("findings.json", [*notes, *compare_hosts(host, after)])
        directory.write_model("run.json", info)
        with contextlib.suppress(UsageError):
            view = write_derived(directory.path)
    return Result(directory, view, exit_code)


def _keep_awake(supervisor: Supervisor, folder: Path) -> None:
    """Hold macOS awake while the supervisor lives; a Linux laptop is caught by the clocks."""
    if sys.platform != "darwin" or shutil.which("caffeinate") is None:
        return
    argv = ("caffeinate", "-dims", "-w", str(os.getpid()))
    supervisor.spawn(Command(argv, dict(os.environ), folder, None, folder / "caffeinate.log"))


def _checked_host(tools: dict[str, str | None], *, strict: bool) -> Host:
    host = local_host(tools=tools)
    errors = [item for item in host.findings if item.severity == "error"]
    if strict and errors:
        raise UnfitHostError(
            "this machine is unfit for measuring: " + "; ".join(item.text for item in errors),
            advice="`bench doctor` says what mends it; without --strict the run is marked instead",
        )
    return host


def _plan_findings(plan: Plan, host: Host) -> list[Finding]:
    notes = [finding(code, "run", text) for code, text in plan.cpus.notes]
    return [*host.findings, *notes]


def _concurrent(shared: bool) -> list[Finding]:  # noqa: FBT001 - the lock's answer
    if not shared:
        return []
    return [finding("concurrent-run", "run", "another run of `bench` went on at the same time")]


def _resumed(changed: list[str]) -> list[Finding]:
    if not changed:
        return []
    text = f"resumed by force although {'; '.join(changed)}"
    return [finding("resumed-changed", "run", text, advice="start a new run for a fair comparison")]


def _run_id(started: datetime, plan: Plan) -> str:
    digest = hashlib.sha256(plan.model_dump_json().encode()).hexdigest()
    return f"{started:%Y%m%dT%H%M%SZ}-{plan.matrix}-{digest[:6]}"
