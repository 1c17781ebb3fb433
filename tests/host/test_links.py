"""The network card toward another machine, from recorded texts of both systems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.host import local_source, tree_source
from bench.host.links import NetworkLink, link_of, link_toward

if TYPE_CHECKING:
    from bench.host.source import HostSource

ROUTE = "10.0.0.2 dev eth0 src 10.0.0.3 uid 0 \n    cache"
FAR = "192.0.2.9 via 10.0.0.254 dev wlp2s0 src 10.0.0.3 uid 1000 \n    cache"
OWN = "2: eth0    inet 10.0.0.2/24 brd 10.0.0.255 scope global eth0\\       valid_lft forever"
MAC_ROUTE = """   route to: 10.0.0.2
destination: 10.0.0.2
  interface: en5
      flags: <UP,HOST,DONE,LLINFO,WASCLONED,IFSCOPE,IFREF>
"""
MAC_FAR = """   route to: 192.0.2.9
destination: default
       mask: default
    gateway: 192.168.1.1
  interface: en0
"""
IFCONFIG = """lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 16384
\tinet 127.0.0.1 netmask 0xff000000
en0: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500
\tinet 192.168.1.20 netmask 0xffffff00 broadcast 192.168.1.255
\tmedia: autoselect
\tstatus: active
en5: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 9000
\tinet6 fe80::1c2d%en5 prefixlen 64 scopeid 0x14
\tinet 10.0.0.1 netmask 0xffffff00 broadcast 10.0.0.255
\tmedia: autoselect (10Gbase-T <full-duplex>)
\tstatus: active
en7: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500
\tinet 10.0.7.1 netmask 0xffffff00 broadcast 10.0.7.255
\tmedia: autoselect (1000baseT <full-duplex,flow-control>)
bridge0: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500
\tinet 10.0.8.1 netmask 0xffffff00
\tmedia: <unknown type>
"""
PORTS = """Hardware Port: Ethernet Adapter (en5)
Device: en5
Ethernet Address: redacted

Hardware Port: USB 10/100/1000 LAN
Device: en7
Ethernet Address: redacted

Hardware Port: Wi-Fi
Device: en0
Ethernet Address: redacted
"""


def tree(root: Path, files: dict[str, str]) -> HostSource:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tree_source(root)


def test_linux_card_by_cable(tmp_path: Path) -> None:
    """Reached directly, speed and MTU as the card says."""
    source = tree(
        tmp_path,
        {
            "ip_route_get_10.0.0.2.txt": ROUTE,
            "ip_-o_address_show_to_10.0.0.2.txt": OWN,
            "sys/class/net/eth0/mtu": "1500",
            "sys/class/net/eth0/speed": "2500",
            "sys/class/net/eth0/uevent": "INTERFACE=eth0\nIFINDEX=2",
            "sys/class/net/eth0/device/vendor": "0x8086",
        },
    )
    expected = NetworkLink("eth0", "ethernet", 2_500_000_000, 1500, None)

    assert link_toward(source, "linux", "10.0.0.2") == expected
    assert link_of(source, "linux", "10.0.0.2") == expected


def test_linux_wifi_behind_a_router(tmp_path: Path) -> None:
    """Known by its device type; what speed it has now nobody can say."""
    source = tree(
        tmp_path,
        {
            "ip_route_get_192.0.2.9.txt": FAR,
            "sys/class/net/wlp2s0/mtu": "1500",
            "sys/class/net/wlp2s0/speed": "-1",
            "sys/class/net/wlp2s0/uevent": "DEVTYPE=wlan\nINTERFACE=wlp2s0",
        },
    )

    assert link_toward(source, "linux", "192.0.2.9") == NetworkLink(
        "wlp2s0", "wifi", None, 1500, "10.0.0.254"
    )


def test_linux_virtual_card(tmp_path: Path) -> None:
    """A veth calls itself 10 Gbit/s, which says nothing."""
    source = tree(
        tmp_path,
        {"ip_route_get_10.0.0.2.txt": ROUTE, "sys/class/net/eth0/speed": "10000",
         "sys/class/net/eth0/mtu": "1500", "sys/class/net/eth0/uevent": "INTERFACE=eth0"},
    )  # fmt: skip

    assert link_toward(source, "linux", "10.0.0.2") == NetworkLink("eth0", "virtual", None, 1500)


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_no_route(tmp_path: Path, system: str) -> None:
    """Without an answer nothing is guessed."""
    source = tree(tmp_path, {})

    assert link_toward(source, system, "10.0.0.2") == NetworkLink("", "unknown")  # type: ignore[arg-type] # one of two words
    assert link_of(source, system, "10.0.0.2") == NetworkLink("", "unknown")  # type: ignore[arg-type] # the same


def mac(root: Path) -> HostSource:
    return tree(
        root,
        {
            "route_-n_get_10.0.0.2.txt": MAC_ROUTE,
            "route_-n_get_192.0.2.9.txt": MAC_FAR,
            "ifconfig.txt": IFCONFIG,
            "networksetup_-listallhardwareports.txt": PORTS,
        },
    )


def test_mac_cards(tmp_path: Path) -> None:
    """Cable, Wi-Fi behind a router, an adapter, a bridge, and the loopback."""
    source = mac(tmp_path)
    gbit = 1_000_000_000

    assert link_toward(source, "darwin", "10.0.0.2") == NetworkLink(
        "en5", "ethernet", 10 * gbit, 9000, None
    )
    assert link_toward(source, "darwin", "192.0.2.9") == NetworkLink(
        "en0", "wifi", None, 1500, "192.168.1.1"
    )
    assert link_of(source, "darwin", "10.0.7.1") == NetworkLink("en7", "ethernet", gbit, 1500)
    assert link_of(source, "darwin", "fe80::1c2d").interface == "en5"
    assert link_of(source, "darwin", "10.0.8.1") == NetworkLink("bridge0", "virtual", None, 1500)
    assert link_of(source, "darwin", "127.0.0.1") == NetworkLink("lo0", "loopback", None, 16384)


@pytest.mark.skipif(not Path("/proc/net/route").exists(), reason="Linux")
@pytest.mark.needs("ip")
def test_loopback_of_this_machine() -> None:
    """The real commands say what is expected of them."""
    assert link_toward(local_source(), "linux", "127.0.0.1").kind == "loopback"
    assert link_of(local_source(), "linux", "127.0.0.1").interface == "lo"
