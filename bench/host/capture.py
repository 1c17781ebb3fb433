"""Writes down what the readers read, redacted, so that it can be sent and read again.

A capture is exactly the files and commands that a reading asks for. Each is cut down to what is
known to be harmless and needed: rules name what stays, not what goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.host.darwin.levels import read_levels
from bench.host.redact import Redactor
from bench.host.source import EMPTY, HostSource, SourceText, file_name
from bench.host.state import quick_state, read_any_topology, read_host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.host_facts import System

_DOCKER: Final = "/.dockerenv"


def capture_tree(
    source: HostSource, system: System, *, names: Sequence[str] = ()
) -> dict[str, str]:
    """Read a machine and keep what was read, redacted.

    Args:
        source: this machine (or a tree, to redact an old one).
        system: which system's tables hold.
        names: host and user names that must not appear anywhere.

    Returns:
        Relative path -> text; written as files below one folder they are a captured tree.
    """
    files: dict[str, str] = {}
    commands: dict[str, str] = {}
    recording = _recording(source, files, commands)
    read_host(recording, system)
    read_any_topology(recording, system)
    quick_state(source=recording, system=system)
    if system == "darwin":
        read_levels(recording)
    redactor = Redactor(names, files.get("/proc/self/cgroup"))
    tree = {redactor.path(path).lstrip("/"): redactor.file(path, t) for path, t in files.items()}
    for name, text in commands.items():
        suffix = ".json" if "_-json_" in name else ".txt"
        tree[name + suffix] = redactor.command(name, text)
    return {path: text + "\n" for path, text in sorted(tree.items()) if text}


def _recording(source: HostSource, files: dict[str, str], commands: dict[str, str]) -> HostSource:
    def read(path: str) -> SourceText:
        answer = source.read(path)
        if answer.text is not None or (path == _DOCKER and answer.reason == EMPTY):
            files[path] = answer.text or EMPTY
        return answer

    def run(argv: Sequence[str]) -> SourceText:
        answer = source.run(argv)
        if answer.text is not None:
            commands[file_name(argv)] = answer.text
        return answer

    return HostSource(read, run, source.glob)
