"""Plans how the missing load tools get onto a machine: a pure function of `SetupFacts`.

Nothing here runs a command, prints or asks.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.loadtools import TOOLS
from bench.loadtools.install.find import BUILD_PACKAGE, Installed, SetupFacts, built_path
from bench.loadtools.tool import at_least, dotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.loadtools.tool import CrateBuild, LoadTool, SourceBuild

_CC_S: Final = 3.0
_LEAST_BUILD_S: Final = 90.0
_APT_S: Final = 15.0
_BREW_S: Final = 60.0
POSTGRES_FORMULA: Final = "postgresql@17"
POSTGRES_PACKAGE: Final = "postgresql"
_POSTGRES: Final = "postgres"
_APT: Final = ("apt-get", "-o", "DPkg::Lock::Timeout=120")


class InstallStep(NamedTuple):
    """One command of a plan.

    Attributes:
        tools: the load tools that wait for it.
        command: the argument list, with `sudo` where it is needed.
        reason: why it is run.
        expected_s: how long it takes, in seconds.
        needs_root: whether it changes the system as administrator.
    """

    tools: tuple[str, ...]
    command: tuple[str, ...]
    reason: str
    expected_s: float
    needs_root: bool

    @property
    def shown(self) -> str:
        """The command as one types it."""
        return shlex.join(self.command)


class Blocked(NamedTuple):
    """A load tool that this program cannot install here, why not, and what the user can do."""

    tool: str
    reason: str
    advice: str


class InstallPlan(NamedTuple):
    """Steps in their order, and what cannot be done."""

    steps: tuple[InstallStep, ...]
    blocked: tuple[Blocked, ...]


def plan_install(facts: SetupFacts, wanted: Iterable[str]) -> InstallPlan:
    """Plan how the wanted tools get here; what is there and usable is never touched."""
    steps: list[InstallStep] = []
    blocked: list[Blocked] = []
    for name in wanted:
        there = facts.installed.get(name)
        if there and there.usable:
            continue
        outcome = _plan_one(facts, TOOLS[name], there)
        if isinstance(outcome, Blocked):
            blocked.append(outcome)
        else:
            steps.extend(outcome)
    return InstallPlan(_joined(facts, steps), tuple(blocked))


def with_postgres(facts: SetupFacts, plan: InstallPlan) -> InstallPlan:
    """The plan with the step that brings PostgreSQL, a service that servers need, not a tool."""
    why = "PostgreSQL is missing"
    brew = "brew" in facts.executables
    if facts.system == "linux" and "apt-get" in facts.executables:
        if not facts.is_root and "sudo" not in facts.executables:
            advice = f"as root: apt-get install {POSTGRES_PACKAGE}"
            return _also_blocked(plan, f"{why}, and there is no sudo", advice)
        step = _apt_step(facts, _POSTGRES, POSTGRES_PACKAGE, why)
    elif brew and not facts.is_root:
        command = ("brew", "install", POSTGRES_FORMULA)
        step = InstallStep((_POSTGRES,), command, why, _BREW_S, needs_root=False)
    else:
        cause = "Homebrew refuses to run as root" if brew else "no package manager is known here"
        advice = f"brew install {POSTGRES_FORMULA}, or this system's own package of PostgreSQL"
        return _also_blocked(plan, f"{why}, and {cause}", advice)
    others = [one for one in plan.steps if one.command[-1] != "update"]
    return plan._replace(steps=_joined(facts, [*others, step]))


def _also_blocked(plan: InstallPlan, reason: str, advice: str) -> InstallPlan:
    return plan._replace(blocked=(*plan.blocked, Blocked(_POSTGRES, reason, advice)))


def _plan_one(
    facts: SetupFacts, tool: LoadTool, there: Installed | None
) -> list[InstallStep] | Blocked:
    reason = f"{tool.name} is missing"
    if there:
        said = f"{tool.name} {there.version} is older than {dotted(tool.minimum)}"
        reason = f"{said}, as {there.path} says of itself"
    ways = tool.installation
    if ways.sources:
        return _by_cc(facts, tool, reason, ways.sources)
    if facts.system == "darwin":
        return _by_brew(facts, tool, reason, upgrade=there is not None)
    return _on_linux(facts, tool, reason, upgrade=there is not None)


def _on_linux(
    facts: SetupFacts, tool: LoadTool, reason: str, *, upgrade: bool
) -> list[InstallStep] | Blocked:
    ways = tool.installation
    if ways.apt and "apt-get" in facts.executables:
        return _by_apt(facts, tool, reason, ways.apt)
    if ways.crate and "cargo" in facts.executables:
        return _by_cargo(facts, tool, reason, ways.crate)
    if ways.brew and "brew" in facts.executables:
        return _by_brew(facts, tool, reason, upgrade=upgrade)
    if ways.crate:
        return Blocked(
            tool.name,
            f"{reason}, and it is built by cargo, which is not here",
            f"install Rust {dotted(ways.crate.rustc)} or newer with rustup, then: "
            f"bench setup --tool {tool.name}",
        )
    return Blocked(
        tool.name,
        f"{reason}, and neither apt-get nor Homebrew is here",
        f"install {tool.name} {dotted(tool.minimum)} or newer with this system's package manager",
    )


def _by_brew(
    facts: SetupFacts, tool: LoadTool, reason: str, *, upgrade: bool
) -> list[InstallStep] | Blocked:
    formula = tool.installation.brew
    if formula is None:
        return Blocked(
            tool.name, f"{reason}, and Homebrew does not have it", f"install {tool.name}"
        )
    if "brew" not in facts.executables:
        return Blocked(
            tool.name,
            f"{reason}, and Homebrew is not here",
            f"install Homebrew (brew.sh), then: brew install {formula}",
        )
    verb = "upgrade" if upgrade else "install"
    if facts.is_root:
        return Blocked(
            tool.name,
            f"{reason}, and Homebrew refuses to run as root",
            f"as a normal user: brew {verb} {formula}",
        )
    return [InstallStep((tool.name,), ("brew", verb, formula), reason, _BREW_S, needs_root=False)]


def _by_apt(
    facts: SetupFacts, tool: LoadTool, reason: str, package: str
) -> list[InstallStep] | Blocked:
    if not facts.is_root and "sudo" not in facts.executables:
        return Blocked(
            tool.name,
            f"{reason}, and there is no sudo",
            f"as root: apt-get install {package}",
        )
    return [_apt_step(facts, tool.name, package, reason)]


def _apt_step(facts: SetupFacts, tool: str, package: str, reason: str) -> InstallStep:
    command = (*_as_root(facts), *_APT, "install", "-y", "--no-install-recommends", package)
    return InstallStep((tool,), command, reason, _APT_S, needs_root=True)


def _by_cargo(
    facts: SetupFacts, tool: LoadTool, reason: str, crate: CrateBuild
) -> list[InstallStep] | Blocked:
    if not at_least(facts.rustc, crate.rustc):
        advice = "install a newer Rust with rustup"
        if "rustup" in facts.executables:
            advice = "rustup update stable" if facts.rustc else "rustup default stable"
        return Blocked(
            tool.name,
            f"{reason}, and building it needs rustc {dotted(crate.rustc)}; "
            f"here is {facts.rustc or 'none that runs'}",
            advice,
        )
    compiler = _compiler(facts, tool, reason, {"cc", "make"})
    if isinstance(compiler, Blocked):
        return compiler
    build = InstallStep(
        (tool.name,),
        ("cargo", "install", crate.name, "--locked", "--version", crate.version),
        reason,
        max(_LEAST_BUILD_S, crate.cpu_s / facts.cpus),
        needs_root=False,
    )
    return [*compiler, build]


def _by_cc(
    facts: SetupFacts, tool: LoadTool, reason: str, sources: SourceBuild
) -> list[InstallStep] | Blocked:
    compiler = _compiler(facts, tool, reason, {"cc"})
    if isinstance(compiler, Blocked):
        return compiler
    place = built_path(tool.name, sources)
    files = map(str, sources.files)
    commands = (
        ("mkdir", "-p", str(place.parent)),
        ("cc", *sources.flags, "-o", str(place), *files, *sources.libraries),
    )
    return [
        *compiler,
        *(
            InstallStep((tool.name,), command, reason, _CC_S, needs_root=False)
            for command in commands
        ),
    ]


def _compiler(
    facts: SetupFacts, tool: LoadTool, reason: str, needs: set[str]
) -> list[InstallStep] | Blocked:
    """The step that brings a C compiler, none where it is here."""
    if needs <= facts.executables:
        return []
    words = "a C compiler and make" if "make" in needs else "a C compiler"
    if facts.system == "darwin":
        return Blocked(
            tool.name, f"{reason}, and building it needs {words}", "xcode-select --install"
        )
    if "apt-get" not in facts.executables or not (facts.is_root or "sudo" in facts.executables):
        return Blocked(
            tool.name,
            f"{reason}, and building it needs {words}",
            f"install {words} (Debian: apt-get install build-essential)",
        )
    return [_apt_step(facts, tool.name, BUILD_PACKAGE, f"{words}, to build {tool.name}")]


def _joined(facts: SetupFacts, steps: list[InstallStep]) -> tuple[InstallStep, ...]:
    """Put `apt-get update` first where a package is not in apt's lists."""
    asked = {step.command[-1] for step in steps if "apt-get" in step.command}
    if asked <= facts.apt_known:
        return tuple(steps)
    waiting = dict.fromkeys(name for step in steps if step.needs_root for name in step.tools)
    reason = "apt's lists do not hold " + " and ".join(sorted(asked - facts.apt_known))
    return (update_step(facts, tuple(waiting), reason), *steps)


def update_step(facts: SetupFacts, tools: tuple[str, ...], reason: str) -> InstallStep:
    """The step that fetches apt's lists."""
    return InstallStep(tools, (*_as_root(facts), *_APT, "update"), reason, _APT_S, needs_root=True)


def _as_root(facts: SetupFacts) -> tuple[str, ...]:
    return () if facts.is_root else ("sudo",)
