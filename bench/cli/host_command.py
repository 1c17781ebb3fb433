"""`bench host`: hardware and system as a run records them."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common import emit_json, json_option, machines_option
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.model.host_facts import Host, System


@click.command()
@machines_option
@json_option
@click.option("--all", "full", is_flag=True, help="Show the full table below the summary.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Read a captured tree instead of this machine.",
)
@click.option(
    "--system",
    type=click.Choice(["linux", "darwin"]),
    help="Which system the tree is of (default: this one).",
)
@click.option(
    "--capture",
    "target",
    type=click.Path(path_type=Path),
    help="Write what is read to this new folder, redacted, for a bug report.",
)
def command(
    root: Path | None,
    system: System | None,
    target: Path | None,
    machines: str | None,
    *,
    as_json: bool,
    full: bool,
) -> None:
    """Show this machine, one that was captured, or each of --machines.

    Values that cannot be read are null, each with its reason under `unavailable`. Serial numbers,
    UUIDs, host and user names are never recorded, neither here nor in a capture.
    """
    from bench.host import (
        local_host,
        local_system,
        read_host,
        tree_source,
    )
    from bench.reports.wording.findings import in_words

    if system and not root:
        raise UsageError("--system needs --root", advice="This machine's system is known.")
    if machines:
        if root or target:
            raise UsageError("--machines is for machines as they are: without --root, --capture")
        _all(machines, as_json=as_json, full=full)
        return
    chosen = system or local_system()
    if target:
        _capture(target, chosen, root)
        return
    host = read_host(tree_source(root), chosen) if root else local_host()
    if as_json:
        emit_json(host.replace(findings=tuple(map(in_words, host.findings))))
    else:
        _print(host, full=full)


def _all(machines: str, *, as_json: bool, full: bool) -> None:
    """Show each machine of a group, the server's first."""
    from bench.reports.wording.findings import in_words
    from bench.run.whereabouts import opened

    with opened(machines) as lab:
        hosts = {name: facts.host for name, facts in lab.facts.items()} if lab else {}
    if as_json:
        said = {
            name: host.replace(findings=tuple(map(in_words, host.findings)))
            for name, host in hosts.items()
        }
        emit_json({"machines": {name: one.model_dump(mode="json") for name, one in said.items()}})
        return
    for name, host in hosts.items():
        click.echo(f"{name}:")
        _print(host, full=full)


def _print(host: Host, *, full: bool) -> None:
    from bench.cli.common import emphasized
    from bench.reports.host_answer import machine
    from bench.reports.terminal import terminal_blocks
    from bench.reports.wording.findings import text_of

    click.echo(terminal_blocks(machine(host, full=full), emphasized), nl=False)
    for found in host.findings:
        click.echo(f"{found.severity}: {found.code}: {text_of(found)}", err=True)


def _capture(target: Path, system: System, root: Path | None) -> None:
    """Write a redacted tree; the only files that this command writes."""
    from bench.host import local_source, tree_source
    from bench.host.capture import capture_tree

    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} exists", advice="Name a new or an empty folder.")
    source = tree_source(root) if root else local_source()
    files = capture_tree(source, system, names=() if root else _own_names())
    for name, text in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    click.echo(f"wrote {len(files)} files to {target}")
    click.echo(
        "serial numbers, ids, host and user names were left out; look before sending", err=True
    )


def _own_names() -> tuple[str, ...]:
    """What must not appear in a capture: this host's and this user's names."""
    node = os.uname().nodename
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = ""
    try:
        home = Path.home().name
    except RuntimeError:  # no HOME, and a uid without an entry
        home = ""
    return tuple(filter(None, (node, node.partition(".")[0], user, home)))
