"""Finds and reads machines.yaml, the user's own list of machines; reaches none of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import ConfigError, UsageError
from bench.model.machines import THIS_MACHINE, MachineGroup, MachinesConfig
from bench.plans.yaml.checking import check
from bench.plans.yaml.reader import read_document
from bench.plans.yaml.spelling import shown, spelling
from bench.store.cache import expanded

if TYPE_CHECKING:
    from bench.plans.yaml.document import YamlDocument

FILE: Final = "machines.yaml"
EXAMPLE: Final = "lab:\n  server: {ssh: server-box, address: 10.0.0.2}\n  load: [{ssh: load-1}]"


class ChosenMachines(NamedTuple):
    """A group of machines that the user chose.

    Attributes:
        name: in the file.
        group: what the file says about it.
        file: where it was read.
    """

    name: str
    group: MachineGroup
    file: Path


def machines_file() -> Path:
    """The user's file: XDG_CONFIG_HOME/bench/machines.yaml or ~/.config/bench/machines.yaml.

    Raises:
        UsageError: there is neither XDG_CONFIG_HOME nor a home folder.
    """
    base = os.environ.get("XDG_CONFIG_HOME") or expanded("~/.config", "XDG_CONFIG_HOME")
    return Path(base) / "bench" / FILE


def choose_machines(choice: str) -> ChosenMachines:
    """Read the group that `--machines` names: `NAME` in the user's file, or `FILE:NAME`.

    Raises:
        UsageError: there is no such file, no such name or no home folder.
        ConfigError: all that is wrong with the file.
    """
    written, _, name = choice.rpartition(":")
    path = expanded(written) if written else machines_file()
    if not path.is_file():
        raise UsageError(
            f"there is no file {path}, which would say what machines {shown(name)} are",
            advice=f"write one, such as\n{EXAMPLE}",
        )
    document = read_document(path)
    config = check(MachinesConfig, document)
    _check_addresses(document)
    if config is None or document.problems:
        raise ConfigError(sorted(document.problems))
    if name not in config.root:
        raise UsageError(
            f"there are no machines {shown(name)} in {path}", advice=spelling(name, config.root)
        )
    return ChosenMachines(name, config.root[name], path)


def _check_addresses(document: YamlDocument) -> None:
    """Load from elsewhere cannot guess where it reaches this machine."""
    for name, group in document.data.items():
        server, load = _ssh_names(group, "server"), _ssh_names(group, "load")
        away = any(ssh != THIS_MACHINE for ssh in load)
        if server == [THIS_MACHINE] and away and "address" not in group["server"]:
            document.add(
                (name, "server"),
                "the address is missing at which the load machines reach this machine",
                "write {ssh: local, address: 10.0.0.1}, with the address of its network card",
            )


def _ssh_names(group: Any, key: str) -> list[str]:
    """The names that stand in a part of a group, whatever else is wrong there."""
    part = group.get(key) if isinstance(group, dict) else None
    listed = part if isinstance(part, list) else [part]
    return [str(one["ssh"]) for one in listed if isinstance(one, dict) and "ssh" in one]
