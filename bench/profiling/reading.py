"""Reads a profile run back and renews what is made of it: the same bytes from the same profile."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import orjson

from bench.errors import ParseError, UsageError
from bench.model.cpu_profile import ProfileRecord
from bench.profiling.at_work import NAMES
from bench.profiling.breakdown import break_down
from bench.profiling.mac import parse_sample
from bench.profiling.profile_findings import judge_breakdown
from bench.profiling.report import Profiled, render
from bench.profiling.rules import rule_book
from bench.profiling.spy import SpyReport, parse_collapsed, parse_gil, parse_told
from bench.profiling.stacks import Profile, parse_cpuprofile, parse_perf
from bench.profiling.trust import distrust, without_conclusions
from bench.reports.wording.findings import all_told
from bench.store.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.model.cpu_profile import Gil


def read_profiles(path: Path) -> tuple[Profiled, ...]:
    """Every server's profile of a run, in the order in which they were asked for.

    Raises:
        UsageError: it is not a profile run, or a raw profile is missing or cannot be read.
    """
    directory = RunDirectory(path)
    names = [file.stem for file in sorted((path / "profiles").glob("*.json"))]
    if not names:
        raise UsageError(f"{path} holds no profile", advice="`bench profile SERVER WORKLOAD`")
    records = [directory.read_model(f"profiles/{name}.json", ProfileRecord) for name in names]
    return tuple(
        _profiled(record, path / "trials" / f"{record.server}.profiled")
        for record in sorted(records, key=lambda record: record.started)
    )


def _profiled(record: ProfileRecord, folder: Path) -> Profiled:
    try:
        profile = _READERS[record.method](folder, record)
    except (OSError, ParseError, ValueError) as error:
        raise UsageError(f"the raw profile in {folder} cannot be read: {error}") from None
    breakdown = break_down(
        profile,
        rule_book(record.runtime),
        window_s=record.window_s,
        cpu_us=record.cpu_us,
        cpu_s=_looked_cpu_s(record),
        asked=record.frequency,
    )
    if record.method != "perf":
        # Samples of wall-clock time do not say what perf's samples of CPU time say of the GIL.
        breakdown = breakdown.replace(gil=_gil(folder, record))
    reason = distrust(breakdown.quality, record.method)
    if reason:
        breakdown = without_conclusions(breakdown, reason)
    findings = (*record.findings, *all_told(judge_breakdown(record, breakdown)))
    return Profiled(record, profile, breakdown, findings)


def _looked_cpu_s(record: ProfileRecord) -> float | None:
    """CPU seconds of the server in the part of the window in which the profiler looked."""
    cpu, load = record.profiled.resources.server_cpu_s, record.profiled.load
    if cpu is None or load is None or load.duration_s <= 0:
        return cpu
    return cpu * min(1.0, record.window_s / load.duration_s)


def _gil(folder: Path, record: ProfileRecord) -> Gil | None:
    """Who held the GIL, from the trial in which py-spy looked at nothing else."""
    other = folder.with_name(f"{record.server}.gil")
    if not (other / "py-spy.txt").exists():
        return None
    text = (other / "py-spy.txt").read_text("utf-8", "replace")
    looks = round(record.frequency * record.window_s)
    return parse_gil(text, told_by(other / "py-spy.log"), looks)


def told_by(log: Path) -> SpyReport:
    """What py-spy said at its end; zeros where it wrote no log."""
    return parse_told(log.read_text("utf-8", "replace") if log.exists() else "")


def _perf(folder: Path, record: ProfileRecord) -> Profile:
    text = gzip.decompress((folder / "perf.script.gz").read_bytes()).decode("utf-8", "replace")
    names = folder / NAMES
    known = orjson.loads(names.read_bytes()) if names.exists() else None
    return parse_perf(text, record.frequency, record.lost, known)


def _spy(folder: Path, record: ProfileRecord) -> Profile:
    text = (folder / "py-spy.txt").read_text("utf-8", "replace")
    return parse_collapsed(text, record.frequency, record.errors)


def _node(folder: Path, _record: ProfileRecord) -> Profile:
    parts = [
        parse_cpuprofile(orjson.loads(path.read_bytes()))
        for path in sorted(folder.glob("node.cpuprofile.*"))
    ]
    return _joined(parts, "V8")


def _sample(folder: Path, record: ProfileRecord) -> Profile:
    parts = [
        parse_sample(path.read_text("utf-8", "replace"), 1 / record.frequency)
        for path in sorted(folder.glob("sample.*"))
    ]
    return _joined(parts, "`sample`")


def _joined(parts: Sequence[Profile], tool: str) -> Profile:
    """The profiles of several processes as one."""
    if not parts:
        raise ParseError(f"{tool} wrote no profile")
    return parts[0]._replace(
        stacks=tuple(stack for part in parts for stack in part.stacks),
        waiting=sum(part.waiting for part in parts),
        taken=None if parts[0].taken is None else sum(part.taken or 0 for part in parts),
    )


_READERS: dict[str, Callable[[Path, ProfileRecord], Profile]] = {
    "perf": _perf,
    "py-spy": _spy,
    "node": _node,
    "sample": _sample,
}


def renew(path: Path) -> tuple[Profiled, ...]:
    """Render pictures and reports of a profile run again, into the run directory.

    Raises:
        UsageError: as `read_profiles`.
    """
    found = read_profiles(path)
    write(path, render(found))
    return found


def write(path: Path, files: Sequence[tuple[str, bytes]]) -> None:
    """Write rendered files into a run directory."""
    directory = RunDirectory(path)
    for name, data in files:
        directory.write_bytes(name, data)
