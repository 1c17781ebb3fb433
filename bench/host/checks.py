"""Judges a Host: one function per thing that makes measuring unsafe; reads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.model.finding import Finding
    from bench.model.host import Host


def check_host(host: Host) -> tuple[Finding, ...]:
    """Every finding that the recorded settings give rise to."""
    return ()
