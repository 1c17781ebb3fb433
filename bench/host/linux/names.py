"""Names behind the numbers that ARM processors and hypervisors give themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_IMPLEMENTERS: Final = {
    0x41: "ARM",
    0x46: "Fujitsu",
    0x48: "HiSilicon",
    0x4E: "NVIDIA",
    0x51: "Qualcomm",
    0x61: "Apple",
    0xC0: "Ampere",
}
_PARTS: Final = {
    (0x41, 0xD03): "Cortex-A53",
    (0x41, 0xD04): "Cortex-A35",
    (0x41, 0xD05): "Cortex-A55",
    (0x41, 0xD07): "Cortex-A57",
    (0x41, 0xD08): "Cortex-A72",
    (0x41, 0xD09): "Cortex-A73",
    (0x41, 0xD0A): "Cortex-A75",
    (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse-N1",
    (0x41, 0xD0D): "Cortex-A77",
    (0x41, 0xD40): "Neoverse-V1",
    (0x41, 0xD41): "Cortex-A78",
    (0x41, 0xD44): "Cortex-X1",
    (0x41, 0xD46): "Cortex-A510",
    (0x41, 0xD47): "Cortex-A710",
    (0x41, 0xD48): "Cortex-X2",
    (0x41, 0xD49): "Neoverse-N2",
    (0x41, 0xD4B): "Cortex-A78C",
    (0x41, 0xD4C): "Cortex-X1C",
    (0x41, 0xD4D): "Cortex-A715",
    (0x41, 0xD4E): "Cortex-X3",
    (0x41, 0xD4F): "Neoverse-V2",
    (0x41, 0xD80): "Cortex-A520",
    (0x41, 0xD81): "Cortex-A720",
    (0x41, 0xD82): "Cortex-X4",
    (0x41, 0xD84): "Neoverse-V3",
    (0x41, 0xD8E): "Neoverse-N3",
    (0x48, 0xD01): "TaiShan-v110",
    (0x51, 0x001): "Oryon",
    (0x61, 0x022): "Icestorm (M1)",
    (0x61, 0x023): "Firestorm (M1)",
    (0x61, 0x024): "Icestorm (M1 Pro)",
    (0x61, 0x025): "Firestorm (M1 Pro)",
    (0x61, 0x032): "Blizzard (M2)",
    (0x61, 0x033): "Avalanche (M2)",
    (0xC0, 0xAC3): "Ampere-1",
    (0xC0, 0xAC4): "Ampere-1a",
}
"""As util-linux (`lscpu-arm.c`) lists them: implementer and part of /proc/cpuinfo -> name."""
_VIRTUAL_VENDORS: Final = (
    "QEMU",
    "KVM",
    "VMware",
    "VirtualBox",
    "innotek",
    "Xen",
    "Parallels",
    "Bochs",
    "BHYVE",
    "Google Compute Engine",
    "OpenStack",
    "DigitalOcean",
    "Hetzner",
    "Apple Virtualization",
)


def arm_name(block: Mapping[str, str]) -> str | None:
    """The name of an ARM core from its block of /proc/cpuinfo; None for other cores."""
    try:
        maker, part = int(block["CPU implementer"], 16), int(block["CPU part"], 16)
    except (KeyError, ValueError):
        return None
    name = _PARTS.get((maker, part))
    return name or f"{_IMPLEMENTERS.get(maker, hex(maker))} part {part:#05x}"


def virtual_vendor(vendor: str, product: str) -> bool | None:
    """Whether the names in the firmware are those of a virtual machine; None = they do not tell.

    Amazon gives the same vendor to both: only its `.metal` products are real machines.
    """
    if not vendor and not product:
        return None
    if "Amazon EC2" in vendor:
        return ".metal" not in product
    if vendor == "Microsoft Corporation":
        return product == "Virtual Machine"
    both = f"{vendor} {product}".lower()
    return any(name.lower() in both for name in _VIRTUAL_VENDORS)
