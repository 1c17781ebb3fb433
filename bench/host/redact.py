"""Cuts captured texts down to what identifies nobody; pure functions of text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from bench.host.darwin import levels, texts
from bench.host.darwin.table import known_keys
from bench.host.facts import GONE, scrub
from bench.host.linux.table import boot_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SHORTEST_NAME: Final = 3
_COMMON_NAMES: Final = frozenset({"root", "user", "admin", "localhost", "runner", "linux", "cpu"})
_CONTAINER_KINDS: Final = re.compile(r"docker|kubepods|containerd|libpod|lxc|buildkit|garden")
_CPUINFO_KEYS: Final = (
    "processor",
    "vendor_id",
    "cpu family",
    "model",
    "model name",
    "stepping",
    "microcode",
    "cpu MHz",
    "physical id",
    "siblings",
    "core id",
    "cpu cores",
    "flags",
    "Features",
    "bugs",
    "CPU implementer",
    "CPU architecture",
    "CPU variant",
    "CPU part",
    "CPU revision",
)
_RELEASE_KEYS: Final = ("NAME", "PRETTY_NAME", "VERSION", "VERSION_ID", "ID", "BUILD_ID")


class Redactor:
    """Redacts the texts of one machine.

    Args:
        names: host and user names; short and common words are left alone.
        cgroup: text of /proc/self/cgroup, whose paths can hold names and ids.
    """

    def __init__(self, names: Sequence[str], cgroup: str | None) -> None:
        told = {name for name in names if len(name) >= _SHORTEST_NAME} - _COMMON_NAMES
        longest_first = sorted(told, key=len, reverse=True)
        parts = "|".join(re.escape(name) for name in longest_first)
        self._names = re.compile(rf"(?<!\w)(?:{parts})(?!\w)", re.IGNORECASE) if parts else None
        self._groups = _neutral_groups(cgroup)

    def path(self, path: str) -> str:
        """The path under which a file is kept: groups are numbered by depth."""
        for group, neutral in self._groups.items():
            before, found, after = path.partition(f"{group}/")
            if found and before.startswith("/sys/fs/cgroup"):
                return f"{before}{neutral}/{after}"
        return path

    def file(self, path: str, text: str) -> str:
        """The text of a file, cut down."""
        if path == "/proc/self/cgroup":
            return _own_groups(text, self._groups)
        rule = _FILE_RULES.get(path)
        return self._clean(rule(text) if rule else text)

    def command(self, name: str, text: str) -> str:
        """What a command printed, cut down; `name` as in a captured tree."""
        rule = _COMMAND_RULES.get(name)
        return self._clean(rule(text) if rule else text)

    def _clean(self, text: str) -> str:
        without_names = self._names.sub(GONE, text) if self._names else text
        return scrub(without_names)


def _neutral_groups(text: str | None) -> dict[str, str]:
    """Group path -> `/level-1/level-2`, the deepest first."""
    paths = {line.split(":", 2)[-1] for line in (text or "").splitlines()}
    groups: dict[str, str] = {}
    for path in paths:
        parts = [part for part in path.split("/") if part]
        for depth in range(1, len(parts) + 1):
            levels = "".join(f"/level-{number}" for number in range(1, depth + 1))
            groups["/" + "/".join(parts[:depth])] = levels
    return dict(sorted(groups.items(), key=lambda item: -len(item[0])))


def _own_groups(text: str, groups: Mapping[str, str]) -> str:
    """This process' groups with numbered paths."""
    return _group_lines(text, lambda path: groups.get(path, "/"))


def _first_groups(text: str) -> str:
    """The groups of process 1, of which only the container's kind is kept."""

    def kind(path: str) -> str:
        found = _CONTAINER_KINDS.search(path)
        return f"/{found[0]}" if found else "/other" if path.strip("/") else "/"

    return _group_lines(text, kind)


def _group_lines(text: str, rename: Callable[[str], str]) -> str:
    """Lines `id:controllers:path`; named hierarchies (`name=systemd`) hold no limits."""
    found = (re.match(r"(\d+:)([\w,]*)(?:name=[^:]*)?:(/.*)", line) for line in text.splitlines())
    return "\n".join(f"{m[1]}{m[2]}:{rename(m[3])}" for m in found if m)


