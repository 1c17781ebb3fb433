"""Cells that differ only by their load tool, held against each other."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from bench.analysis.verdicts import paired_ratio
from bench.model.finding import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.analysis.trials import CellTrials
    from bench.model.plan import LoadProfile


def tool_findings(cells: Sequence[CellTrials]) -> tuple[Finding, ...]:
    """Say by how much the rates of two tools differ wherever a cell was run with both."""
    found = []
    for first, second in combinations(cells, 2):
        same = (first.cell.server, first.cell.workload) == (
            second.cell.server,
            second.cell.workload,
        )
        if same and _only_tool_differs(first.profile, second.profile):
            found.append(_difference(first, second))
    return tuple(each for each in found if each)


def _only_tool_differs(a: LoadProfile, b: LoadProfile) -> bool:
    apart = {"id", "tool", "processes"}
    return a.tool != b.tool and a.model_dump(exclude=apart) == b.model_dump(exclude=apart)


def _difference(first: CellTrials, second: CellTrials) -> Finding | None:
    ratio = paired_ratio(second, first, "throughput_rps")
    if ratio is None:
        return None
    estimate = ratio.estimate
    return finding(
        "tools-differ",
        first.cell.id,
        ratio=estimate.value,
        low=estimate.low,
        high=estimate.high,
        first=first.profile.tool,
        second=second.profile.tool,
    )
