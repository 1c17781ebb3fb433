"""Machines for tests: trees in memory from recorded files and from facts; see INDEX.md."""

from __future__ import annotations

import bisect
import fnmatch
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.host.source import (
    HostSource,
    SourceText,
    file_name,
    format_cpulist,
    natural,
    parse_cpulist,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DATA: Final = Path(__file__).parents[1] / "data" / "host"
MACS: Final = tuple(sorted(path.name for path in (DATA / "darwin").iterdir()))
FACTS: Final = tuple(sorted(path.stem for path in (DATA / "linux").glob("*.json")))
LINUX: Final = (*FACTS, "linux-kvm-2cpu")
_CPU: Final = "/sys/devices/system/cpu"
_L2_COLUMN: Final = 7
_L3_COLUMN: Final = 8

Tree = dict[str, str]
"""Relative path -> text, as files below a captured tree."""


def linux_tree(name: str) -> Tree:
    """A Linux machine by name."""
    if (DATA / name).is_dir():
        return folder_tree(DATA / name)
    return build(json.loads((DATA / "linux" / f"{name}.json").read_text()))


def mac_tree(name: str) -> Tree:
    """A Mac by name."""
    return folder_tree(DATA / "darwin" / name)


def folder_tree(folder: Path) -> Tree:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def memory_source(tree: Mapping[str, str]) -> HostSource:
    """Read a tree that is in memory, as `tree_source` reads one on disk."""

    def read(path: str) -> SourceText:
        text = tree.get(path.lstrip("/"))
        if text is None:
            return SourceText(None, "no such file")
        return SourceText(text.strip()) if text.strip() else SourceText(None, "empty")

    def run(argv: Sequence[str]) -> SourceText:
        for suffix in (".txt", ".json"):
            text = tree.get(file_name(argv) + suffix)
            if text is not None:
                return SourceText(text.strip()) if text.strip() else SourceText(None, "empty")
        return SourceText(None, f"no such command: {argv[0]}")

    paths = sorted(f"/{path}" for path in tree)

    def find(pattern: str) -> tuple[str, ...]:
        prefix = re.split(r"[*\[]", pattern, maxsplit=1)[0]
        shape = re.compile(fnmatch.translate(pattern).replace(".*", "[^/]*"))
        near = paths[bisect.bisect_left(paths, prefix) : bisect.bisect_left(paths, prefix + "\x7f")]
        return tuple(sorted((path for path in near if shape.match(path)), key=natural))

    return HostSource(read, run, find)


def write(tree: Mapping[str, str], folder: Path) -> Path:
    """Write a tree to disk."""
    for name, text in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def build(facts: Mapping[str, Any]) -> Tree:
    """Make the files of a Linux machine from its facts."""
    rows = [line.split(",") for line in facts["table"][1:]]
    files: dict[str, str] = {
        "/etc/os-release": facts["os_release"],
        "/proc/cpuinfo": _cpuinfo(facts, rows),
        f"{_CPU}/online": format_cpulist([int(row[0]) for row in rows]),
    }
    files |= _topology(rows) | _caches(facts, rows) | _nodes(rows) | _frequencies(facts)
    for cpus, capacity in facts.get("capacity", {}).items():
        for cpu in parse_cpulist(cpus):
            files[f"{_CPU}/cpu{cpu}/cpu_capacity"] = str(capacity)
    files |= facts["files"]
    tree = {path.lstrip("/"): text for path, text in files.items()}
    tree["uname_-a.txt"] = facts["uname"]
    return tree | {f"{name}.txt": text for name, text in facts["commands"].items()}


def _cpuinfo(facts: Mapping[str, Any], rows: Sequence[Sequence[str]]) -> str:
    blocks = []
    for row in rows:
        keys = dict(facts["cpuinfo"])
        for cpus, part in facts.get("parts", {}).items():
            if int(row[0]) in parse_cpulist(cpus):
                keys["CPU part"] = part
        serial = keys.pop("Serial", None)
        lines = [f"processor\t: {row[0]}", *(f"{key}\t: {value}" for key, value in keys.items())]
        blocks.append("\n".join(lines))
    tail = f"\n\nHardware\t: board\nSerial\t\t: {serial}" if serial else ""
    return "\n\n".join(blocks) + tail


def _grouped(rows: Sequence[Sequence[str]], *columns: int) -> dict[str, str]:
    """CPU -> list of the CPUs that agree with it in these columns; "" = has none."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), []).append(int(row[0]))
    return {
        row[0]: format_cpulist(groups[tuple(row[column] for column in columns)])
        for row in rows
        if all(row[column] for column in columns)
    }


def _topology(rows: Sequence[Sequence[str]]) -> dict[str, str]:
    siblings = _grouped(rows, 1, 2)
    files = {}
    for row in rows:
        folder = f"{_CPU}/cpu{row[0]}/topology"
        files[f"{folder}/core_cpus_list"] = siblings[row[0]]
        files[f"{folder}/core_id"] = row[1]
        files[f"{folder}/physical_package_id"] = row[2]
    return files


def _caches(facts: Mapping[str, Any], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    files = {}
    for index, level, column in ((2, "l2", _L2_COLUMN), (3, "l3", _L3_COLUMN)):
        for cpu, shared in _grouped(rows, column).items():
            folder = f"{_CPU}/cpu{cpu}/cache/index{index}"
            files[f"{folder}/level"] = str(index)
            files[f"{folder}/type"] = "Unified"
            files[f"{folder}/size"] = facts[level]
            files[f"{folder}/shared_cpu_list"] = shared
    return files


def _nodes(rows: Sequence[Sequence[str]]) -> dict[str, str]:
    nodes: dict[str, list[int]] = {}
    for row in rows:
        if row[3]:
            nodes.setdefault(row[3], []).append(int(row[0]))
    base = "/sys/devices/system/node/node"
    return {f"{base}{node}/cpulist": format_cpulist(cpus) for node, cpus in nodes.items()}


def _frequencies(facts: Mapping[str, Any]) -> dict[str, str]:
    files = {}
    for cpus, khz in facts.get("khz", {}).items():
        for cpu in parse_cpulist(cpus):
            folder = f"{_CPU}/cpu{cpu}/cpufreq"
            files[f"{folder}/cpuinfo_max_freq"] = str(khz)
            files[f"{folder}/scaling_max_freq"] = str(khz)
            files[f"{folder}/scaling_cur_freq"] = str(khz // 2)
            files[f"{folder}/scaling_governor"] = facts["governor"]
            files[f"{folder}/scaling_driver"] = facts["driver"]
            if "epp" in facts:
                files[f"{folder}/energy_performance_preference"] = facts["epp"]
    return files
