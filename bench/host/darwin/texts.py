"""Reads the texts that macOS commands print; pure functions, one per command."""

from __future__ import annotations

import json
import re
from typing import Any, Final

PRESSURES: Final = ("nominal", "moderate", "heavy", "trapping", "sleeping")
"""Thermal pressure levels 0 to 4; real throttling starts at heavy."""
THERMAL_KEY: Final = "com.apple.system.thermalpressurelevel"
PROFILER_KEYS: Final = (
    "chip_type",
    "cpu_type",
    "machine_model",
    "machine_name",
    "number_processors",
    "physical_memory",
    "boot_rom_version",
    "os_loader_version",
)
"""Only these of system_profiler's keys are kept: the others identify the machine or its owner."""
_SIZES: Final = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SYSTEM_PROCESSES: Final = re.compile(
    r"kernel_task|mds|mds_stores|mdworker\w*|mdbulkimport|XProtect\w*|WindowServer|backupd"
    r"|photoanalysisd|mediaanalysisd|softwareupdated|trustd|syspolicyd|cloudd|bird|spotlightknowledged"
    r"|corespotlightd|suggestd|nsurlsessiond|fileproviderd|launchd|logd|sysmond|powerd"
)
"""Processes of the system itself may be named; other programs are private."""


def sysctl(text: str | None) -> dict[str, str]:
    """Lines `key: value`, split at the first colon with a blank; values may be empty."""
    found: dict[str, str] = {}
    for line in (text or "").splitlines():
        match = re.fullmatch(r"([a-z][\w.]*):(?: (.*))?", line.strip())
        if match:
            found[match[1]] = (match[2] or "").strip()
    return found


def sw_vers(text: str | None) -> dict[str, str]:
    """`ProductName`, `ProductVersion`, `BuildVersion`; older systems use one tab, newer two."""
    lines = (line.partition(":") for line in (text or "").splitlines())
    return {key.strip(): value.strip() for key, colon, value in lines if colon and value.strip()}


def power_source(text: str | None) -> str | None:
    """`ac` or `battery` from `pmset -g batt`; a UPS that feeds the machine is a battery."""
    match = re.search(r"drawing from '(AC|Battery|UPS) Power'", text or "")
    return ("ac" if match[1] == "AC" else "battery") if match else None


def battery_percent(text: str | None) -> int | None:
    """The charge from `pmset -g batt`; desktops have no such line."""
    match = re.search(r"\s(\d{1,3})%;", text or "")
    return int(match[1]) if match else None


def pmset_settings(text: str | None) -> dict[str, int]:
    """Numeric settings of `pmset -g`; the names of apps that stand behind some are dropped."""
    found: dict[str, int] = {}
    for line in (text or "").splitlines():
        match = re.match(r"\s*([A-Za-z][\w ]*?)\s+(\d+)(?:\s|$)", line)
        if match:
            found[match[1]] = int(match[2])
    return found


def pmset_custom(text: str | None) -> dict[str, dict[str, int]]:
    """`pmset -g custom`: settings under `battery` and `ac`, which can differ."""
    sections: dict[str, dict[str, int]] = {}
    parts = re.split(r"^(AC|Battery|UPS) Power:\s*$", text or "", flags=re.MULTILINE)
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        sections["ac" if name == "AC" else "battery"] = pmset_settings(body)
    return sections


def low_power(settings: dict[str, int]) -> bool | None:
    """Low power mode: `lowpowermode` 0 or 1, else `powermode` 1 low, 0 and 2 not; else None."""
    if "lowpowermode" in settings:
        return settings["lowpowermode"] == 1
    if "powermode" in settings:
        return settings["powermode"] == 1
    return None


def thermal_pressure(text: str | None) -> str | None:
    """The level's name from `notifyutil -g`: the key, a blank, 0 to 4; anything else = unknown."""
    match = re.search(rf"^{re.escape(THERMAL_KEY)} ([0-4])$", text or "", re.MULTILINE)
    return PRESSURES[int(match[1])] if match else None


