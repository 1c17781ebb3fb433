"""`bench list`: what can be named in a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common import emit_json, json_option, project_option
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.plans.project import Project


@click.command()
@click.argument("kind", type=click.Choice(["servers", "workloads", "matrices", "runs"]))
@json_option
@project_option
def command(kind: str, project: Path | None, *, as_json: bool) -> None:
    """List what KIND of things this project has: servers, workloads, matrices or runs.

    Bisects are among the runs: `bench bisect --resume NAME` goes on with one.
    A file that cannot be read is listed with the reason; `bench validate` says more. A matrix is
    listed with the time that it takes on this machine, builds not counted.
    """
    from bench.plans.project import find_project

    found = find_project(Path.cwd(), project)
    rows = {
        "servers": _servers,
        "workloads": _workloads,
        "matrices": _matrices,
        "runs": _runs,
    }[kind](found)
    if as_json:
        emit_json({kind: rows})
        return
    width = max((len(row["id"]) for row in rows), default=0)
    for row in rows:
        click.echo(f"{row['id']:<{width}}  {row['text']}")
    if not rows:
        click.echo(f"no {kind} in {found.root}", err=True)


def _servers(project: Project) -> list[dict[str, Any]]:
    from bench.plans.server_files import load_server

    def text(path: Path) -> str:
        config = load_server(path)
        return f"{config.title} - {config.language}{f', {config.style}' if config.style else ''}"

    return [_row(name, path, text) for name, path in sorted(project.servers.items())]


def _workloads(project: Project) -> list[dict[str, Any]]:
    from bench.plans.workload_files import load_workload

    def text(path: Path) -> str:
        workload = load_workload(path, project.root_of(path))
        kinds = ", ".join(dict.fromkeys(f"{k.method} {k.path[:40]}" for k in workload.kinds))
        return f"{workload.title} - {kinds}"

    return [_row(name, path, text) for name, path in sorted(project.workloads.items())]


def _matrices(project: Project) -> list[dict[str, Any]]:
    from bench.plans.matrix_files import load_matrix

    def text(path: Path) -> str:
        config = load_matrix(path)
        return (
            f"{config.title} - {len(config.servers)} servers x {len(config.workloads)} workloads"
            f" x {len(config.profiles)} profiles, {config.rounds} rounds"
            f"{_duration(project, path.stem) if not config.variants else ''}"
        )

    return [_row(name, path, text) for name, path in sorted(project.matrices.items())]


def _duration(project: Project, name: str) -> str:
    """How long it takes on this machine, builds not counted; "" where it cannot be planned."""
    from bench.plans.matrix_plan import plan_matrix
    from bench.plans.overrides import Overrides
    from bench.units import format_eta

    try:
        plan = plan_matrix(project, name, Overrides()).plan
    except BenchError:
        return ""
    return f", about {format_eta(max(plan.estimated_s, plan.max_time_s or 0.0))}"


def _runs(project: Project) -> list[dict[str, Any]]:
    from bench.store.runs import closed_folders, list_runs

    reports = project.root / "reports"
    rows = [
        {"id": path.name, "text": f"cannot be read: {reason}"}
        for path, reason in closed_folders(reports).items()
    ]
    for run in list_runs(reports):
        try:
            info, plan = run.info(), run.plan()
            trials, _ = run.trials()
        except BenchError as error:
            rows.append({"id": run.path.name, "text": f"cannot be read: {error.message}"})
            continue
        done = len({trial.trial.removesuffix(".2") for trial in trials})
        state = "finished" if info.finished else "not finished"
        text = f"{plan.title} - {done} of {len(plan.trials)} trials, {state}, {info.started}"
        rows.append({"id": run.path.name, "text": text})
    return sorted([*rows, *_bisects(project)], key=lambda row: row["id"])


def _bisects(project: Project) -> list[dict[str, Any]]:
    from bench.store.bisect_files import BisectFolder, list_bisects

    def text(path: Path) -> str:
        folder = BisectFolder(path)
        asked, looks = folder.asked(), folder.looks()
        what = f" --with {asked.dependency}" if asked.dependency else ""
        kept = f"{len(looks)} measurement{'' if len(looks) == 1 else 's'} kept"
        return f"bisect {asked.server}{what}: {'..'.join(asked.named)}, {kept}"

    return [
        _row(each.path.name, each.path, text) for each in list_bisects(project.root / "reports")
    ]


def _row(name: str, path: Path, text: Any) -> dict[str, Any]:
    try:
        return {"id": name, "text": text(path)}
    except BenchError as error:
        return {"id": name, "text": f"cannot be read: {error.message.splitlines()[0]}"}
