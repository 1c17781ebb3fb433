"""What users write: machines.yaml, the machines that server and load run on.

It is the user's own file, in their configuration folder or named on the command line, and never
part of a matrix: a matrix that comes from elsewhere cannot name a machine.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, RootModel

from bench.model import field_schemas as schemas
from bench.model.base import Model
from bench.model.fields import Identifier

THIS_MACHINE: Final = "local"
"""How a machines file names the machine that `bench` runs on."""

_SSH: Final = re.compile(r"[A-Za-z0-9_.\[][\w.@:/%\[\]+-]*")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_LONGEST: Final = 253


def _ssh(text: str) -> str:
    """One word that cannot be taken for an option."""
    if not _SSH.fullmatch(text) or len(text) > _LONGEST:
        raise ValueError("expected one word that `ssh` understands, such as server-box, or local")
    return text


def _address(text: str) -> str:
    six = ":" in text and _is_address(text)
    if not (six or _ADDRESS.fullmatch(text)) or len(text) > _LONGEST:
        raise ValueError("expected an address without port, such as 10.0.0.2")
    return text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


SshName = Annotated[str, AfterValidator(_ssh), schemas.SSH_NAME]
Address = Annotated[str, AfterValidator(_address), schemas.ADDRESS]


class ServerMachine(Model):
    """The machine that servers run on.

    Attributes:
        ssh: anything that `ssh X` understands, or `local` = the machine that `bench` runs on.
        address: where the load reaches it, and the only one that a server listens on. Default:
            what ssh itself connects to.
    """

    ssh: SshName
    address: Address | None = None


class LoadMachine(Model):
    """A machine that load comes from.

    Attributes:
        ssh: anything that `ssh X` understands, or `local` = the machine that `bench` runs on.
    """

    ssh: SshName


class MachineGroup(Model):
    """Machines that measure together.

    Attributes:
        server: the machine that servers run on, such as `{ssh: server-box, address: 10.0.0.2}`.
        load: the machines that load comes from, such as `[{ssh: load-1}, {ssh: load-2}]`.
    """

    server: ServerMachine
    load: Annotated[list[LoadMachine], Field(min_length=1, max_length=1000)]


class MachinesConfig(RootModel[dict[Identifier, MachineGroup]]):
    """Groups of machines by name; `--machines NAME` chooses one."""
