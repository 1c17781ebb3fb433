"""The environment and the placeholders that a server's commands get."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from bench.loadtools.install.find import search_path
from bench.model.secrets import hidden, is_secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DROPPED: Final = ("PYTHON", "VIRTUAL_ENV", "CONDA_", "BENCH_", "COVERAGE_", "COV_", "PYTEST_")


def base_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The user's environment without PYTHON* and secrets; our venv's bin first on PATH."""
    source = os.environ if environ is None else environ
    env = {
        name: value
        for name, value in source.items()
        if not name.startswith(_DROPPED) and not is_secret(name)
    }
    env["PATH"] = search_path(source)
    return env


def redacted(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that a record shows: secrets become `***`."""
    return dict(sorted(hidden(env).items()))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace `{port}`, `{cpus}`, `{python}`; other braces were refused when the file was read."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def fill_all(argv: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """`fill` over an argument list."""
    return tuple(fill(word, values) for word in argv)


def command_environment(own: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """What a server's command runs with: `base_environment` and its own variables, filled."""
    return base_environment() | {name: fill(value, values) for name, value in own.items()}
