"""Judges what only macOS has: no pinning, backups, indexing, a scheduler limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.model.finding import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.finding import Finding
    from bench.model.host_facts import Host

_BUSY_PERCENT: Final = 20.0
_INDEXING: Final = ("mds", "mds_stores", "corespotlightd", "mdbulkimport")
_PRESSURED: Final = 2


def _unpinned(host: Host) -> Iterator[Finding]:
    if host.pinning.state == "none":
        yield finding(
            "unpinned",
            "host",
            severity="info",
            reason=host.pinning.reason,
        )


def _backup(host: Host) -> Iterator[Finding]:
    if host.details.get("state.noise.backup_running"):
        yield finding("background-work", "host", "backup")


def _busy(host: Host) -> Iterator[Finding]:
    shares = host.details.get("state.load.busy_percent")
    for name, share in shares.items() if isinstance(shares, dict) else ():
        if name != "others" and isinstance(share, int | float) and share >= _BUSY_PERCENT:
            indexing = name in _INDEXING or name.startswith("mdworker")
            yield finding(
                "background-work",
                "host",
                "indexing" if indexing else "process",
                process=name,
                percent=float(share),
            )


def _pressure(host: Host) -> Iterator[Finding]:
    level = host.details.get("state.memory.pressure_level")
    if isinstance(level, int) and level >= _PRESSURED:
        yield finding("swap", "host", "pressure", level=level)


CHECKS: Final = (_unpinned, _backup, _busy, _pressure)
"""What `bench.host.checks` calls on every host."""
