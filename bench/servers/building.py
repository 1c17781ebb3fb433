"""Builds servers, once per content: an unchanged server is never built again."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from packaging.specifiers import SpecifierSet

from bench.errors import BuildError
from bench.model.secrets import hidden, without_values
from bench.model.summary import BuildRecord
from bench.model.target import LOOPBACK
from bench.process import Command, capture
from bench.process.executables import executable
from bench.servers.built_program import build_environment, check_made, newer_source, program_of
from bench.servers.environment import (
    PLAIN,
    base_environment,
    command_environment,
    fill_all,
    found_program,
    startable,
)
from bench.servers.git import files_of
from bench.store.run_directory import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.model.plan import Arm
    from bench.process import SupervisorClient

_STAMP: Final = ".build/stamp.json"
_NOT_SOURCE: Final = frozenset(
    {".venv", "venv", "target", "node_modules", ".build", "__pycache__", ".git", "dist", "build"}
)
_INSTALLED: Final = (".venv", "venv", "node_modules", "vendor")
_LOCKS: Final = (
    "Cargo.lock",
    "requirements.txt",
    "uv.lock",
    "poetry.lock",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "go.sum",
    "Gemfile.lock",
)
_TOOLCHAINS: Final = {
    "cargo": ("rustc", "--version"),
    "rustc": ("rustc", "--version"),
    "node": ("node", "--version"),
    "npm": ("node", "--version"),
    "go": ("go", "version"),
    "cc": ("cc", "--version"),
    "java": ("java", "-version"),
}
_UNKNOWN: Final = {"cpus": "1", "host": LOOPBACK, "port": "0", "python": ""}
"""What `{...}` stands for while the interpreter is not chosen yet."""
_BUILD_LIMIT_S: Final = 3600.0
_VERSION_LIMIT_S: Final = 30.0
_TAIL_LINES: Final = 15
_CANDIDATES: Final = (
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.14",
    "python3.10",
    "python3",
)


class Toolchain(NamedTuple):
    """What a build runs with.

    Attributes:
        python: interpreter for `{python}`, or None where the server asks for none.
        runtime: version line of the interpreter or compiler, or None.
    """

    python: str | None
    runtime: str | None


def missing(arm: Arm) -> str | None:
    """Why the server cannot be built here (an executable or interpreter is absent), or None."""
    path = command_environment(arm.config.env, _UNKNOWN)["PATH"]
    absent = [name for name in arm.config.needs if found_program(name, path) is None]
    if absent:
        return f"{' and '.join(absent)} not found on PATH"
    if arm.config.python and _interpreter(arm.config.python) is None:
        return f"no Python {arm.config.python} found"
    return None


def toolchain(arm: Arm) -> Toolchain:
    """The interpreter or compiler that a server's build uses."""
    if arm.config.python:
        found = _interpreter(arm.config.python)
        return Toolchain(found[0], f"Python {found[1]}") if found else Toolchain(None, None)
    env = command_environment(arm.config.env, _UNKNOWN)  # RUSTUP_TOOLCHAIN, for one, chooses
    for need in arm.config.needs:
        argv = _TOOLCHAINS.get(Path(need).name)
        there = argv and executable(argv[0], env["PATH"])
        done = capture(argv, env=env) if argv and there else None
        if argv and done and done.rc == 0:
            line = (done.stdout or done.stderr).splitlines()[0].strip()
            return Toolchain(None, f"Node.js {line[1:]}" if argv[0] == "node" else line)
    return Toolchain(None, None)


def python_for(arm: Arm) -> str:
    """The interpreter for `{python}`; looked for only where `run` or `env` names it."""
    named = [*arm.config.run, *arm.config.env.values(), *arm.env.values()]
    wanted = any("{python}" in word for word in named)
    return (toolchain(arm).python or "") if wanted else ""


def satisfies(version: str, constraint: str) -> bool:
    """Whether a Python version such as `3.12.4` fits `>=3.11`, `~=3.11.2`, `>=3.11,<3.14`.

    The constraint is read as packagers write them: `==3.12` is 3.12.0 only, `==3.12.*` any 3.12.
    """
    return SpecifierSet(constraint).contains(version, prereleases=True)