def _keep_lines(keys: Sequence[str], mark: str) -> Callable[[str], str]:
    """A rule that keeps only lines with these keys, and empty ones."""

    def rule(text: str) -> str:
        lines = text.splitlines()
        return "\n".join(
            line for line in lines if not line.strip() or line.partition(mark)[0].strip() in keys
        )

    return rule


def _interrupts(text: str) -> str:
    """Counts without the names of devices."""
    lines = text.splitlines()
    heading = " ".join(re.findall(r"CPU\d+", lines[0])) if lines else ""
    rows = (re.match(r"\s*\w+:[\s\d]*", line) for line in lines[1:])
    return "\n".join([heading, *(row[0].rstrip() for row in rows if row)])


def _uname(text: str) -> str:
    words = text.split()
    return " ".join([words[0], "host", *words[2:]]) if len(words) > 1 else text


def _limits(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.startswith("Max open files"))


def _sysctl(text: str) -> str:
    keys = texts.sysctl(text)
    return "\n".join(f"{key}: {keys[key]}" for key in keys if key in known_keys(keys))


def _pmset(text: str) -> str:
    settings = texts.pmset_settings(text)
    return "\n".join(f" {name:<20} {value}" for name, value in settings.items())


def _pmset_custom(text: str) -> str:
    sections = re.split(r"^(\w+ Power:)\s*$", text, flags=re.MULTILINE)
    bodies = zip(sections[1::2], sections[2::2], strict=True)
    return "\n".join(f"{title}\n{_pmset(body)}" for title, body in bodies)


def _battery(text: str) -> str:
    source = re.search(r"Now drawing from '\w+ Power'", text)
    charge = re.search(r"\d{1,3}%; ?[\w ]+;", text)
    battery = f" -InternalBattery-0\t{charge[0]}" if charge else ""
    return "\n".join(filter(None, (source[0] if source else "", battery)))


def _assertions(text: str) -> str:
    return "\n".join(f"   {name} 1" for name in texts.assertions(text))


def _processes(text: str) -> str:
    shares = texts.busy_processes(text) or {}
    return "\n".join(f"{share:5.1f} {name}" for name, share in shares.items())


def _profiler(text: str) -> str:
    entry = texts.profiler(text)
    return json.dumps({"SPHardwareDataType": [entry]}, indent=2) if entry else ""


def _match(pattern: str) -> Callable[[str], str]:
    """A rule that keeps only the lines in which a pattern is found, and of those the match."""
    compiled = re.compile(pattern)
    return lambda text: "\n".join(match[0] for match in compiled.finditer(text))


_FILE_RULES: Final[Mapping[str, Callable[[str], str]]] = {
    "/proc/cpuinfo": _keep_lines(_CPUINFO_KEYS, ":"),
    "/proc/1/cgroup": _first_groups,
    "/proc/cmdline": lambda text: " ".join(boot_words(text)),
    "/proc/interrupts": _interrupts,
    "/proc/self/limits": _limits,
    "/proc/self/status": _match(r"Cpus_allowed_list:\s*[\d,-]+"),
    "/proc/swaps": lambda text: "\n".join(re.sub(r"^/\S+", "/swap", x) for x in text.splitlines()),
    "/etc/os-release": _keep_lines(_RELEASE_KEYS, "="),
    "/usr/lib/os-release": _keep_lines(_RELEASE_KEYS, "="),
    "/.dockerenv": lambda _text: "present",
}
_COMMAND_RULES: Final[Mapping[str, Callable[[str], str]]] = {
    "uname_-a": _uname,
    "who": lambda text: "\n".join("user" for _ in text.splitlines()),
    "sysctl_-a": _sysctl,
    "pmset_-g": _pmset,
    "pmset_-g_custom": _pmset_custom,
    "pmset_-g_batt": _battery,
    "pmset_-g_assertions": _assertions,
    "ps_-Aceo_pcpu,comm": _processes,
    "system_profiler_-json_SPHardwareDataType": _profiler,
    "ioreg_-r_-d_1_-k_cluster-type": levels.redacted,
    "powermetrics_--samplers_thermal,cpu_power_-n_1_-i_1000": _match(
        r"\S+-Cluster HW active frequency: \d+ MHz|Current pressure level: \w+"
    ),
    "tmutil_status": _match(r"Running = \d"),
    "mdutil_-s__": _match(r"Indexing enabled|Indexing disabled"),
}
"""What is kept of each text; a text without a rule is scrubbed only."""
