"""What becomes of a plan whose servers need a PostgreSQL, on a machine that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import ToolMissingError
from bench.model.plan import Skipped
from bench.servers.postgres_found import ADVICE, install_command

if TYPE_CHECKING:
    from bench.model.plan import Cell, Plan


def needs_database(plan: Plan) -> frozenset[Cell]:
    """The cells for which a PostgreSQL is started beside the server."""
    wanting = {arm.name: arm.config.wants_database for arm in plan.arms if arm.url is None}
    return frozenset(
        cell
        for cell in plan.cells
        if cell.server in wanting and wanting[cell.server]((cell.workload,))
    )


def without_database(plan: Plan) -> Plan:
    """The plan without the cells that need one: servers that lose all take no part.

    Raises:
        ToolMissingError: no cell is left.
    """
    lost = needs_database(plan)
    if not lost:
        return plan
    why = f"PostgreSQL is not here: {ADVICE} ({install_command()})"
    kept = tuple(cell for cell in plan.cells if cell not in lost)
    if not kept:
        advice = f"{ADVICE} ({install_command()})"
        raise ToolMissingError("every server of this plan needs PostgreSQL", advice=advice)
    left = {cell.server for cell in kept}
    gone = tuple(Skipped(server=a.name, reason=why) for a in plan.arms if a.name not in left)
    asked = ", ".join(dict.fromkeys(cell.workload for cell in plan.cells if cell in lost))
    note = ("database-missing", f"{asked} cannot be measured: {why}")
    used = {cell.workload for cell in kept}
    return plan.replace(
        arms=tuple(arm for arm in plan.arms if arm.name in left),
        workloads=tuple(name for name in plan.workloads if name in used),
        cells=kept,
        skipped=(*plan.skipped, *gone),
        cpus=plan.cpus.replace(notes=(*plan.cpus.notes, note)),
    )
