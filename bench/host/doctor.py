"""Judges a machine for `bench doctor`: what it is, advice, errors; pure, without words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.host.budget import budget
from bench.host.checks import unfit
from bench.host.measure import host_findings
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
    fix: str


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
    """What is known of the machine, and what follows.

    Attributes:
        measured: the 2-second measurement; None for a captured tree.
        advice: what would make results steadier or runs complete.
        errors: what makes results unusable here; any of them means unfit.
    """

    host: Host
    split: CpuSplit
    measured: Measured | None
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
    return Diagnosis(host, split, measured, tuple(ordered), errors)


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
            install=need.fix,
        )
    for name, minimum in outdated.items():
        yield finding(
            "tool-version",
            "host",
            name=name,
            version=tools.get(name),
            minimum=minimum,
        )


def leftovers(found: Sequence[Stray]) -> tuple[Finding, ...]:
    """One finding for all strays, with the ids of exactly them; none for none."""
    if not found:
        return ()
    names = "; ".join(f"{one.pid} ({one.command}, of {one.run})" for one in found)
    return (
        finding(
            "stray-processes",
            "host",
            count=len(found),
            names=names,
            pids=" ".join(str(one.pid) for one in found),
        ),
    )
