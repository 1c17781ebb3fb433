"""The network card that a machine reaches another one by: kind, speed, route; changes nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from bench.host.source import parse_int

if TYPE_CHECKING:
    from bench.host.source import HostSource
    from bench.model.host_facts import System

LinkKind = Literal["ethernet", "wifi", "virtual", "loopback", "unknown"]
_MEGA: Final = 10**6
_NET: Final = "/sys/class/net"
_MEDIA: Final = re.compile(r"\((\d+)(G?)base", re.IGNORECASE)
_PORT: Final = re.compile(r"^Hardware Port: (.+)\nDevice: (\S+)$", re.MULTILINE)


class NetworkLink(NamedTuple):
    """How packets leave a machine.

    Attributes:
        interface: its name there, such as `eth0`; "" where no route was found.
        kind: virtual = a bridge, tunnel or container's card: its speed says nothing.
        bits_per_s: speed of the card, None where it does not say.
        mtu: largest packet in bytes.
        gateway: the router on the way, None where the other is reached directly.
    """

    interface: str
    kind: LinkKind
    bits_per_s: int | None = None
    mtu: int | None = None
    gateway: str | None = None


def link_toward(source: HostSource, system: System, address: str) -> NetworkLink:
    """The card by which packets to an address leave."""
    if system == "darwin":
        said = source.run(("route", "-n", "get", address)).text or ""
        name = _line(said, "interface")
        return _darwin(source, name, _line(said, "gateway") or None)
    said = source.run(("ip", "route", "get", address)).text or ""
    name, gateway = _word(said, "dev"), _word(said, "via") or None
    return _linux(source, name, gateway)


def link_of(source: HostSource, system: System, address: str) -> NetworkLink:
    """The card that has an address."""
    if system == "darwin":
        return _darwin(source, _owner(source.run(("ifconfig",)).text or "", address), None)
    said = source.run(("ip", "-o", "address", "show", "to", address)).text or ""
    words = said.split()
    return _linux(source, words[1] if len(words) > 1 else "", None)


def _linux(source: HostSource, name: str, gateway: str | None) -> NetworkLink:
    if not name:
        return NetworkLink("", "unknown")
    mtu = parse_int(source.read(f"{_NET}/{name}/mtu").text)
    if name == "lo":
        return NetworkLink(name, "loopback", None, mtu, gateway)
    uevent = source.read(f"{_NET}/{name}/uevent").text or ""
    wireless = "DEVTYPE=wlan" in uevent or source.glob(f"{_NET}/{name}/phy80211")
    physical = source.glob(f"{_NET}/{name}/device")
    kind: LinkKind = "wifi" if wireless else "ethernet" if physical else "virtual"
    speed = parse_int(source.read(f"{_NET}/{name}/speed").text)
    known = speed is not None and speed > 0 and kind != "virtual"
    return NetworkLink(name, kind, speed * _MEGA if known and speed else None, mtu, gateway)


def _darwin(source: HostSource, name: str, gateway: str | None) -> NetworkLink:
    if not name:
        return NetworkLink("", "unknown")
    said = source.run(("ifconfig", name)).text or source.run(("ifconfig",)).text or ""
    own = _block(said, name)
    found = re.search(r"\bmtu (\d+)", own)
    mtu = int(found[1]) if found else None
    if name.startswith("lo"):
        return NetworkLink(name, "loopback", None, mtu, gateway)
    ports = source.run(("networksetup", "-listallhardwareports")).text or ""
    port = next((port for port, device in _PORT.findall(ports) if device == name), None)
    media = _MEDIA.search(_line(own, "media"))
    speed = int(media[1]) * (1000 if media[2] else 1) * _MEGA if media else None
    kind: LinkKind = "wifi" if port == "Wi-Fi" else "ethernet" if port else "virtual"
    return NetworkLink(name, kind, speed if kind == "ethernet" else None, mtu, gateway)


def _word(said: str, before: str) -> str:
    """The word that stands after another: `dev eth0`."""
    found = re.search(rf"\b{before} (\S+)", said)
    return found[1] if found else ""


def _line(said: str, label: str) -> str:
    found = re.search(rf"^\s*{label}: (.*)$", said, re.MULTILINE)
    return found[1].strip() if found else ""


def _block(said: str, name: str) -> str:
    """What `ifconfig` says about one card: its line and the indented ones below."""
    found = re.search(rf"^{re.escape(name)}: .*(?:\n\s.*)*", said, re.MULTILINE)
    return found[0] if found else ""


def _owner(said: str, address: str) -> str:
    """The card in whose block of `ifconfig` an address stands."""
    name = ""
    for line in said.splitlines():
        if line[:1].strip():
            name = line.partition(":")[0]
        elif line.split()[:1] in (["inet"], ["inet6"]) and _shown(line) == address:
            return name
    return ""


def _shown(line: str) -> str:
    """The address of a line of `ifconfig`, without its zone."""
    return line.split()[1].partition("%")[0]