def _interpreter(constraint: str) -> tuple[str, str] | None:
    """(path, version) of the first interpreter that runs and fits; ours comes first."""
    ask = "import sys; print('%d.%d.%d' % sys.version_info[:3]); print(sys._base_executable)"
    env = base_environment()
    for name in (sys.executable, *_CANDIDATES):
        found = executable(name, env["PATH"])
        done = capture([found, "-I", "-c", ask], env=env) if found else None
        if done is None or done.rc != 0:
            continue
        version, base = done.stdout.split("\n")[:2]
        if satisfies(version, constraint):
            return base, version
    return None


def content_hash(arm: Arm, tools: Toolchain) -> str:
    """Hash of the source tree, its lock files, the toolchain and the build commands.

    Where server.yaml names a `source`, that tree is part of it: a server may be built from it.
    """
    digest = hashlib.sha256()
    env = sorted(hidden(arm.config.env).items())
    parts = (tools.runtime or "", repr(arm.config.build), repr(env))
    for part in (*parts, *([arm.source_hash] if arm.source_hash else [])):
        digest.update(part.encode() + b"\0")
    folder = Path(arm.folder)
    hash_files(digest, folder, sources(folder))
    source = (folder / arm.config.source).resolve()
    if source != folder.resolve() and source.is_dir():
        hash_files(digest, source, repository_files(source))
    return digest.hexdigest()


def hash_files(digest: hashlib._Hash, folder: Path, files: Iterable[Path]) -> None:
    """Add names and contents of files to a digest."""
    for path in files:
        digest.update(str(path.relative_to(folder)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())


def repository_files(source: Path) -> list[Path]:
    """What git tracks or would; reports, which change with every run, are no source."""
    files = files_of(source)
    if files is None:
        files = sources(source)
    return [path for path in files if path.is_file() and _is_source(path.relative_to(source))]


def _is_source(path: Path) -> bool:
    return path.parts[0] != "reports" and not _NOT_SOURCE & {*path.parts[:-1]}


def sources(folder: Path) -> list[Path]:
    """The files of a server that someone wrote, sorted; server.yaml is not among them."""
    made = {folder / name for name in _stamp(folder)[1:]}
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NOT_SOURCE]
        found += [Path(root, name) for name in files if not name.endswith((".pyc", ".log"))]
    return sorted(
        path for path in found if path.is_file() and path.name != "server.yaml" and path not in made
    )


def build(arm: Arm, supervisor: SupervisorClient, log: Path, *, cpus: str = "1") -> BuildRecord:
    """Build a server unless what lies there was built from the same content.

    Raises:
        BuildError: a command failed; the message holds its last lines, `log` everything.
    """
    tools = toolchain(arm)
    values = {**PLAIN, **_UNKNOWN, "cpus": cpus, "python": tools.python or ""}
    digest = content_hash(arm, tools)
    folder = Path(arm.folder)
    commands = tuple(fill_all(argv, values) for argv in arm.config.build)
    program = program_of(arm)
    there = program is None or program.exists()
    cached = not commands or (there and _stamp(folder)[:1] == [digest])
    began = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    if not cached:
        before = set(sources(folder))
        (folder / _STAMP).unlink(missing_ok=True)
        env = build_environment(arm, values)
        for argv in commands:
            _run(arm, argv, supervisor, log, env)
        check_made(arm, env)
        _write_stamp(folder, digest, before)
    else:
        log.touch()
    stale = None if cached and commands else _stale(arm, folder)
    if stale and commands:  # so that it is built, and said, the next time too
        (folder / _STAMP).unlink(missing_ok=True)
    artefact = _artefact(arm, folder)
    return BuildRecord(
        server=arm.name,
        hash=digest,
        version=_version(arm, supervisor, values),
        runtime=tools.runtime,
        commands=tuple(tuple(argv) for argv in arm.config.build),
        lockfile_sha256=_lockfile(folder),
        artefact_sha256=artefact[0] if artefact else None,
        artefact_bytes=artefact[1] if artefact else None,
        seconds=round(time.monotonic() - began, 3) if not cached else 0.0,
        cached=cached,
        installed_bytes=None if artefact else _installed_bytes(folder),
        stale=stale,
    )