def therm_limits(text: str | None) -> dict[str, int]:
    """`CPU_Speed_Limit` and the like of `pmset -g therm` on Intel; the last block counts."""
    found = re.findall(r"^\s*(CPU_\w+)\s*=\s*(\d+)\s*$", text or "", re.MULTILINE)
    return {key: int(value) for key, value in found}


def therm_is_quiet(text: str | None) -> bool:
    """Whether `pmset -g therm` says that nothing has been recorded, which means nominal."""
    return "No thermal warning level has been recorded" in (text or "")


def load_average(text: str | None) -> list[float] | None:
    """`{ 2.54 2.07 1.51 }`, with commas in some locales."""
    found = re.findall(r"\d+[.,]\d+", text or "")
    return [float(part.replace(",", ".")) for part in found] if len(found) == 3 else None  # noqa: PLR2004 - 1, 5, 15 min


def swap_usage(text: str | None) -> dict[str, int]:
    """`total = 2048.00M  used = 933.06M ...` in bytes; the decimal sign follows the locale."""
    found = re.findall(r"(total|used|free) = (\d+)[.,](\d+)([KMGT])", text or "")
    return {
        name: round(float(f"{whole}.{part}") * _SIZES[unit]) for name, whole, part, unit in found
    }


def boot_time(text: str | None) -> int | None:
    """`{ sec = 1700000000, usec = 0 } ...` as seconds since 1970."""
    match = re.search(r"sec = (\d+)", text or "")
    return int(match[1]) if match else None


def profiler(text: str | None) -> dict[str, Any]:
    """The keys of `system_profiler -json SPHardwareDataType` that identify nobody."""
    try:
        entries = json.loads(text or "{}")["SPHardwareDataType"]
        items = dict(entries[0])
    except (ValueError, KeyError, IndexError, TypeError):
        return {}
    kept = {key: items[key] for key in PROFILER_KEYS if key in items}
    return {key: value for key, value in kept.items() if isinstance(value, str | int)}


def max_files(text: str | None) -> tuple[int | None, int | None]:
    """Soft and hard limit of `launchctl limit maxfiles`; unlimited is None."""
    match = re.search(r"maxfiles\s+(\w+)\s+(\w+)", text or "")
    if not match:
        return None, None
    soft, hard = (int(part) if part.isdecimal() else None for part in match.groups())
    return soft, hard


def spotlight(text: str | None) -> bool | None:
    """Whether `mdutil -s /` says that the disk is indexed."""
    if "Indexing enabled" in (text or ""):
        return True
    return False if "disabled" in (text or "") else None


def backup_running(text: str | None) -> bool | None:
    """Whether `tmutil status` says that a backup runs now."""
    match = re.search(r"Running = (\d)", text or "")
    return match[1] == "1" if match else None


def integrity(text: str | None) -> bool | None:
    """Whether `csrutil status` says that system integrity protection is on."""
    match = re.search(r"status: (enabled|disabled)", text or "")
    return match[1] == "enabled" if match else None


def assertions(text: str | None) -> list[str]:
    """Names of the assertions against sleep that are held, from `pmset -g assertions`."""
    head = (text or "").partition("Listed by owning process")[0]
    return re.findall(r"^\s+(\w+)\s+[1-9]\d*$", head, re.MULTILINE)


def cluster_frequencies(text: str | None) -> dict[str, int] | None:
    """MHz per cluster from `powermetrics --samplers cpu_power`, which needs root."""
    found = re.findall(r"^(\S+)-Cluster HW active frequency: (\d+) MHz", text or "", re.MULTILINE)
    return {name: int(mhz) for name, mhz in found} or None


def busy_processes(text: str | None) -> dict[str, float] | None:
    """CPU percent by process of the system, from `ps -Aceo pcpu,comm`; the user's are one sum."""
    found: dict[str, float] = {}
    lines = re.findall(r"^\s*(\d+[.,]\d+)\s+(\S.*)$", text or "", re.MULTILINE)
    for share, command in lines:
        name = command.strip()
        known = name if _SYSTEM_PROCESSES.fullmatch(name) else "others"
        found[known] = found.get(known, 0.0) + float(share.replace(",", "."))
    rounded = {name: round(share, 1) for name, share in found.items()}
    return {n: s for n, s in rounded.items() if s >= 1} if lines else None
