"""`bench setup`: find or install the load tools, saying first what is run and how long it takes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bench.cli.common import emit_json, json_option, project_option
from bench.errors import ConfigError, ToolMissingError
from bench.loadtools import TOOLS
from bench.loadtools.install import find, install_plan
from bench.process.executables import executable
from bench.process.foreground import foreground
from bench.servers.postgres_found import find_postgres
from bench.units import format_eta

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bench.loadtools.install.find import SetupFacts
    from bench.loadtools.install.install_plan import InstallPlan, InstallStep
    from bench.model.config import MatrixConfig
    from bench.servers.postgres_found import PostgresPlace

POSTGRES: Final = "postgres"
TOOLCHAINS: Final = {
    "cargo": ("brew install rustup && rustup default stable", "install Rust with rustup"),
    "cc": ("xcode-select --install", "apt-get install build-essential"),
    "node": ("brew install node", "apt-get install nodejs npm"),
    "npm": ("brew install node", "apt-get install nodejs npm"),
    "uv": ("brew install uv", "scripts/just brings it into .venv"),
}
"""What brings an executable that servers need: on macOS, on Linux."""


@click.command()
@click.option(
    "--tool",
    "names",
    multiple=True,
    type=click.Choice([*TOOLS, POSTGRES]),
    help="Only this load tool, or PostgreSQL; may be given again (default: all but h2load and "
    "PostgreSQL).",
)
@click.option("--for", "matrix", metavar="MATRIX", help="Only what MATRIX uses.")
@click.option("--yes", is_flag=True, help="Do not ask before administrator rights are used.")
@click.option("--dry-run", is_flag=True, help="Say what would be run, and run nothing.")
@json_option
@project_option
def command(
    names: tuple[str, ...],
    matrix: str | None,
    project: Path | None,
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Find the load tools, and install those that are missing or too old.

    They come from apt, Homebrew or cargo (several minutes), as each says; paced is built by cc.
    What is there is left alone. PostgreSQL, which stands beside servers that ask a database,
    comes only where --tool postgres or --for MATRIX asks for it. Before administrator
    rights are used you are asked; without a terminal it goes on as root or with --yes, else it
    prints the commands and exits 2. Compilers and runtimes that servers need are named, never
    installed.

    Exit codes: 0 all load tools are there - 2 one is not.
    """
    config = _config(matrix, project) if matrix else None
    uses = names or (tuple(profile.tool for profile in config.profiles) if config else ())
    wanted = tuple(
        name for name, tool in TOOLS.items() if (name in uses if uses else not tool.optional)
    )
    database = POSTGRES in names or (config is not None and asks_database(config, project))
    facts, plan = _planned(wanted, lacking=database and find_postgres() is None)
    _announce(plan, blocked=dry_run)
    ran: list[tuple[InstallStep, int | None]] = []
    if plan.steps:
        _check_native()
    if plan.steps and not dry_run:
        _consent(plan, facts, yes=yes)
        ran = _carry_out(plan.steps, facts)
        facts = find.survey(wanted)
    servers = _servers_of(config) if config else None
    toolchains = _missing_toolchains(project, servers)
    place = find_postgres() if database else None
    if as_json:
        shown = _as_dict(wanted, facts, plan, ran, toolchains)
        emit_json(shown | ({"postgres": place.version if place else None} if database else {}))
    else:
        _print_table(wanted, facts)
        if database:
            click.echo(_postgres_line(place))
        _print_toolchains(toolchains)
    if not dry_run:
        _require(wanted, facts, plan, [POSTGRES] if database and place is None else [])


def _check_native() -> None:
    if find.translated():
        raise ToolMissingError(
            "this terminal is translated by Rosetta: load tools for Intel would be installed, "
            "and their figures would be those of a translation",
            advice="start it natively: arch -arm64 bench setup",
        )


def _planned(wanted: Sequence[str], *, lacking: bool) -> tuple[SetupFacts, InstallPlan]:
    """What this machine has, and how the rest gets here: tools, and PostgreSQL if it is lacking."""
    facts = find.survey(wanted, more=(install_plan.POSTGRES_PACKAGE,) if lacking else ())
    plan = install_plan.plan_install(facts, wanted)
    return facts, install_plan.with_postgres(facts, plan) if lacking else plan


def _postgres_line(place: PostgresPlace | None) -> str:
    if place is None:
        return f"{POSTGRES:<10}missing"
    return f"{POSTGRES:<10}{'found':<9}{place.version:<9}{place.folder}"


def asks_database(config: MatrixConfig, project: Path | None) -> bool:
    """Whether a server of a matrix needs a PostgreSQL for one of its workloads."""
    from bench.plans.project import find_project
    from bench.plans.server_files import load_server

    servers = find_project(Path.cwd(), project).servers
    files = [servers.get(arm.id or "") for arm in config.arms]
    return any(load_server(file).wants_database(config.workloads) for file in files if file)


def _config(matrix: str, project: Path | None) -> MatrixConfig:
    from bench.plans.matrix_files import load_matrix
    from bench.plans.project import find_matrix, find_project

    return load_matrix(find_matrix(find_project(Path.cwd(), project), matrix))


def _servers_of(config: MatrixConfig) -> set[str | None]:
    return {*(arm.id for arm in config.arms), *(["ceiling"] if config.ceiling else [])}


