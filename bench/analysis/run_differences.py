"""What is not the same in the environments of two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.model.run_comparison import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.model.summary import RunView

_HASH_SHOWN: Final = 12
_BODY_TOLERANCE: Final = 0.02
"""Bodies drawn at random differ a little in mean size from run to run."""


def changes(before: RunView, after: RunView) -> tuple[Change, ...]:
    """List versions, governor, power, tools, CPUs, builds and load that are not the same.

    Servers, profiles and tools that only one of the runs has are no change of anything.
    """
    everywhere = _differences(_machine(before), _machine(after))
    a, b = _parts(before), _parts(after)
    shared = a.keys() & b.keys()
    parts = (change for name in a if name in shared for change in _differences(a[name], b[name]))
    return (*everywhere, *parts, *_sizes(before, after))


def _differences(a: Mapping[str, object], b: Mapping[str, object]) -> list[Change]:
    return [
        Change(what=key, before=_text(a.get(key)), after=_text(b.get(key)))
        for key in dict.fromkeys((*a, *b))
        if _text(a.get(key)) != _text(b.get(key))
    ]


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _machine(view: RunView) -> dict[str, object]:
    """Facts that every run has."""
    host, cpus = view.host, view.plan.cpus
    return {
        "bench": view.info.bench_version,
        "operating system": " ".join(filter(None, (host.os.name, host.os.version, host.os.build))),
        "kernel": host.os.kernel,
        "CPU": host.cpu.model,
        "CPU frequency governor": host.cpu.governor,
        "turbo": host.cpu.turbo,
        "SMT": host.cpu.smt,
        "memory (bytes)": host.memory_bytes,
        "power source": host.power.source,
        "low power mode": host.power.low_power,
        "thermal pressure": host.thermal.pressure,
        "pinning": cpus.pinning.state,
        "server CPUs": list(cpus.server),
        "load CPUs": list(cpus.load),
        **{f"limit {name}": value for name, value in host.limits.items()},
    }


def _parts(view: RunView) -> dict[str, dict[str, object]]:
    """Facts per server, profile and tool, by a name that tells them apart."""
    parts: dict[str, dict[str, object]] = {}
    for name, version in view.host.tools.items():
        parts[f"tool {name}"] = {f"tool {name}": version}
    for name, version in _load_tools(view).items():
        parts[f"load tool {name}"] = {f"load tool {name}": version}
    for name, build in view.builds.items():
        parts[f"build {name}"] = {
            f"{name} version": build.version,
            f"{name} runtime": build.runtime,
            f"{name} build": build.hash[:_HASH_SHOWN],
        }
    for arm in view.plan.arms:
        env = " ".join(f"{key}={value}" for key, value in arm.env.items())
        parts[f"arm {arm.name}"] = {f"{arm.name} environment": env or None}
    for name, profile in view.profiles.items():
        settings = profile.model_dump(exclude={"id"}).items()
        parts[f"profile {name}"] = {f"profile {name} {key}": value for key, value in settings}
    return parts


def _load_tools(view: RunView) -> dict[str, str | None]:
    """The versions that really produced the results."""
    return {trial.load.tool: trial.load.tool_version for trial in view.trials if trial.load}


def _sizes(before: RunView, after: RunView) -> Iterable[Change]:
    """Bodies of a workload that are not as long as they were."""
    a, b = _bodies(before), _bodies(after)
    for key in (key for key in a if key in b):
        if abs(a[key] - b[key]) > _BODY_TOLERANCE * max(a[key], b[key]):
            yield Change(what=key, before=f"{a[key]:.0f} bytes", after=f"{b[key]:.0f} bytes")


def _bodies(view: RunView) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in view.details:
        for kind, size in (("request", each.request_bytes), ("response", each.body_bytes)):
            if size is not None:
                found.setdefault(f"workload {each.workload} {kind} body", size)
    return found
