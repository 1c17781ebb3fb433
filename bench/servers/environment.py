"""The environment and the placeholders that a server's commands get."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bench.loadtools.install.find import user_path
from bench.model.secrets import HIDDEN, hidden, is_secret
from bench.process.executables import executable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DROPPED: Final = ("BENCH_", "COVERAGE_", "COV_", "PYTEST_")
"""Variables of `bench` itself and of its tests; everything else is the user's."""
_OWN: Final = frozenset({"uv", "uvx"})
"""Programs that come with `bench`, for commands that name them where the user has none."""
PLAIN: Final[Mapping[str, str]] = MappingProxyType(
    {"protocol": "http", "cert": "", "key": "", "resume": "true"}
)
"""What placeholders of protocols stand for where there is no TLS, and in builds."""
_LOGIN: Final = re.compile(r"(://[^:/@\s]*:)[^@/\s]+@")
_BRACES: Final = re.compile(r"\{\{|\}\}|\{(\w+)\}")


def base_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The user's environment, as it is, without secrets: an activated environment stays active.

    The folders of cargo and Homebrew stand behind the user's PATH; `bench`'s own is not on it,
    since its `python` is not the user's.
    """
    source = os.environ if environ is None else environ
    env = {
        name: value
        for name, value in source.items()
        if not name.startswith(_DROPPED) and not is_secret(name)
    }
    env["PATH"] = user_path(source)
    return env


def found_program(name: str, path: str) -> str | None:
    """Where a program lies: on the user's PATH, or beside `bench` where it comes with it."""
    found = executable(name, path)
    if found is None and name in _OWN:
        found = shutil.which(name, path=str(Path(sys.executable).parent))
    return found


def startable(argv: Sequence[str], path: str) -> tuple[str, ...]:
    """A command with the whole path of a program that only `bench` has."""
    name = argv[0]
    own = found_program(name, path) if name in _OWN else None
    return (name if shutil.which(name, path=path) else own or name, *argv[1:])


def redacted(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that a record shows: secrets and passwords in addresses become `***`."""
    shown = hidden(env)
    return {name: _LOGIN.sub(rf"\1{HIDDEN}@", shown[name]) for name in sorted(shown)}


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace `{host}`, `{port}`, `{cpus}` and others; `{{` and `}}` become single braces.

    Other names in braces were refused when the file was read.
    """
    return _filled(text, values, {"{{": "{", "}}": "}"})


def fill_some(text: str, values: Mapping[str, str]) -> str:
    """Replace only the names given, in a text that `fill` will see once more."""
    return _filled(text, values, {})


def _filled(text: str, values: Mapping[str, str], braces: Mapping[str, str]) -> str:
    def one(match: re.Match[str]) -> str:
        whole = match[0]
        return braces.get(whole, whole) if match[1] is None else values.get(match[1], whole)

    return _BRACES.sub(one, text)


def verbatim(text: str, names: Sequence[str]) -> str:
    """A text in which only these names stand for something: all other braces are doubled."""
    doubled = text.replace("{", "{{").replace("}", "}}")
    for name in names:
        doubled = doubled.replace(f"{{{{{name}}}}}", f"{{{name}}}")
    return doubled


def fill_all(argv: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """`fill` over an argument list."""
    return tuple(fill(word, values) for word in argv)


def command_environment(own: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """What a server's command runs with: `base_environment` and its own variables, filled."""
    return base_environment() | {name: fill(value, values) for name, value in own.items()}
