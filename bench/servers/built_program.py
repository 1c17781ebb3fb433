"""The program that a build makes: where it comes to lie, and whether its sources are newer."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bench.errors import BuildError
from bench.servers.environment import command_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.model.plan import Arm

_COMPILING: Final[Mapping[str, str]] = MappingProxyType(
    {"UV_COMPILE_BYTECODE": "1", "PYC_INVALIDATION_MODE": "CHECKED_HASH"}
)
_ELSEWHERE: Final = "CARGO_TARGET_DIR"
_MACHINE_CODE: Final = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_COMPILED: Final = frozenset(
    {".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".rs", ".go", ".zig", ".swift", ".nim", ".cr"}
    | {".hs", ".ml", ".d", ".cs"}
)
_NOT_BUILT: Final = frozenset({"tests", "test", "benches", "examples", "docs"})
_SLACK_S: Final = 2.0
"""Files of one checkout are written within seconds of each other."""


def build_environment(arm: Arm, values: Mapping[str, str]) -> dict[str, str]:
    """What build commands run with.

    A folder for the programs of all projects (CARGO_TARGET_DIR) is the user's habit: a server
    whose `run` names a program in its own target folder is built there, and two commits of it do
    not overwrite each other's. One that server.yaml sets is kept.

    uv compiles what it installs, as pip does by itself: where Python may not write beside the
    sources later (PYTHONDONTWRITEBYTECODE in containers, read-only folders), each start would
    compile all of it (FastAPI: 1.8 s of CPU time in place of 0.7). What was compiled is checked
    by the hash of its source: by size and second of its time, as is usual, version 1.0 of a file
    passed for 2.0 where `--with` had put the one over the other.
    """
    env = {**_COMPILING, **command_environment(arm.config.env, values)}
    program = Path(arm.config.run[0])
    if _ELSEWHERE not in arm.config.env and not program.is_absolute() and "target" in program.parts:
        env.pop(_ELSEWHERE, None)
    return env


def program_of(arm: Arm) -> Path | None:
    """The file that `run` starts; None where it is on PATH, or has placeholders in its name."""
    program = arm.config.run[0]
    return Path(arm.folder, program) if "/" in program and "{" not in program else None


def check_made(arm: Arm, env: Mapping[str, str]) -> None:
    """Refuse a build after which there is no program.

    Raises:
        BuildError: it names the program, and where cargo was sent.
    """
    program = program_of(arm)
    if program is None or program.exists():
        return
    elsewhere = env.get(_ELSEWHERE)
    sent = f"; {_ELSEWHERE} is {elsewhere}" if elsewhere else ""
    raise BuildError(
        f"{arm.name} was built, but there is no program {arm.config.run[0]}",
        advice=f"`run` of its server.yaml names what the build makes{sent}",
    )


def newer_source(program: Path, sources: Iterable[Path]) -> Path | None:
    """The newest source of a compiled program, where it is newer than that; else None.

    Cargo lists the sources of a program beside it; elsewhere all files of compiled languages
    count, but for tests and examples.
    """
    if program.is_symlink() or not program.is_file() or not _is_machine_code(program):
        return None
    listed = program.with_name(f"{program.name}.d")
    if listed.is_file():
        files = _listed(listed)
    else:
        files = [
            one for one in sources if one.suffix in _COMPILED and not _NOT_BUILT & {*one.parts}
        ]
    newest = max(files, key=_time, default=None)
    if newest is None or _time(newest) <= program.stat().st_mtime + _SLACK_S:
        return None
    return newest


def _is_machine_code(program: Path) -> bool:
    with program.open("rb") as file:
        return file.read(4) in _MACHINE_CODE


def _listed(file: Path) -> list[Path]:
    """The sources in a rule of make, as compilers write it; a blank in a name is escaped."""
    text = file.read_text("utf-8", "replace").replace("\\\n", " ").partition(": ")[2]
    words = re.split(r"(?<!\\)\s+", text.partition("\n")[0].strip())
    return [Path(word.replace("\\ ", " ")) for word in words if word]


def _time(path: Path) -> float:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 - a path of the user's that may be gone
    except OSError:
        return 0.0
