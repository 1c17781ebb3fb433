"""`bench setup`: find or install the load tools, saying first what is run and how long it takes."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench import tools
from bench.cli.common import emit_json, json_option, project_option
from bench.errors import BenchError, ToolMissingError
from bench.process.foreground import foreground
from bench.units import format_eta

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.tools import Facts, InstallPlan, Step

TOOLCHAINS = {
    "cargo": ("brew install rustup && rustup default stable", "rustup (rustup.rs)"),
    "node": ("brew install node", "apt-get install nodejs npm, or a newer one from nodejs.org"),
    "npm": ("brew install node", "apt-get install npm"),
    "uv": ("brew install uv", "scripts/just, which brings it into .venv"),
}
"""What brings an executable that servers need: on macOS, on Linux."""


@click.command()
@click.option(
    "--tool",
    "names",
    multiple=True,
    type=click.Choice(list(tools.TOOLS)),
    help="Only this load tool; may be given again (default: all of them).",
)
@click.option("--for", "matrix", metavar="MATRIX", help="Only the load tools that MATRIX uses.")
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

    wrk comes from apt or Homebrew, oha from Homebrew or cargo (several minutes). What is there
    is left alone. Before administrator rights are used you are asked; without a terminal it
    goes on as root or with --yes, else it prints the commands and exits 2. Compilers and
    runtimes that servers need are named, never installed.

    Exit codes: 0 all load tools are there - 2 one is not.
    """
    wanted = _wanted(names, matrix, project)
    facts = tools.survey(wanted)
    plan = tools.plan_install(facts, wanted)
    _announce(plan)
    ran: list[tuple[Step, int | None]] = []
    if plan.steps and not dry_run:
        _consent(plan, facts, yes=yes)
        ran = _carry_out(plan.steps, facts)
        facts = tools.survey(wanted)
    toolchains = _missing_toolchains(project)
    if as_json:
        emit_json(_as_dict(wanted, facts, plan, ran, toolchains))
    else:
        _print_table(wanted, facts)
        _print_toolchains(toolchains)
    if not dry_run:
        _require(wanted, facts, plan)


def _wanted(names: tuple[str, ...], matrix: str | None, project: Path | None) -> tuple[str, ...]:
    if matrix is not None:
        from bench.matrix import find_matrix, find_project, load_matrix  # noqa: PLC0415 - late

        config = load_matrix(find_matrix(find_project(Path.cwd(), project), matrix))
        names = (*names, *(profile.tool for profile in config.profiles))
    return tuple(name for name in tools.TOOLS if not names or name in names)


def _announce(plan: InstallPlan) -> None:
    for blocked in plan.blocked:
        click.echo(f"{blocked.reason}\n  {blocked.advice}", err=True)
    for step in plan.steps:
        rights = ", with administrator rights" if step.needs_root else ""
        click.echo(
            f"{step.reason}: about to run (about {format_eta(step.expected_s)}{rights})\n"
            f"  {step.shown}",
            err=True,
        )


def _consent(plan: InstallPlan, facts: Facts, *, yes: bool) -> None:
    """Ask before administrator rights are used.

    Raises:
        ToolMissingError: the user said no, or cannot be asked and is not root.
    """
    privileged = [step for step in plan.steps if step.needs_root]
    if not privileged or yes:
        return
    if sys.stdin.isatty() and sys.stderr.isatty():
        if click.confirm("Go on with administrator rights?", default=True, err=True):
            return
    elif facts.is_root:
        return
    commands = "\n  ".join(step.shown for step in plan.steps)
    raise ToolMissingError("nothing was installed", advice=f"run it yourself:\n  {commands}")


def _carry_out(steps: Sequence[Step], facts: Facts) -> list[tuple[Step, int | None]]:
    """Run the steps; a tool whose step failed is skipped, the others go on."""
    environ = {**os.environ, "PATH": tools.search_path(), "DEBIAN_FRONTEND": "noninteractive"}
    ran: list[tuple[Step, int | None]] = []
    failed: set[str] = set()
    updated = any(step.command[-1] == "update" for step in steps)
    for step in steps:
        if failed.issuperset(step.tools):
            continue
        rc = foreground(step.command, env=environ)
        ran.append((step, rc))
        if rc and "apt-get" in step.command and not updated:
            updated = True
            again = tools.update_step(facts, step.tools, "apt's lists may be out of date")
            click.echo(f"{again.reason}: {again.shown}, then once more", err=True)
            ran.append((again, foreground(again.command, env=environ)))
            rc = foreground(step.command, env=environ)
            ran.append((step, rc))
        if rc != 0 and step.command[-1] != "update":
            failed.update(step.tools)
    return ran


def _missing_toolchains(project: Path | None) -> dict[str, list[str]]:
    """Server id -> executables that it needs and that are not here."""
    from bench.matrix import find_project, load_server  # noqa: PLC0415 - late

    path = tools.search_path()
    absent = {}
    try:
        servers = find_project(Path.cwd(), project).servers
    except BenchError:  # no project here: nothing to say about servers
        return {}
    for name, file in servers.items():
        try:
            needs = load_server(file).needs
        except BenchError:  # `bench validate` is there to tell
            continue
        lacking = [need for need in needs if shutil.which(need, path=path) is None]
        if lacking:
            absent[name] = lacking
    return absent


def _require(wanted: Sequence[str], facts: Facts, plan: InstallPlan) -> None:
    lacking = [name for name in wanted if _state(name, facts) != "found"]
    if not lacking:
        return
    advice = [f"{blocked.tool}: {blocked.advice}" for blocked in plan.blocked]
    advice += [f"{step.tools[0]}: {step.shown}" for step in plan.steps if step.tools[0] in lacking]
    raise ToolMissingError(
        f"{' and '.join(lacking)} could not be installed", advice="\n  ".join(advice)
    )


def _state(name: str, facts: Facts) -> str:
    there = facts.installed.get(name)
    if there is None:
        return "missing"
    return "found" if there.usable else "too-old"


def _print_table(wanted: Sequence[str], facts: Facts) -> None:
    for name in wanted:
        there = facts.installed.get(name)
        state = _state(name, facts).replace("-", " ")
        version, path = (there.version or "-", there.path) if there else ("-", "")
        click.echo(f"{name:<6}{state:<9}{version:<9}{path}".rstrip())


def _print_toolchains(absent: dict[str, list[str]]) -> None:
    for server, needs in absent.items():
        advice = "; ".join(_toolchain_advice(need) for need in needs if need in TOOLCHAINS)
        tail = f" ({advice})" if advice else ""
        click.echo(f"{server} will be skipped: {' and '.join(needs)} missing{tail}", err=True)


def _toolchain_advice(need: str) -> str:
    mac, linux = TOOLCHAINS[need]
    return mac if sys.platform == "darwin" else linux


def _as_dict(
    wanted: Sequence[str],
    facts: Facts,
    plan: InstallPlan,
    ran: Sequence[tuple[Step, int | None]],
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