def _announce(plan: InstallPlan, *, blocked: bool) -> None:
    for one in plan.blocked if blocked else ():
        click.echo(f"{one.reason}\n  {one.advice}", err=True)
    for step in plan.steps:
        rights = ", with administrator rights" if step.needs_root else ""
        click.echo(
            f"{step.reason}: about to run (about {format_eta(step.expected_s)}{rights})\n"
            f"  {step.shown}",
            err=True,
        )


def _consent(plan: InstallPlan, facts: SetupFacts, *, yes: bool) -> None:
    """Ask before administrator rights are used.

    Raises:
        ToolMissingError: the user said no, or cannot be asked and is not root.
    """
    privileged = [step for step in plan.steps if step.needs_root]
    if not privileged or yes:
        return
    if at_terminal():
        if click.confirm("Go on with administrator rights?", default=True, err=True):
            return
    elif facts.is_root:
        return
    commands = "\n  ".join(step.shown for step in plan.steps)
    raise ToolMissingError("nothing was installed", advice=f"run it yourself:\n  {commands}")


def at_terminal() -> bool:
    """Whether someone is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _carry_out(
    steps: Sequence[InstallStep], facts: SetupFacts
) -> list[tuple[InstallStep, int | None]]:
    """Run the steps; a tool whose step failed is skipped, the others go on."""
    environ = {**os.environ, "PATH": find.search_path(), "DEBIAN_FRONTEND": "noninteractive"}
    ran: list[tuple[InstallStep, int | None]] = []
    failed: set[str] = set()
    updated = any(step.command[-1] == "update" for step in steps)
    for step in steps:
        if failed.issuperset(step.tools):
            continue
        rc = foreground(step.command, env=environ)
        ran.append((step, rc))
        if rc and "apt-get" in step.command and not updated:
            updated = True
            again = install_plan.update_step(facts, step.tools, "apt's lists may be out of date")
            click.echo(f"{again.reason}: {again.shown}, then once more", err=True)
            ran.append((again, foreground(again.command, env=environ)))
            rc = foreground(step.command, env=environ)
            ran.append((step, rc))
        if rc != 0 and step.command[-1] != "update":
            failed.update(step.tools)
    return ran


def _missing_toolchains(
    project: Path | None, only: Collection[str | None] | None
) -> dict[str, list[str]]:
    """Server id -> executables that it needs and that are not here."""
    from bench.plans.project import find_project
    from bench.plans.server_files import load_server

    path = find.search_path()
    absent = {}
    for name, file in find_project(Path.cwd(), project).servers.items():
        if only is not None and name not in only:
            continue
        try:
            needs = load_server(file).needs
        except ConfigError:  # `bench validate` is there to tell
            continue
        lacking = [need for need in needs if executable(need, path) is None]
        if lacking:
            absent[name] = lacking
    return absent


def _require(
    wanted: Sequence[str], facts: SetupFacts, plan: InstallPlan, services: Sequence[str] = ()
) -> None:
    lacking = [name for name in wanted if _state(name, facts) != "found"] + [*services]
    if not lacking:
        return
    advice = [f"{blocked.reason}: {blocked.advice}" for blocked in plan.blocked]
    advice += [f"this failed: {step.shown}" for step in plan.steps if {*step.tools} & {*lacking}]
    verb = "is" if len(lacking) == 1 else "are"
    raise ToolMissingError(f"{' and '.join(lacking)} {verb} not here", advice="\n  ".join(advice))


def _state(name: str, facts: SetupFacts) -> str:
    there = facts.installed.get(name)
    if there is None:
        return "missing"
    return "found" if there.usable else "too-old"


def _print_table(wanted: Sequence[str], facts: SetupFacts) -> None:
    width = max([6, *(len(name) + 2 for name in wanted)])
    for name in wanted:
        there = facts.installed.get(name)
        state = _state(name, facts).replace("-", " ")
        version, path = (there.version or "-", there.path) if there else ("-", "")
        click.echo(f"{name:<{width}}{state:<9}{version:<9}{path}".rstrip())


def _print_toolchains(absent: dict[str, list[str]]) -> None:
    for server, needs in absent.items():
        known = dict.fromkeys(_toolchain_advice(need) for need in needs if need in TOOLCHAINS)
        advice = "; ".join(known)
        tail = f" ({advice})" if advice else ""
        click.echo(f"{server} will be skipped: {' and '.join(needs)} missing{tail}", err=True)


def _toolchain_advice(need: str) -> str:
    mac, linux = TOOLCHAINS[need]
    return mac if sys.platform == "darwin" else linux


def _as_dict(
    wanted: Sequence[str],
    facts: SetupFacts,
    plan: InstallPlan,
    ran: Sequence[tuple[InstallStep, int | None]],
    toolchains: dict[str, list[str]],
) -> dict[str, Any]:
    found = facts.installed
    return {
        "tools": [
            {
                "tool": name,
                "state": _state(name, facts),
                "version": found[name].version if name in found else None,
                "path": str(found[name].path) if name in found else None,
            }
            for name in wanted
        ],
        "steps": [
            {
                "command": list(step.command),
                "reason": step.reason,
                "expected_s": step.expected_s,
                "needs_root": step.needs_root,
            }
            for step in plan.steps
        ],
        "ran": [{"command": list(step.command), "rc": rc} for step, rc in ran],
        "blocked": [blocked._asdict() for blocked in plan.blocked],
        "skipped_servers": [{"server": name, "needs": n} for name, n in toolchains.items()],
    }
