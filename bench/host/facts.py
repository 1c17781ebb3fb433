"""Collects what was read and, for every null, why; then makes the Host of it."""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING, Any, Final

from bench.model.host_facts import CpuInfo, Host, MachineInfo, OsInfo, PowerInfo, ThermalInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.model.host_facts import Cluster, System
    from bench.model.plan import Pinning

STATE: Final = "state."
"""Details under this prefix are readings that move all the time; all others are settings."""
GONE: Final = "redacted"
_IDENTIFIERS: Final = re.compile(
    r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b"  # UUID
    r"|\b[0-9A-F]{8}-[0-9A-F]{16}\b"  # UDID
    r"|\b[0-9a-fA-F]{32,}\b"  # machine ids, container ids
    r"|\b(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\b"  # MAC addresses
    r"|\b[\w.+-]+@[\w-]+\.[\w.]+\b"  # mail addresses
)
_GIB: Final = 2**30
_STEPS: Final = 4


class FactSheet:
    """Values by dotted path, and a reason for each that is None.

    Paths of the summary are those of the JSON (`cpu.model`, `limits.somaxconn`); everything of the
    full table is put under `details.`.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}

    def put(self, path: str, value: Any, reason: str = "not reported by this system") -> None:
        """Keep a value, or the reason where it is None; the first real value of a path stays."""
        if self.values.get(path) is not None:
            return
        self.values[path] = value
        if value is None:
            self.reasons[path] = reason or "not reported by this system"
        else:
            self.reasons.pop(path, None)

    def get(self, path: str) -> Any:
        """The value of a path, None where it is unknown."""
        return self.values.get(path)

    def part(self, prefix: str) -> dict[str, Any]:
        """Everything below a prefix, without it: `part("details.")`."""
        return {k.removeprefix(prefix): v for k, v in self.values.items() if k.startswith(prefix)}


def make_host(
    facts: FactSheet,
    *,
    system: System,
    clusters: tuple[Cluster, ...],
    pinning: Pinning,
    tools: Mapping[str, str | None],
) -> Host:
    """Make the Host; the readers have put every path of the summary."""
    facts.values["cpu.clusters"] = clusters
    identity = identity_of(facts)
    facts.put("details.identity", identity)
    return Host(
        system=system,
        os=OsInfo(**facts.part("os.")),
        machine=MachineInfo(**facts.part("machine.")),
        cpu=CpuInfo(**facts.part("cpu.")),
        memory_bytes=facts.get("memory_bytes"),
        power=PowerInfo(**facts.part("power.")),
        thermal=ThermalInfo(**facts.part("thermal.")),
        limits=facts.part("limits."),
        pinning=pinning,
        fingerprint=hashlib.sha256(identity.encode()).hexdigest()[:12],
        findings=(),
        unavailable=dict(sorted(facts.reasons.items())),
        details={name: scrub_value(v) for name, v in sorted(facts.part("details.").items())},
        tools=dict(tools),
    )


def scrub(text: str) -> str:
    """Take out everything that looks like a UUID, an id, a hardware or a mail address."""
    return _IDENTIFIERS.sub(GONE, text)


def scrub_value(value: Any) -> Any:
    """Scrub every text in a value; readers keep no identifiers, this is the second lock."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: scrub_value(part) for key, part in value.items()}
    return [scrub_value(part) for part in value] if isinstance(value, list) else value


def identity_of(facts: FactSheet) -> str:
    """What makes two machines comparable, in words; the fingerprint is its hash.

    CPU model, kinds of core with their numbers, memory (rounded), system and kernel by their major
    versions, virtual or not. A kernel update, a new frequency or a new name change none of it.
    """
    clusters = " + ".join(f"{c.cores} {c.name}".strip() for c in facts.get("cpu.clusters") or ())
    kernel = str(facts.get("os.kernel") or "?")
    virtual = {True: "virtual", False: "physical"}.get(facts.get("machine.virtual"), "?")
    return " | ".join(
        (
            str(facts.get("cpu.model") or "?"),
            f"{clusters or '?'} cores, {facts.get('cpu.logical') or '?'} threads",
            round_memory(facts.get("memory_bytes")),
            f"{facts.get('os.name') or '?'} {major(facts.get('os.version'))}".strip(),
            f"kernel {major(kernel)}",
            virtual,
        )
    )


def major(version: Any) -> str:
    """The leading number of a version: `26.4.1` -> `26`."""
    match = re.match(r"\d+", str(version or ""))
    return match[0] if match else "?"


def round_memory(count: Any) -> str:
    """Bytes as the size of the memory that is built in: up to the next of 4, 5, 6, 7, 8, 10 ...

    The kernel keeps 1 to 4 % of the memory for itself, each version a little more or less, so
    what it reports lies just below a real size.
    """
    if not isinstance(count, int) or count <= 0:
        return "?"
    gib = count / _GIB
    step = 2.0 ** math.floor(math.log2(gib)) / _STEPS
    return f"{math.ceil(gib / step - 1e-9) * step:g} GiB"
