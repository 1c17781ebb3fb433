"""Tells from its command and its first output that a server runs in a mode for development."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD_BYTES: Final = 16_384
"""Of a server's output: what it says while it starts."""

_SAID: Final = (
    re.compile(r"This is a development server"),  # Flask
    re.compile(r'Running in "debug" mode'),  # Gin
    re.compile(r"Debugger is active!"),  # Werkzeug
    re.compile(r"Will watch for changes in these directories"),  # uvicorn --reload
    re.compile(r"Starting development server at"),  # Django
    re.compile(r"PHP [0-9.]+ Development Server"),
)
_OPTIONS: Final = frozenset({"--reload", "--debug", "--watch", "--hot", "--inspect"})
_CARGO: Final = ("cargo", "run")
_COMMANDS: Final = (
    ("flask", "run"),
    ("manage.py", "runserver"),
    ("next", "dev"),
    ("npm", "run", "dev"),
    ("fastapi", "dev"),
    ("nodemon",),
)


def development_sign(argv: Sequence[str], output: str) -> str:
    """What shows it, "" where nothing does."""
    words = [word for arg in argv for word in arg.split()]
    for word in words:
        parts = PurePath(word).parts
        built = parts[parts.index("target") : -1] if "target" in parts else ()
        if word in _OPTIONS or "debug" in built:
            return word
    names = [PurePath(word).name for word in words]
    if _holds(names, _CARGO) and not {"--release", "-r", "--profile"} & set(names):
        return "cargo run without --release"
    for command in _COMMANDS:
        if _holds(names, command):
            return " ".join(command)
    found = next((match for said in _SAID if (match := said.search(output))), None)
    return f"it says: {found[0]}" if found else ""


def _holds(names: Sequence[str], command: tuple[str, ...]) -> bool:
    """Whether these words stand side by side."""
    return any(tuple(names[at : at + len(command)]) == command for at in range(len(names)))