def _stamp(folder: Path) -> list[str]:
    """The hash of the last whole build, then the files that builds made; empty without one."""
    try:
        return (folder / _STAMP).read_text().splitlines()
    except OSError:
        return []


def _write_stamp(folder: Path, digest: str, before: set[Path]) -> None:
    """Note what was built, and which files are the build's: they are no sources.

    Lock files are sources even where a build wrote them: a change there is another build.
    """
    made = [path for path in sources(folder) if path not in before and path.name not in _LOCKS]
    names = [str(path.relative_to(folder)) for path in made]
    write_atomic(folder / _STAMP, "\n".join([digest, *names]).encode())


def _run(
    arm: Arm, argv: tuple[str, ...], supervisor: SupervisorClient, log: Path, env: dict[str, str]
) -> None:
    with log.open("ab") as file:
        file.write(f"$ {' '.join(argv)}\n".encode())
    try:
        command = startable(argv, env["PATH"])
        child = supervisor.run(Command(command, env, Path(arm.folder), None, log), _BUILD_LIMIT_S)
    finally:  # also when the user interrupts it
        _hide(log, env)
    if child.rc != 0:
        tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:])
        how = _how(child.rc or 0)
        raise BuildError(
            f"building {arm.name} failed: {' '.join(argv)} ({how})\n{tail}",
            advice=f"the whole output is in {log}",
        )


def _hide(log: Path, env: dict[str, str]) -> None:
    """Replace the secrets that a build printed."""
    printed = log.read_text("utf-8", "surrogateescape")
    clean = without_values(printed, env)
    if clean != printed:
        write_atomic(log, clean.encode("utf-8", "surrogateescape"))


def _how(rc: int) -> str:
    return f"ended by signal {-rc}" if rc < 0 else f"exit code {rc}"


def _version(arm: Arm, supervisor: SupervisorClient, values: dict[str, str]) -> str | None:
    """What the server's `version` command prints, from the app's own interpreter."""
    if not arm.config.version:
        return None
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        out, err = Path(scratch, "out"), Path(scratch, "err")
        argv = fill_all(arm.config.version, values)
        env = command_environment(arm.config.env, values)
        child = supervisor.run(
            Command(startable(argv, env["PATH"]), env, Path(arm.folder), None, out, err),
            _VERSION_LIMIT_S,
        )
        text = without_values(out.read_text("utf-8", "replace"), env)
        lines = text.split("\n") if child.rc == 0 else []
    return lines[0].strip()[:100] if lines and lines[0].strip() else None


def _lockfile(folder: Path) -> str | None:
    for name in _LOCKS:
        if (folder / name).is_file():
            return hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return None


def _stale(arm: Arm, folder: Path) -> str | None:
    """A source that is newer than the program made from it, as seen from the server's folder."""
    program = program_of(arm)
    if program is None:
        return None
    source = (folder / arm.config.source).resolve()
    known = sources(folder)
    if source != folder.resolve() and source.is_dir():
        known += repository_files(source)
    newest = newer_source(program, known)
    return os.path.relpath(newest, folder) if newest else None


def _artefact(arm: Arm, folder: Path) -> tuple[str, int] | None:
    """Hash and size of the program that `run` starts, where it lies in the server's folder."""
    program = folder / arm.config.run[0]
    if not program.is_file() or program.is_symlink():
        return None
    data = program.read_bytes()
    return hashlib.sha256(data).hexdigest(), len(data)


def _installed_bytes(folder: Path) -> int | None:
    """Size of the packages that its build installed, each file once; None where there are none."""
    sizes = [
        os.lstat(os.path.join(root, name)).st_size  # noqa: PTH118 - thousands of files
        for installed in _INSTALLED
        for root, _, files in os.walk(folder / installed)
        for name in files
    ]
    return sum(sizes) or None
