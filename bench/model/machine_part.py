"""What each machine did in a trial, where server and load have machines of their own."""

from __future__ import annotations

from typing import Literal

from bench.model.base import Model
from bench.model.load_result import LatencySummary

Role = Literal["server", "load"]


class PlannedMachine(Model):
    """A machine of a plan.

    Attributes:
        name: as `bench` names it everywhere: `server`, `load-1`; never the host's own name.
        cpus: those that its part gets, logical CPU numbers of that machine.
        weight: its share of connections and offered rate, in proportion to the others'.
        tools: name of a load tool -> its version there.
        fingerprint: of its hardware and system.
    """

    name: str
    role: Role
    cpus: tuple[int, ...]
    weight: float = 1.0
    tools: dict[str, str | None] = {}
    fingerprint: str = ""


class MachinesPlan(Model):
    """Where a plan is carried out.

    Attributes:
        given: the name of the group that `--machines` chose.
        machines: the server's first.
    """

    given: str
    machines: tuple[PlannedMachine, ...]


class InterfaceUse(Model):
    """What went through a machine's network interface in a window.

    Attributes:
        link_bits_per_s: as the system tells the speed of the link; None where it does not.
        dropped: packets dropped in both directions.
    """

    name: str
    link_bits_per_s: float | None
    bytes_in: int
    bytes_out: int
    packets_in: int
    packets_out: int
    dropped: int
    span_s: float

    @property
    def share(self) -> float | None:
        """Of the link's speed, in the direction that carried more; None where it is not known."""
        if not self.link_bits_per_s or self.span_s <= 0:
            return None
        return 8 * max(self.bytes_in, self.bytes_out) / self.span_s / self.link_bits_per_s


class MachinePart(Model):
    """What one machine did in the window of a trial.

    Attributes:
        requests: complete responses that its load processes counted; None for the server.
        busy: busiest share of one CPU by a load process, or of the server's CPUs.
        start_late_s: from the start that was agreed on to that of its last process, by its own
            clock; 0 where that was ready before.
        offset_s: its monotonic clock less the controller's, before the window.
        drift_s: by how much that changed until after the window.
        wall_offset_s: its time of day less the controller's.
        offset_error_s: half the round trip in which the clocks were compared.
        network: None where its interface could not be read.
    """

    name: str
    role: Role
    requests: int | None = None
    ok: int | None = None
    throughput_rps: float | None = None
    latency_us: LatencySummary | None = None
    busy: float | None = None
    steal_share: float | None = None
    start_late_s: float | None = None
    offset_s: float | None = None
    drift_s: float | None = None
    wall_offset_s: float | None = None
    offset_error_s: float | None = None
    network: InterfaceUse | None = None
