"""The load tools there are: every module of this folder that is named like a tool holds one.

Nothing else lists them. A tool of several files has its parts in modules named `<id>_<part>`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from bench.loadtools import __path__ as _folders

if TYPE_CHECKING:
    from bench.loadtools.tool import LoadTool
    from bench.model.http_protocol import HttpProtocol
    from bench.model.load_result import Loop
    from bench.model.plan import LoadProfile, Workload

_SHARED: Final = frozenset({"merging", "registry", "tool"})
"""What all tools use."""


class Registry(Mapping[str, "LoadTool"]):
    """Name -> tool, by name; a tool's module is imported when it is asked for, names at no cost."""

    def __getitem__(self, name: str) -> LoadTool:
        if name not in _names():
            raise KeyError(name)
        tool: LoadTool = importlib.import_module(f"bench.loadtools.{name}").TOOL
        return tool

    def __iter__(self) -> Iterator[str]:
        return iter(_names())

    def __len__(self) -> int:
        return len(_names())

    def __contains__(self, name: object) -> bool:
        return name in _names()


def _names() -> tuple[str, ...]:
    found = (module.name for module in pkgutil.iter_modules(_folders) if not module.ispkg)
    return tuple(sorted(name for name in found if "_" not in name and name not in _SHARED))


TOOLS: Final = Registry()


def ranked(
    loop: Loop,
    seconds: Iterable[float] = (),
    *,
    plain: bool = True,
    protocol: HttpProtocol = "http",
) -> tuple[str, ...]:
    """The tools that can do this kind of loop, the preferred one first.

    Args:
        loop: kind of loop.
        seconds: windows that it must be able to measure.
        plain: answers have a length, and no interim ones come before them.
        protocol: what they must speak.
    """
    whole = all(float(each).is_integer() for each in seconds)
    able = {
        name: tool.loops[loop]
        for name, tool in TOOLS.items()
        if loop in tool.loops
        and protocol in tool.protocols
        and (whole or not tool.whole_seconds)
        and (plain or not tool.plain_only)
    }
    return tuple(sorted(able, key=lambda name: (-able[name], name)))


def unsupported(profile: LoadProfile, workload: Workload) -> str | None:
    """Why the tool of a profile cannot do it, as a clause for a planning error; None = it can."""
    tool = TOOLS[profile.tool]
    if profile.loop not in tool.loops:
        lacks = "rate control: an open" if profile.loop == "open" else "closed loop: a closed"
        return f"{tool.name} has no {lacks} loop needs tool: {ranked(profile.loop)[0]}"
    if profile.arrivals is not None and profile.arrivals not in tool.arrivals:
        able = next(name for name in ranked("open") if profile.arrivals in TOOLS[name].arrivals)
        return f"{tool.name} has no choice of arrivals: use tool: {able}, or remove arrivals"
    if profile.protocol not in tool.protocols:
        others = ranked(profile.loop, protocol=profile.protocol)
        advice = (
            f"needs tool: {' or '.join(others)}" if others else "is spoken by none of the tools"
        )
        return (
            f"{tool.name} does not speak {profile.protocol}: protocol: {profile.protocol} {advice}"
        )
    if not profile.keepalive and not tool.reconnects:
        others = ranked(profile.loop, protocol=profile.protocol)
        able = next(name for name in others if TOOLS[name].reconnects)
        return f"{tool.name} keeps its connections: keepalive: false needs tool: {able}"
    windows = {
        "duration": profile.duration_s,
        "warmup": profile.warmup_s,
        "timeout": profile.timeout_s,
    }
    for name, seconds in windows.items():
        if tool.whole_seconds and seconds != int(seconds):
            others = ranked(profile.loop, [seconds], protocol=profile.protocol)
            advice = f": use tool: {others[0]}" if others else ""
            return f"{tool.name}'s {name} is whole seconds, not {seconds:g}s{advice}"
    return tool.unsupported(profile, workload)


def closed_tool(name: str) -> str:
    """The tool itself where it can do a closed loop, else the one that is preferred for it.

    What a server reaches is measured by it, before an open loop offers a share of that.
    """
    return name if "closed" in TOOLS[name].loops else ranked("closed")[0]
