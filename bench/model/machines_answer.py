"""What `bench machines check` found: the object of its `--json`."""

from __future__ import annotations

from typing import Literal

from bench.model.base import SCHEMA_VERSION, Model
from bench.model.finding import Finding
from bench.model.host_facts import System


class ToolState(Model):
    """A load tool on a machine.

    Attributes:
        sha256: of the executable: two of the same version may be built differently.
    """

    version: str | None
    sha256: str


class LinkState(Model):
    """The network card that a machine reaches the others by, or is reached at.

    Attributes:
        interface: its name; "" where no route was found.
        bits_per_s: null where the card does not say, as with Wi-Fi and virtual ones.
        gateway: the router on the way, null where the other is reached directly.
    """

    interface: str
    kind: Literal["ethernet", "wifi", "virtual", "loopback", "unknown"]
    bits_per_s: int | None = None
    mtu: int | None = None
    gateway: str | None = None


class ClockState(Model):
    """A machine's clocks beside those of this machine, each in the look of the least round trip.

    Attributes:
        offset_ms: its time of day less ours.
        drift_ms: how far its monotonic clock moved against ours from the first look to the last.
        span_s: seconds between those two.
        round_trip_us: the least; half of it is the most that an offset can be wrong by.
    """

    offset_ms: float
    drift_ms: float
    span_s: float
    round_trip_us: float


class MissingPart(Model):
    """Something that a machine needs for its role and does not have.

    Attributes:
        command: what installs it there.
    """

    what: str
    command: str


class MachineState(Model):
    """One machine as it was found; what needs it reached is null where it was not.

    Attributes:
        name: as ssh knows it.
        problem: why it cannot be used, "" where it can.
        advice: what to do about that.
        start_s: seconds until its agent answered.
        address: where the load reaches the server machine.
        cpus: logical CPUs.
        tools: the load tools of a load machine.
        client_ports: how many connections it can open to one address.
        ceiling_rps: requests per second that it reached alone, against the ceiling server on the
            server machine, by one wrk process per CPU, over the path that a run takes.
    """

    role: Literal["server", "load"]
    name: str
    problem: str = ""
    advice: str = ""
    start_s: float | None = None
    address: str | None = None
    system: System | None = None
    os: str | None = None
    kernel: str | None = None
    python: str | None = None
    cpu: str | None = None
    cpus: int | None = None
    fingerprint: str | None = None
    clock: ClockState | None = None
    link: LinkState | None = None
    tools: dict[str, ToolState] = {}
    missing: tuple[MissingPart, ...] = ()
    client_ports: int | None = None
    ceiling_rps: float | None = None


class MachinesAnswer(Model):
    """The object of `bench machines check --json`.

    Attributes:
        group: the name in machines.yaml.
        bench: version of `bench`, which it brings to every machine itself.
        usable: whether nothing stands against a run.
    """

    schema_version: int = SCHEMA_VERSION
    group: str
    bench: str
    usable: bool
    machines: tuple[MachineState, ...]
    findings: tuple[Finding, ...]
