"""Network interfaces: which one has an address, how fast its link is, what went through it."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from pathlib import Path
from typing import Final, NamedTuple

from bench.model.machine_part import InterfaceUse
from bench.process import capture

_ANY_PORT: Final = 9
_MEGABIT: Final = 1e6
_SHAPED: Final = re.compile(r"\brate (\d+(?:\.\d+)?)([KMG]?)bit\b")
_UNITS: Final = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9}


class InterfaceReading(NamedTuple):
    """Counters of an interface since it came up, and when they were read."""

    at_s: float
    bytes_in: int
    bytes_out: int
    packets_in: int
    packets_out: int
    dropped: int


class Interface:
    """One network interface of this machine."""

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
        """Speed of its link, or a lower limit that was set for it; None where neither is known.

        What a virtual link calls its speed says nothing.
        """
        import psutil  # noqa: PLC0415 - late, see `bench --help`

        found = psutil.net_if_stats().get(self.name)
        known = found is not None and found.speed > 0 and not self._is_virtual
        speeds = [found.speed * _MEGABIT] if found and known else []
        return min((*speeds, *self._limits()), default=None)

    @property
    def _is_virtual(self) -> bool:
        folder = Path("/sys/class/net", self.name)
        return folder.exists() and not (folder / "device").exists()

    def _limits(self) -> list[float]:
        """Rates to which Linux shapes what leaves it (a token bucket; tc-tbf(8), tc-htb(8))."""
        said = capture(("tc", "qdisc", "show", "dev", self.name))
        found = _SHAPED.findall(said.stdout) if said and said.rc == 0 else []
        return [float(number) * _UNITS[unit] for number, unit in found]

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
