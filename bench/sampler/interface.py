"""Network interfaces: which one has an address, how fast its link is, what went through it."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import NamedTuple

from bench.model.machine_part import InterfaceUse

_ANY_PORT = 9
_MEGABIT = 1e6


class InterfaceReading(NamedTuple):
    """Counters of an interface since it came up, and when they were read."""

    at_s: float
    bytes_in: int
    bytes_out: int
    packets_in: int
    packets_out: int
    dropped: int


class Interface:
    """One network interface of this machine.

    Args:
        name: as the system has it.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def of_address(cls, address: str) -> Interface | None:
        """The interface that has an address of this machine; None where there is not one."""
        import psutil  # noqa: PLC0415 - late, see `bench --help`

        for name, addresses in psutil.net_if_addrs().items():
            if any(one.address.partition("%")[0] == address for one in addresses):
                return cls(name)
        return None

    @classmethod
    def toward(cls, address: str) -> Interface | None:
        """The interface by which an address is reached; nothing is sent."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with (
            contextlib.suppress(OSError),
            socket.socket(family, socket.SOCK_DGRAM) as probe,
        ):
            probe.connect((address, _ANY_PORT))
            return cls.of_address(str(probe.getsockname()[0]))
        return None

    @property
    def bits_per_s(self) -> float | None:
        """Speed of its link, None where the system does not tell."""
        import psutil  # noqa: PLC0415 - late, see `bench --help`

        found = psutil.net_if_stats().get(self.name)
        return found.speed * _MEGABIT if found and found.speed > 0 else None

    def read(self) -> InterfaceReading | None:
        """Its counters now."""
        import psutil  # noqa: PLC0415 - late, see `bench --help`

        with contextlib.suppress(KeyError, OSError, psutil.Error):
            seen = psutil.net_io_counters(pernic=True, nowrap=False)[self.name]
            return InterfaceReading(
                time.monotonic(),
                seen.bytes_recv,
                seen.bytes_sent,
                seen.packets_recv,
                seen.packets_sent,
                seen.dropin + seen.dropout,
            )
        return None

    def bytes_through(self) -> int | None:
        """Bytes in both directions since it came up."""
        seen = self.read()
        return seen.bytes_in + seen.bytes_out if seen else None

    def between(
        self, begin: InterfaceReading | None, end: InterfaceReading | None
    ) -> InterfaceUse | None:
        """What went through it from one reading to another."""
        if begin is None or end is None:
            return None
        return InterfaceUse(
            name=self.name,
            link_bits_per_s=self.bits_per_s,
            bytes_in=end.bytes_in - begin.bytes_in,
            bytes_out=end.bytes_out - begin.bytes_out,
            packets_in=end.packets_in - begin.packets_in,
            packets_out=end.packets_out - begin.packets_out,
            dropped=end.dropped - begin.dropped,
            span_s=end.at_s - begin.at_s,
        )
