"""Finds the load tools and compilers that this machine has; installs nothing."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import UsageError
from bench.loadtools import TOOLS, ranked
from bench.loadtools.tool import too_old
from bench.process.command import capture
from bench.process.executables import executable
from bench.store.cache import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from bench.loadtools.tool import SourceBuild
    from bench.model.http_protocol import HttpProtocol
    from bench.model.load_result import Loop
    from bench.process.command import Completed


_RUSTC: Final = re.compile(r"^rustc (\d+(?:\.\d+)+)", re.MULTILINE)
_PACKAGE: Final = re.compile(r"^Package: (\S+)$", re.MULTILINE)
BUILD_PACKAGE: Final = "build-essential"
"""The Debian package that brings a C compiler and make."""
_HELPERS: Final = ("apt-get", "brew", "cargo", "cc", "make", "sudo", "rustup")


class Installed(NamedTuple):
    """A load tool that runs on this machine; `version` is None where it does not tell."""

    name: str
    path: Path
    version: str | None

    @property
    def usable(self) -> bool:
        """Whether it is new enough; a build of one's own may tell no version and is trusted."""
        return too_old(TOOLS[self.name], self.version) is None


class SetupFacts(NamedTuple):
    """What a plan is made from.

    Attributes:
        system: "linux" or "darwin".
        executables: which package managers and compilers can be run.
        installed: the load tools found, by name.
        rustc: version of the Rust compiler, or None.
        apt_known: packages that apt's lists hold; empty lists mean that they are to be fetched.
        is_root: whether this process has administrator rights.
        cpus: logical CPUs, for the expected duration of a build.
    """

    system: str
    executables: frozenset[str]
    installed: Mapping[str, Installed]
    rustc: str | None
    apt_known: frozenset[str]
    is_root: bool
    cpus: int


def translated(run: Callable[[tuple[str, ...]], Completed | None] = capture) -> bool:
    """Whether this process is translated by Rosetta: what it installs would be Intel's."""
    if sys.platform != "darwin":
        return False
    said = run(("sysctl", "-n", "sysctl.proc_translated"))
    return said is not None and said.stdout.strip() == "1"


def search_path(environ: Mapping[str, str] | None = None) -> str:
    """Where `bench` looks for tools: `user_path`, then what was installed beside `bench`."""
    own = str(Path(sys.executable).parent)
    return os.pathsep.join(dict.fromkeys([*user_path(environ).split(os.pathsep), own]))


def user_path(environ: Mapping[str, str] | None = None) -> str:
    """The user's PATH first, then where cargo and Homebrew put executables."""
    env = os.environ if environ is None else environ
    home = ""
    with contextlib.suppress(RuntimeError):  # no HOME, and a uid without an entry
        home = env.get("HOME") or str(Path.home())
    cargo = env.get("CARGO_HOME") or (home and f"{home}/.cargo")
    parts = [
        *env.get("PATH", os.defpath).split(os.pathsep),
        str(Path(cargo) / "bin") if cargo else "",
        "/opt/homebrew/bin",
        "/usr/local/bin",
    ]
    return os.pathsep.join(dict.fromkeys(part for part in parts if part))


def find_tool(
    name: str,
    path: str | None = None,
    run: Callable[[tuple[str, ...]], Completed | None] = capture,
) -> Installed | None:
    """The first usable copy of a load tool, else the first copy there is.

    Args:
        name: a key of `TOOLS`.
        path: folders to look in, separated as in PATH; `search_path()` by default.
        run: runs a short command; for tests.
    """
    tool = TOOLS[name]
    found: list[Installed] = []
    folders = (path or search_path()).split(os.pathsep)
    if tool.installation.sources:
        with contextlib.suppress(UsageError):  # no home folder: nothing was built there
            folders.insert(0, str(built_path(name, tool.installation.sources).parent))
    for folder in folders:
        executable = shutil.which(name, path=folder)
        if executable:
            said = run((executable, *tool.version_argv))
            if said is None:
                continue
            match = tool.version.search(said.stdout + said.stderr)
            found.append(Installed(name, Path(executable), match[1] if match else None))
            if found[-1].usable:
                return found[-1]
    return found[0] if found else None


def built_path(name: str, sources: SourceBuild) -> Path:
    """Where the executable built from these very sources lies: changed ones are built again."""
    digest = hashlib.sha256(repr((sources.flags, sources.libraries)).encode())
    for file in (*sources.files, *sources.headers):
        digest.update(file.read_bytes())
    return cache_folder() / "loadtools" / f"{name}-{digest.hexdigest()[:12]}" / name


def choose(
    loop: Loop,
    seconds: Iterable[float] = (),
    *,
    plain: bool = True,
    protocol: HttpProtocol = "http",
) -> str | None:
    """The preferred load tool for a kind of loop among those that are here; None = none is.

    One that is built from sources of bench counts as here where there is a compiler.

    Args:
        loop: kind of loop.
        seconds: windows that it must be able to measure.
        plain: answers have a length, and no interim ones come before them.
        protocol: what it must speak.
    """
    for name in ranked(loop, seconds, plain=plain, protocol=protocol):
        found = find_tool(name)
        if (found is not None and found.usable) or buildable(name):
            return name
    return None


def buildable(name: str) -> bool:
    """Whether it needs nothing but a compiler that is here (`bench.loadtools.install.ready`)."""
    return bool(TOOLS[name].installation.sources) and executable("cc", search_path()) is not None


def tool_path(name: str) -> str:
    """How to start a load tool: by name where PATH leads to the usable copy, else by its path."""
    return _tool_path(name, search_path(), os.environ.get("PATH", os.defpath))


@functools.lru_cache
def _tool_path(name: str, path: str, inherited: str) -> str:
    found = find_tool(name, path)
    if found is None or shutil.which(name, path=inherited) == str(found.path):
        return name
    return str(found.path)


def survey(
    wanted: Collection[str],
    run: Callable[[tuple[str, ...]], Completed | None] = capture,
    *,
    more: Collection[str] = (),
) -> SetupFacts:
    """Read from this machine what a plan for the wanted tools is made from.

    Where all of them are there, neither apt nor rustc is asked: both take their time.

    Args:
        wanted: keys of `TOOLS`.
        run: runs a short command; for tests.
        more: further packages of apt that are to be installed.
    """
    path = search_path()
    installed = {name: tool for name in wanted if (tool := find_tool(name, path, run))}
    there = frozenset(name for name in _HELPERS if executable(name, path, run))
    usable = {name for name, tool in installed.items() if tool.usable}
    lacking = bool(more) or not usable.issuperset(wanted)
    return SetupFacts(
        system="darwin" if sys.platform == "darwin" else "linux",
        executables=there,
        installed=installed,
        rustc=_rustc(path, run) if lacking else None,
        apt_known=_apt_known(run, more) if lacking and "apt-get" in there else frozenset(),
        is_root=os.geteuid() == 0,
        cpus=os.cpu_count() or 1,
    )


def _rustc(path: str, run: Callable[[tuple[str, ...]], Completed | None]) -> str | None:
    executable = shutil.which("rustc", path=path)
    said = run((executable, "--version")) if executable else None
    match = said and _RUSTC.search(said.stdout)
    return match[1] if match else None


def _apt_known(
    run: Callable[[tuple[str, ...]], Completed | None], more: Collection[str]
) -> frozenset[str]:
    packages = [tool.installation.apt for tool in TOOLS.values() if tool.installation.apt]
    said = run(("apt-cache", "show", *packages, BUILD_PACKAGE, *more))
    return frozenset(_PACKAGE.findall(said.stdout)) if said else frozenset()
