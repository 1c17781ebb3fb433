"""What `run` names and no build makes: seen by looking, before anything is built or started."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.model.target import LOOPBACK
from bench.servers.building import missing
from bench.servers.environment import command_environment, found_program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.plan import Arm
    from bench.model.server_config import ServerConfig

_SCRIPTS: Final = (".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".php", ".jar")
_UNKNOWN: Final = {"cpus": "1", "host": LOOPBACK, "port": "0", "python": ""}
_PLACEHOLDER: Final = re.compile(r"\bTHE-[A-Z]+\b")
"""What `bench init` writes where it cannot know a name."""
_HOOKS: Final = frozenset({"preinstall", "install", "postinstall", "prepublish", "prepare"})
_PYTHON_ENVIRONMENTS: Final = ("uv venv", "uv pip", "pip install", "pip3 install")


def lacking(arm: Arm) -> str | None:
    """Why a server cannot be built or started here, as far as looking tells, or None."""
    return missing(arm) or (None if arm.url else never_made(Path(arm.folder), arm.config)) or None


def never_made(folder: Path, config: ServerConfig, *, on_path: bool = True) -> str:
    """What `run` names, and no build makes, or "".

    Args:
        folder: of the server, where its commands are run.
        config: its server.yaml.
        on_path: also programs that are to be on this machine's PATH.
    """
    program, *words = config.run
    for word in config.run:
        if name := _PLACEHOLDER.search(word):
            return f"`run` still says {name[0]}: put the name of what listens there"
    if "{" in program or not all(_brings_only(folder, argv) for argv in config.build):
        return ""
    if not config.build and not _there(folder, program, config, on_path=on_path):
        return f"there is no program {program}: it has no `build`, and `run` cannot start it"
    for word in () if "-c" in words else words:  # a shell goes where it likes
        script = word.endswith(_SCRIPTS) and "{" not in word and not word.startswith("-")
        if script and not (folder / word).is_file():
            by = ", and no build makes it" if config.build else ""
            return f"there is no file {word}, which `run` names{by}"
    return ""


def _there(folder: Path, program: str, config: ServerConfig, *, on_path: bool) -> bool:
    if "/" in program:
        return shutil.which(str(folder / program)) is not None
    path = command_environment(config.env, _UNKNOWN)["PATH"]
    return not on_path or found_program(program, path) is not None


def _brings_only(folder: Path, argv: Sequence[str]) -> bool:
    """Whether a command of a build brings dependencies only: it makes no script of the project."""
    words = [Path(argv[0]).name, *argv[1:]]
    if words[0].startswith("python") and words[1:2] == ["-m"]:
        words = words[2:]
    begin = " ".join(words[:2])
    if words[0] == "venv" or begin in _PYTHON_ENVIRONMENTS:
        return True
    if begin not in ("npm install", "npm ci"):
        return False
    place = next((words[i + 1] for i, word in enumerate(words[:-1]) if word == "--prefix"), ".")
    return "--ignore-scripts" in words or not _has_hooks(folder / place / "package.json")


def _has_hooks(manifest: Path) -> bool:
    """Whether npm runs a script of the package itself when it installs the dependencies."""
    try:
        scripts = json.loads(manifest.read_bytes()).get("scripts", {})
        return bool(_HOOKS & scripts.keys())
    except (OSError, ValueError, AttributeError):
        return True  # not known: npm says what is wrong
