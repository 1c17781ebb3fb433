"""Where CPU time of a request goes that asks a database: the server with its driver, and it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports import rows
from bench.reports.blocks import Heading, Paragraph, Table
from bench.reports.wording.phrases import join

if TYPE_CHECKING:
    from bench.model.database import DatabaseShare
    from bench.reports.blocks import Block
    from bench.reports.view import Entry, Group, View

_COLUMNS: Final = (
    "Workload",
    "Server",
    "Server with driver",
    "Database",
    "Database, 95 % interval",
    "Together",
    "Share of the database",
)


def databases(view: View) -> tuple[Block, ...]:
    """The table of all cells with a database, and what it was."""
    found = [
        (group, entry, entry.cell.database)
        for group in (*view.groups, *view.curves)
        for entry in group.entries
        if entry.cell.database
    ]
    if not found:
        return ()
    lines = tuple(_line(group, entry, share) for group, entry, share in found)
    table = Table(_COLUMNS, lines, frozenset({0, 1}), tuple(line[0] for line in lines))
    said = _said([share for _, _, share in found])
    return (Heading("CPU per request: server and database"), Paragraph(said), table)


def _line(group: Group, entry: Entry, share: DatabaseShare) -> tuple[str, ...]:
    show = rows.format_cost
    ends = rows.ABSENT
    if share.low is not None and share.high is not None:
        ends = f"[{show(share.low)}, {show(share.high)}]"
    return (
        group.title,
        entry.title,
        show(share.server_cpu_us),
        show(share.cpu_us),
        ends,
        show(share.server_cpu_us + share.cpu_us),
        f"{share.share:.0%}",
    )


def _said(shares: list[DatabaseShare]) -> str:
    versions = join(list(dict.fromkeys(share.version for share in shares)))
    pools = join(list(dict.fromkeys(str(share.pool) for share in shares)))
    settings = ", ".join(shares[0].settings)
    return (
        f"PostgreSQL {versions}, a new one beside each server in each trial, on the same CPUs; "
        f"equal pools: {pools} connections for each server over all of its processes. Its CPU "
        "time is counted apart: all other tables have that of the server with its driver alone. "
        f"Settings ({settings}): no write waits for a disk."
    )
