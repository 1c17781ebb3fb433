"""Judges what only macOS has: no pinning, backups, indexing, a scheduler limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.model.finding import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.finding import Finding
    from bench.model.host_facts import Host

UNPINNED_SENTENCE: Final = (
    "Server and load tool share the scheduler: macOS lets nobody hold a process on a core."
)
"""The fixed sentence of every report from a Mac."""
_BUSY_PERCENT: Final = 20.0
_INDEXING: Final = ("mds", "mds_stores", "corespotlightd", "mdbulkimport")
_PRESSURED: Final = 2


def _unpinned(host: Host) -> Iterator[Finding]:
    if host.pinning.state == "none":
        yield finding(
            "unpinned",
            "host",
            UNPINNED_SENTENCE,
            severity="info",
            why="A thread may move to a slower core; expect more spread than on Linux.",
            advice="Nothing mends it; thread counts are matched to the fast cores instead.",
            reason=host.pinning.reason,
        )


def _backup(host: Host) -> Iterator[Finding]:
    if host.details.get("state.noise.backup_running"):
        yield finding(
            "background-work",
            "host",
            "Time Machine is making a backup",
            why="It reads the whole disk and compresses it.",
            advice="tmutil stopbackup && sudo tmutil disable",
            undo="sudo tmutil enable",
        )


def _busy(host: Host) -> Iterator[Finding]:
    shares = host.details.get("state.load.busy_percent")
    for name, share in shares.items() if isinstance(shares, dict) else ():
        if name != "others" and isinstance(share, int | float) and share >= _BUSY_PERCENT:
            indexing = name in _INDEXING or name.startswith("mdworker")
            yield finding(
                "background-work",
                "host",
                f"{name} uses {share:g} % of a core",
                why="The system's own work takes time from server and load tool.",
                advice="sudo mdutil -i off /" if indexing else "Wait until it is done.",
                undo="sudo mdutil -i on /" if indexing else "",
                process=name,
                percent=float(share),
            )


def _pressure(host: Host) -> Iterator[Finding]:
    level = host.details.get("state.memory.pressure_level")
    if isinstance(level, int) and level >= _PRESSURED:
        yield finding(
            "swap",
            "host",
            f"macOS reports memory pressure (level {level})",
            why="Pages are compressed and swapped while the server runs.",
            advice="Close what needs the memory (or restart the machine).",
            level=level,
        )


CHECKS: Final = (_unpinned, _backup, _busy, _pressure)
"""What `bench.host.checks` calls on every host."""
