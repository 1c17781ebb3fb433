"""Builds the servers of a run on this machine; `FarBuilds` does it on another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bench.servers import build, content_hash, lacking, toolchain

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.plan import Arm
    from bench.model.summary import BuildRecord
    from bench.process import SupervisorClient


class Builder(Protocol):
    """Builds servers where they are going to run."""

    def missing(self, arm: Arm) -> str | None:
        """Why it cannot be built there, None = it can."""
        ...

    def build(self, arm: Arm, log: Path, *, cpus: str) -> BuildRecord:
        """Build it unless that was done."""
        ...


class LocalBuilder:
    """Builds servers here."""

    def __init__(self, supervisor: SupervisorClient) -> None:
        self._supervisor = supervisor

    def missing(self, arm: Arm) -> str | None:
        """Why it cannot be built or started here, as far as looking tells; None = it can."""
        return lacking(arm)

    def build(self, arm: Arm, log: Path, *, cpus: str) -> BuildRecord:
        """Build it unless what lies there was built from the same content.

        Raises:
            BuildError: a command failed.
        """
        return build(arm, self._supervisor, log, cpus=cpus)


def content_here(arm: Arm) -> str:
    """Hash of what a build on this machine would be made of now."""
    return content_hash(arm, toolchain(arm))
