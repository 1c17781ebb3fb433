"""Reads a profile run back and renews what is made of it: the same bytes from the same profile."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import orjson

from bench.errors import ParseError, UsageError
from bench.model.profile import ProfileRecord
from bench.profiling.breakdown import break_down
from bench.profiling.findings import judge_breakdown
from bench.profiling.report import Profiled, render
from bench.profiling.rules import rule_book
from bench.profiling.stacks import Profile, parse_collapsed, parse_cpuprofile, parse_perf
from bench.store import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def read_profiles(path: Path) -> tuple[Profiled, ...]:
    """Every server's profile of a run, in the order in which they were asked for.

    Raises:
        UsageError: it is no profile run, or a raw profile is missing or cannot be read.
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
        cpu_s=record.profiled.resources.server_cpu_s,
        asked=record.frequency if record.method == "perf" else None,
    )
    findings = (*record.findings, *judge_breakdown(record, breakdown))
    return Profiled(record, profile, breakdown, findings)


def _perf(folder: Path, record: ProfileRecord) -> Profile:
    text = gzip.decompress((folder / "perf.script.gz").read_bytes()).decode("utf-8", "replace")
    return parse_perf(text, record.frequency, record.lost)


def _spy(folder: Path, record: ProfileRecord) -> Profile:
    text = (folder / "py-spy.txt").read_text("utf-8", "replace")
    return parse_collapsed(text, record.frequency, record.errors)


def _node(folder: Path, _record: ProfileRecord) -> Profile:
    parts = [
        parse_cpuprofile(orjson.loads(path.read_bytes()))
        for path in sorted(folder.glob("node.cpuprofile.*"))
    ]
    if not parts:
        raise ParseError("V8 wrote no profile")
    return Profile(tuple(stack for part in parts for stack in part.stacks), parts[0].weight_s)


_READERS: dict[str, Callable[[Path, ProfileRecord], Profile]] = {
    "perf": _perf,
    "py-spy": _spy,
    "node": _node,
}


def renew(path: Path) -> tuple[Profiled, ...]:
    """Render pictures and reports of a profile run anew, into the run directory.

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
