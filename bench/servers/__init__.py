"""Servers under test: their environment, their build, and a running one as a context."""

from bench.servers.build_dirs import buildable_copy
from bench.servers.building import (
    Toolchain,
    build,
    content_hash,
    missing,
    satisfies,
    toolchain,
)
from bench.servers.existing import ExistingServer, serving
from bench.servers.ports import choose_port, listeners
from bench.servers.programs import lacking, never_made
from bench.servers.running import RunningServer

__all__ = [
    "ExistingServer",
    "RunningServer",
    "Toolchain",
    "build",
    "buildable_copy",
    "choose_port",
    "content_hash",
    "lacking",
    "listeners",
    "missing",
    "never_made",
    "satisfies",
    "serving",
    "toolchain",
]
