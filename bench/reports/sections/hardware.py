"""The machine: a short table, what is unusual about it, and on the page everything recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.reports.blocks import Bullets, Folded, Heading, OnPage, Paragraph, Table, code
from bench.reports.sections.core_kinds import core_blocks
from bench.reports.wording.findings import text_of
from bench.reports.wording.machine_words import (
    UNKNOWN,
    UNPINNED_DARWIN,
    every_setting,
    summary,
    unreadable,
)
from bench.reports.wording.phrases import sentence

if TYPE_CHECKING:
    from bench.model.host_facts import Host
    from bench.reports.blocks import Block, Text
    from bench.reports.view import View


def hardware_blocks(view: View) -> tuple[Block, ...]:
    """The short table, pinning, kinds of core, what is unusual, and the full table."""
    if view.run.info.imported:
        return ()
    host = view.run.host
    notes = [Paragraph(text) for text in _pinning(host)]
    unusual = _unusual(host)
    return (
        Heading("Hardware"),
        machine_table(host),
        *notes,
        *core_blocks(view),
        *([Bullets(unusual)] if unusual else []),
        Paragraph(("Every setting that was read: ", code("host.json"), " of the run.")),
        OnPage("Everything recorded of the machine", full_tables(host, view.run.host_after)),
    )


def machine_table(host: Host) -> Table:
    """What a reader wants to know first; what could not be read is left out."""
    known = tuple(row for row in summary(host) if row[1] != UNKNOWN)
    rows = (*known, ("Fingerprint", host.fingerprint))
    return Table(("Machine", "As it was read before the run"), rows, frozenset({0, 1}))


def _pinning(host: Host) -> list[str]:
    if host.pinning.state == "pinned":
        return []
    if host.system == "darwin":
        return [UNPINNED_DARWIN]
    return [f"Processes are not held on their CPUs: {host.pinning.reason}."]


def _unusual(host: Host) -> tuple[Text, ...]:
    """What `bench doctor` would say of it: how it differs from a machine made for measuring."""
    found = [item for item in host.findings if item.code != "unpinned"]
    return tuple((code(item.code), f": {sentence(text_of(item))}") for item in found)


def full_tables(host: Host, after: Host | None = None) -> tuple[Block, ...]:
    """Every recorded value, beside what it was after the run where that differs."""
    before = every_setting(host)
    later = every_setting(after) if after else before
    changed = any(later.get(key, "") != value for key, value in before.items())
    columns = ("Setting", "Value", "After the run") if changed else ("Setting", "Value")
    rows = []
    for key, value in before.items():
        new = later.get(key, "")
        rows.append((key, value, "" if new == value else new)[: len(columns)])
    blocks: list[Block] = [Table(columns, tuple(rows), words=frozenset({0, 1, 2}))]
    missing = unreadable(host)
    if missing:
        absent = Table(("Setting", "Why it is not readable here"), missing, words=frozenset({0, 1}))
        title = f"Not readable here ({len(missing)} settings)"
        blocks.append(Folded(title, (absent,)) if after else absent)
    return tuple(blocks)
