"""What is not the same in the environments of two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.model.summary import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.model.plan import LoadProfile
    from bench.model.summary import RunView

_BODY_TOLERANCE: Final = 0.02
"""Bodies drawn at random differ a little in mean size from run to run."""


def changes(before: RunView, after: RunView) -> tuple[Change, ...]:
    """List versions, governor, power, tools, CPUs, builds and load that are not the same."""
    a, b = _facts(before), _facts(after)
    found = [
        Change(what=key, before=a.get(key), after=b.get(key))
        for key in dict.fromkeys((*a, *b))
        if a.get(key) != b.get(key)
    ]
    return (*found, *_sizes(before, after))


def _facts(view: RunView) -> dict[str, str | None]:
    host, cpus = view.host, view.plan.cpus
    facts: dict[str, object] = {
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
        **{f"tool {name}": version for name, version in host.tools.items()},
        **{f"load tool {name}": version for name, version in _load_tools(view).items()},
        **_limits(host.limits),
        **_builds(view),
        **_profiles(view.profiles),
    }
    return {key: None if value is None else str(value) for key, value in facts.items()}


def _load_tools(view: RunView) -> dict[str, str | None]:
    """The versions that really produced the results."""
    return {trial.load.tool: trial.load.tool_version for trial in view.trials if trial.load}


def _limits(limits: Mapping[str, int | None]) -> dict[str, object]:
    return {f"limit {name}": value for name, value in limits.items()}


def _builds(view: RunView) -> dict[str, object]:
    """Facts per server; equal hashes mean the same sources, toolchain and build command."""
    facts: dict[str, object] = {}
    for name, build in view.builds.items():
        facts[f"{name} version"] = build.version
        facts[f"{name} runtime"] = build.runtime
        facts[f"{name} build"] = build.hash[:12]
    for arm in view.plan.arms:
        if arm.env:
            facts[f"{arm.name} environment"] = " ".join(f"{k}={v}" for k, v in arm.env.items())
    return facts


def _profiles(profiles: Mapping[str, LoadProfile]) -> dict[str, object]:
    return {
        f"profile {name} {key}": value
        for name, profile in profiles.items()
        for key, value in profile.model_dump(exclude={"id"}).items()
    }


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
