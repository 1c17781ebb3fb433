"""Reads server.yaml: keys, commands and their placeholders; starts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench.errors import ConfigError
from bench.model.server_config import ServerConfig
from bench.plans.protocols import check_server_protocols
from bench.plans.typed_command import is_assignment, is_shell_word
from bench.plans.yaml.checking import check
from bench.plans.yaml.file_rules import (
    OF_PROTOCOLS,
    PLACEHOLDERS,
    check_duplicates,
    check_known,
    check_name,
    check_placeholders,
    texts,
)
from bench.plans.yaml.files import inside
from bench.plans.yaml.reader import read_document
from bench.plans.yaml.spelling import argument_list

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from bench.plans.yaml.document import Loc, YamlDocument

_PORT: Final = "{port}"
_RUNNING: Final = (*PLACEHOLDERS, *OF_PROTOCOLS)


def load_server(path: Path) -> ServerConfig:
    """Read a server.yaml; the title is filled in.

    Raises:
        ConfigError: all that is wrong with it.
    """
    config, document = read_server(path, None)
    if config is None:
        raise ConfigError(sorted(document.problems))
    return config


def read_server(
    path: Path, root: Path | None, workloads: Collection[str] | None = None
) -> tuple[ServerConfig | None, YamlDocument]:
    """Read a server.yaml; None where the document has problems.

    Args:
        path: the file.
        root: the project, which `source` must stay in; None = not checked.
        workloads: ids that there are; None = not checked.
    """
    document = read_document(path)
    config = check(ServerConfig, document)
    if document.data:
        check_name(document, document.path.resolve().parent.name, "folder", "server")
        _check_commands(document)
        check_placeholders(document, ("env",), document.data.get("env"), _RUNNING)
        _check_port(document)
        check_server_protocols(document)
        _check_source(document, root)
        _check_workloads(document, workloads)
        _check_services(document, workloads)
    if config is None or document.problems:
        return None, document
    return config.replace(title=config.title or path.parent.name), document


def _check_commands(document: YamlDocument) -> None:
    data = document.data
    build = data.get("build")
    commands: list[tuple[Loc, Any]] = [((key,), data.get(key)) for key in ("run", "version")]
    if isinstance(build, list):
        commands += [(("build", index), command) for index, command in enumerate(build)]
    for loc, command in commands:
        if isinstance(command, list):
            known = _RUNNING if loc == ("run",) else PLACEHOLDERS
            check_placeholders(document, loc, command, known)
            _check_command(document, loc, command)


def _check_command(document: YamlDocument, loc: Loc, command: list[Any]) -> None:
    if len(command) == 1 and isinstance(command[0], str) and " " in command[0].strip():
        form = argument_list(command[0].split())
        document.add((*loc, 0), "a whole command line stands in one argument", f"write {form}")
    if command and isinstance(command[0], str) and is_assignment(command[0]):
        name, _, value = command[0].partition("=")
        message = f"no shell reads this: {name}=... is not a program"
        document.add((*loc, 0), message, f'write env: {{{name}: "{value}"}} beside run')
    for index, word in enumerate(command):
        if isinstance(word, str) and is_shell_word(word):
            advice = "several commands belong in build, each a list of its own, or in a script"
            document.add(
                (*loc, index),
                f"{word} means something only to a shell, and none reads this",
                advice,
            )


def _check_port(document: YamlDocument) -> None:
    """A server that does not get its port can only be found by luck."""
    data = document.data
    told = [text for key in ("run", "env") for _, text in texts((key,), data.get(key))]
    if "run" not in data or document.has_bad(("run",)) or document.has_bad(("env",)):
        return
    if "port" not in data and not any(_PORT in text for text in told):
        advice = (
            'such as run: [python, app.py, "{port}"] or env: {PORT: "{port}"}; '
            "one that has a port of its own: port: 3000"
        )
        document.add(
            ("run",),
            "the server is not given its port: {port} stands neither in run nor in env",
            advice,
        )


def _check_source(document: YamlDocument, root: Path | None) -> None:
    source = document.data.get("source")
    if not isinstance(source, str) or document.is_bad(("source",)):
        return
    folder = document.path.parent / source
    if root is not None and not inside(folder, root):
        document.add(("source",), "the path leaves the project")
    elif not folder.is_dir():
        document.add(("source",), "there is no such folder")


def _check_workloads(document: YamlDocument, known: Collection[str] | None) -> None:
    written, cannot = document.data.get("workloads"), document.data.get("cannot")
    listed = written if isinstance(written, list) else []
    check_duplicates(document, ("workloads",), written)
    for index, name in enumerate(listed):
        if known is not None:
            check_known(document, ("workloads", index), "workload", name, known)
    for name in cannot if isinstance(cannot, dict) else ():
        if known is not None:
            check_known(document, ("cannot", name), "workload", name, known)
        if name in listed:
            document.add(("cannot", name), "it stands in workloads too", "remove it in one place")


def _check_services(document: YamlDocument, known: Collection[str] | None) -> None:
    """Workloads that there are; and nobody gets the address of a database that is not started."""
    services = document.data.get("services")
    wanted = services.get("postgres") if isinstance(services, dict) else None
    for index, name in enumerate(wanted if isinstance(wanted, list) else ()):
        if known is not None:
            check_known(document, ("services", "postgres", index), "workload", name, known)
    if services or document.has_bad(("services",)):
        return
    for key in ("run", "env"):
        for loc, text in texts((key,), document.data.get(key)):
            if "{postgres_" in text:
                message = "no PostgreSQL is started for this server"
                document.add(loc, message, "add services: [postgres]")
