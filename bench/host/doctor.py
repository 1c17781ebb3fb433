"""Puts together what `bench doctor` says: State, Advice, Errors; pure, prints nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.host.budget import budget
from bench.host.checks import unfit
from bench.host.leftovers import leftovers
from bench.host.measure import host_findings
from bench.host.source import format_cpulist
from bench.host.text import summary
from bench.model.finding import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.host.measure import Measured
    from bench.model.finding import Severity
    from bench.model.host_facts import Host
    from bench.model.plan import CpuSplit
    from bench.process import Stray

CONNECTIONS: Final = 50
"""What the matrices that come with bench use at most; the budget is checked for it."""


class Need(NamedTuple):
    """What is lost without an executable, and what installs it."""

    severity: Severity
    why: str
    mend: str


TOOLCHAINS: Final[Mapping[str, Need]] = {
    "cargo": Need(
        "warning",
        "Without it servers written in Rust are skipped.",
        "brew install rust   # Linux: rustup, as rustup.rs says",
    ),
    "node": Need(
        "warning",
        "Without it servers for Node are skipped.",
        "brew install node   # Linux: sudo apt-get install nodejs npm",
    ),
    "uv": Need(
        "warning", "Without it servers written in Python are skipped.", "scripts/just setup"
    ),
}
"""The toolchains that doctor asks for; the load tools say themselves what they are for."""


class Diagnosis(NamedTuple):
    """The three parts of the answer.

    Attributes:
        state: label and value, in the order in which they are shown.
        advice: what would make results steadier or runs complete.
        errors: what makes results unusable here; any of them means unfit.
    """

    state: tuple[tuple[str, str], ...]
    advice: tuple[Finding, ...]
    errors: tuple[Finding, ...]

    @property
    def fit(self) -> bool:
        """Whether measuring makes sense."""
        return not self.errors


def diagnose(
    host: Host,
    split: CpuSplit,
    measured: Measured | None,
    *,
    needs: Mapping[str, Need] = TOOLCHAINS,
    outdated: Mapping[str, str] | None = None,
    connections: int = CONNECTIONS,
    strays: Sequence[Stray] = (),
) -> Diagnosis:
    """Judge everything that is known of a machine.

    Args:
        host: the machine, with the versions of tools in `host.tools` (None = missing).
        split: how its CPUs would be divided.
        measured: the 2-second measurement; None for a captured tree.
        needs: what each of these tools is for, most important first.
        outdated: load tool -> the version that is needed, for those that are too old.
        connections: what one trial holds at most.
        strays: processes of earlier runs that are still alive.
    """
    notes = tuple(finding(code, "host", "said", said=text) for code, text in split.notes)
    found = (
        *host.findings,
        *(note for note in notes if note.code not in {f.code for f in host.findings}),
        *budget(host, connections, split.load_count),
        *tool_findings(host.tools, needs, outdated or {}),
        *leftovers(strays),
        *(host_findings(measured) if measured else ()),
    )
    errors = unfit(found)
    advice = tuple(f for f in found if f not in errors)
    ordered = sorted(advice, key=lambda f: f.severity == "info")
    return Diagnosis(tuple(_state(host, split, measured)), tuple(ordered), errors)


def tool_findings(
    tools: Mapping[str, str | None], needs: Mapping[str, Need], outdated: Mapping[str, str]
) -> Iterator[Finding]:
    """Missing and too old tools; nothing about tools that were not asked for.

    Args:
        tools: executable -> version, None = missing.
        needs: what is lost without an executable.
        outdated: load tool -> the version that is needed, for those that are too old.
    """
    for name, need in needs.items():
        if name not in tools or tools[name] is not None:
            continue
        yield finding(
            "tool-missing",
            "host",
            severity=need.severity,
            name=name,
            needed_for=need.why,
            install=need.mend,
        )
    for name, minimum in outdated.items():
        yield finding(
            "tool-version",
            "host",
            name=name,
            version=tools.get(name),
            minimum=minimum,
        )


def _state(host: Host, split: CpuSplit, measured: Measured | None) -> Iterator[tuple[str, str]]:
    yield from summary(host)
    yield "CPU split", describe_split(split)
    if measured:
        yield from _measured_lines(measured)
    known = [f"{name} {version}" for name, version in host.tools.items() if version]
    if known:
        yield "Tools", ", ".join(known)
    yield "Fingerprint", host.fingerprint


def describe_split(split: CpuSplit) -> str:
    """`server 0-3, load 4-7, rest 8-9`, or the counts where nothing is pinned."""
    if split.pinning.state == "none":
        return f"{split.server_count} threads serve, {split.load_count} load, none pinned"
    rest = format_cpulist(split.housekeeping)
    sides = f"server {format_cpulist(split.server)}, load {format_cpulist(split.load)}"
    return f"{sides}, rest {rest}" if rest else f"{sides}, none left for the rest"


def _measured_lines(measured: Measured) -> Iterator[tuple[str, str]]:
    clock = measured.clock
    yield "Clock", f"steps of {clock.resolution_ns:.0f} ns, {clock.cost_ns:.0f} ns per reading"
    yield (
        "Others",
        _shares([(f"CPU {n}", share) for n, share in enumerate(measured.busy)]) + " busy",
    )
    lost = [("all" if c.cpu is None else f"CPU {c.cpu}", c.lost) for c in measured.cpus]
    longest = max(cpu.longest_us for cpu in measured.cpus)
    yield "Steadiness", f"{_shares(lost)} lost, longest stall {longest / 1000:.1f} ms"
    trip = measured.loopback
    if trip:
        yield "Loopback", f"round trip {trip.median_us:.1f} us, 99 % within {trip.p99_us:.1f} us"


_SHOWN: Final = 8


def _shares(named: Sequence[tuple[str, float]]) -> str:
    """Each share by name, or only the worst of many."""
    worst = sorted(named, key=lambda item: -item[1])[:_SHOWN]
    shown = named if len(named) <= _SHOWN else worst
    said = ", ".join(f"{name} {share:.1%}" for name, share in shown)
    return said if len(named) <= _SHOWN else f"worst of {len(named)}: {said}"


def as_data(diagnosis: Diagnosis, measured: Measured | None) -> dict[str, Any]:
    """The object of `bench doctor --json`."""
    return {
        "fit": diagnosis.fit,
        "state": dict(diagnosis.state),
        "advice": [f.model_dump(mode="json") for f in diagnosis.advice],
        "errors": [f.model_dump(mode="json") for f in diagnosis.errors],
        "measured": _measured_data(measured) if measured else None,
    }


def _measured_data(measured: Measured) -> dict[str, Any]:
    return {
        "clock": measured.clock._asdict(),
        "busy": list(measured.busy),
        "cpus": [cpu._asdict() for cpu in measured.cpus],
        "loopback": measured.loopback._asdict() if measured.loopback else None,
        "seconds": measured.seconds,
    }
