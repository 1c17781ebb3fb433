"""Reads server.yaml: keys, commands and their placeholders; starts nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from bench.errors import ConfigError
from bench.matrix.checking import check
from bench.matrix.files import inside
from bench.matrix.words import argument_list, nearest
from bench.matrix.yaml_reader import read_document
from bench.model.config import ServerConfig
from bench.model.fields import is_identifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.matrix.document import Document, Loc

PLACEHOLDERS: Final = ("port", "cpus", "python")
"""What is replaced in build, run, env and version."""

_BRACES: Final = re.compile(r"\{[^{}]*\}")
_OPERATORS: Final = frozenset({"&&", "||", "|", ";", ">", ">>", "<", "&", "2>&1"})
_PORT: Final = "{port}"


def load_server(path: Path) -> ServerConfig:
    """Read a server.yaml; the title is filled in.

    Raises:
        ConfigError: all that is wrong with it.
    """
    config, document = read_server(path, path.parent)
    if config is None:
        raise ConfigError(sorted(document.problems))
    return config


def read_server(path: Path, root: Path) -> tuple[ServerConfig | None, Document]:
    """Read a server.yaml; None where the document has problems.

    Args:
        path: the file.
        root: the project, which `source` must stay in.
    """
    document = read_document(path)
    config = check(ServerConfig, document)
    if document.data:
        _check_name(document)
        _check_commands(document)
        check_placeholders(document, ("env",), document.data.get("env"))
        _check_port(document)
        _check_source(document, root)
        _check_workloads(document)
    if config is None or document.problems:
        return None, document
    return config.model_copy(update={"title": config.title or path.parent.name}), document


def check_placeholders(document: Document, loc: Loc, value: Any) -> None:
    """Report every `{...}` below a place that is not replaced."""
    for where, text in texts(loc, value):
        for found in _BRACES.findall(text):
            if found[1:-1] not in PLACEHOLDERS:
                near = nearest(found[1:-1], PLACEHOLDERS)
                advice = f"did you mean {{{near}}}?" if near else ""
                known = "{port}, {cpus} and {python}"
                document.add(where, f"{found[:40]} is not replaced: only {known} are", advice)


def texts(loc: Loc, value: Any) -> Iterator[tuple[Loc, str]]:
    """All texts below a place; keys of mappings are not among them."""
    if isinstance(value, str):
        yield loc, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts((*loc, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts((*loc, index), inner)


def _check_name(document: Document) -> None:
    name = document.path.resolve().parent.name
    if not is_identifier(name):
        expected = "lower-case letters, digits, '-', '_' or '.'"
        document.add((), f"the folder's name is the server's id: expected {expected}", line=1)


def _check_commands(document: Document) -> None:
    data = document.data
    build = data.get("build")
    commands: list[tuple[Loc, Any]] = [((key,), data.get(key)) for key in ("run", "version")]
    if isinstance(build, list):
        commands += [(("build", index), command) for index, command in enumerate(build)]
    for loc, command in commands:
        if isinstance(command, list):
            check_placeholders(document, loc, command)
            _check_command(document, loc, command)


def _check_command(document: Document, loc: Loc, command: list[Any]) -> None:
    if len(command) == 1 and isinstance(command[0], str) and " " in command[0].strip():
        form = argument_list(command[0].split())
        document.add((*loc, 0), "a whole command line stands in one argument", f"write {form}")
    for index, word in enumerate(command):
        if isinstance(word, str) and word in _OPERATORS:
            advice = "write a build of several commands, or a script"
            document.add(
                (*loc, index),
                f"{word} means something only to a shell, and none reads this",
                advice,
            )


def _check_port(document: Document) -> None:
    """A server that is not told its port can only be found by luck."""
    data = document.data
    told = [text for key in ("run", "env") for _, text in texts((key,), data.get(key))]
    if "run" not in data or document.has_bad(("run",)) or document.has_bad(("env",)):
        return
    if not any(_PORT in text for text in told):
        advice = 'such as run: [python, app.py, "{port}"] or env: {PORT: "{port}"}'
        document.add(
            ("run",),
            "the server is not told its port: {port} stands neither in run nor in env",
            advice,
        )


def _check_source(document: Document, root: Path) -> None:
    source = document.data.get("source")
    if not isinstance(source, str) or document.is_bad(("source",)):
        return
    folder = document.path.parent / source
    if not inside(folder, root):
        document.add(("source",), "the path leaves the project")
    elif not folder.is_dir():
        document.add(("source",), "there is no such folder")


def _check_workloads(document: Document) -> None:
    listed = document.data.get("workloads")
    check_duplicates(document, ("workloads",), listed)


def check_duplicates(document: Document, loc: Loc, listed: Any) -> None:
    """Report a word that stands twice in a list."""
    seen: dict[str, int] = {}
    for index, word in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(word, str) and word in seen:
            document.add((*loc, index), f"{word} stands here twice", "remove one of them")
        elif isinstance(word, str):
            seen[word] = index
