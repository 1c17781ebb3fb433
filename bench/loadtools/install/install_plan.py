"""Plans how the missing load tools get onto a machine: a pure function of `Facts`.

Nothing here runs a command, prints or asks.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.loadtools.install.find import BUILD_PACKAGE, TOOLS, Facts, Installed, Tool, at_least

if TYPE_CHECKING:
    from collections.abc import Iterable

_OHA_CPU_S: Final = 1000.0
"""CPU seconds that a build of oha takes: 8.5 minutes on two cores (measured)."""
_LEAST_BUILD_S: Final = 90.0
_APT_S: Final = 15.0
_BREW_S: Final = 60.0
_APT: Final = ("apt-get", "-o", "DPkg::Lock::Timeout=120")


class Step(NamedTuple):
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

    steps: tuple[Step, ...]
    blocked: tuple[Blocked, ...]


def plan_install(facts: Facts, wanted: Iterable[str]) -> InstallPlan:
    """Plan how the wanted tools get here; what is there and usable is never touched.

    Args:
        facts: what the machine offers.
        wanted: keys of `TOOLS`.
    """
    steps: list[Step] = []
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


def _plan_one(facts: Facts, tool: Tool, there: Installed | None) -> list[Step] | Blocked:
    reason = f"{tool.name} is missing"
    if there:
        reason = f"{tool.name} {there.version} is older than {_dotted(tool.minimum)}"
    if facts.system == "darwin":
        return _by_brew(facts, tool, reason, upgrade=there is not None)
    if tool.package and "apt-get" in facts.executables:
        return _by_apt(facts, tool, reason, tool.package)
    if tool.crate and "cargo" in facts.executables:
        return _by_cargo(facts, tool, reason, tool.crate)
    if "brew" in facts.executables:
        return _by_brew(facts, tool, reason, upgrade=there is not None)
    if tool.crate:
        return Blocked(
            tool.name,
            f"{reason}, and it is built by cargo, which is not here",
            f"install Rust {_dotted(tool.rustc)} or newer with rustup, then: "
            f"bench setup --tool {tool.name}",
        )
    return Blocked(
        tool.name,
        f"{reason}, and neither apt-get nor Homebrew is here",
        f"install {tool.name} {_dotted(tool.minimum)} or newer with this system's package manager",
    )


def _by_brew(facts: Facts, tool: Tool, reason: str, *, upgrade: bool) -> list[Step] | Blocked:
    if "brew" not in facts.executables:
        return Blocked(
            tool.name,
            f"{reason}, and Homebrew is not here",
            f"install Homebrew (brew.sh), then: brew install {tool.formula}",
        )
    verb = "upgrade" if upgrade else "install"
    if facts.is_root:
        return Blocked(
            tool.name,
            f"{reason}, and Homebrew refuses to run as root",
            f"as a normal user: brew {verb} {tool.formula}",
        )
    return [Step((tool.name,), ("brew", verb, tool.formula), reason, _BREW_S, needs_root=False)]


def _by_apt(facts: Facts, tool: Tool, reason: str, package: str) -> list[Step] | Blocked:
    if not facts.is_root and "sudo" not in facts.executables:
        return Blocked(
            tool.name,
            f"{reason}, and there is no sudo",
            f"as root: apt-get install {package}",
        )
    return [_apt_step(facts, tool.name, package, reason)]


def _apt_step(facts: Facts, tool: str, package: str, reason: str) -> Step:
    command = (*_as_root(facts), *_APT, "install", "-y", "--no-install-recommends", package)
    return Step((tool,), command, reason, _APT_S, needs_root=True)


def _by_cargo(
    facts: Facts, tool: Tool, reason: str, crate: tuple[str, str]
) -> list[Step] | Blocked:
    if not at_least(facts.rustc, tool.rustc):
        advice = "install a newer Rust with rustup"
        if "rustup" in facts.executables:
            advice = "rustup update stable" if facts.rustc else "rustup default stable"
        return Blocked(
            tool.name,
            f"{reason}, and building it needs rustc {_dotted(tool.rustc)}; "
            f"here is {facts.rustc or 'none that runs'}",
            advice,
        )
    steps = []
    if not {"cc", "make"} <= facts.executables:
        if "apt-get" not in facts.executables or not (facts.is_root or "sudo" in facts.executables):
            return Blocked(
                tool.name,
                f"{reason}, and building it needs a C compiler and make",
                "install a C compiler and make (Debian: apt-get install build-essential)",
            )
        why = f"a C compiler and make, to build {tool.name}"
        steps.append(_apt_step(facts, tool.name, BUILD_PACKAGE, why))
    name, version = crate
    steps.append(
        Step(
            (tool.name,),
            ("cargo", "install", name, "--locked", "--version", version),
            reason,
            max(_LEAST_BUILD_S, _OHA_CPU_S / facts.cpus),
            needs_root=False,
        )
    )
    return steps


def _joined(facts: Facts, steps: list[Step]) -> tuple[Step, ...]:
    """Put `apt-get update` first where a package is not in apt's lists."""
    asked = {step.command[-1] for step in steps if "apt-get" in step.command}
    if asked <= facts.apt_known:
        return tuple(steps)
    waiting = dict.fromkeys(name for step in steps if step.needs_root for name in step.tools)
    reason = "apt's lists do not hold " + " and ".join(sorted(asked - facts.apt_known))
    return (update_step(facts, tuple(waiting), reason), *steps)


def update_step(facts: Facts, tools: tuple[str, ...], reason: str) -> Step:
    """The step that fetches apt's lists."""
    return Step(tools, (*_as_root(facts), *_APT, "update"), reason, _APT_S, needs_root=True)


def _as_root(facts: Facts) -> tuple[str, ...]:
    return () if facts.is_root else ("sudo",)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
