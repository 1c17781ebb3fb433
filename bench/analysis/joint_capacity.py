"""What two servers of a duet cost, and what both reach together; pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.model.trial_record import TrialRecord


def cost_ratio(record: TrialRecord) -> float | None:
    """CPU time per request of a duet's server / that of the baseline beside it.

    Returns:
        None where the duet has no usable figures.
    """
    costs = _costs(record)
    return costs[0] / costs[1] if costs else None


def _costs(record: TrialRecord) -> tuple[float, float] | None:
    """Server CPU seconds per successful request, of both sides."""
    partner = record.partner
    if not record.usable or partner is None or record.load is None or partner.load is None:
        return None
    used = [part.resources.server_cpu_s or 0.0 for part in (record, partner)]
    answered = [record.load.ok, partner.load.ok]
    if not all(used) or not all(answered):
        return None
    return used[0] / answered[0], used[1] / answered[1]


def joint_capacity(record: TrialRecord, *, load_cpus: int) -> float | None:
    """Requests/s at which two servers, each offered that rate, use up their CPUs together.

    Derived from a saturated closed-loop duet: CPU time that both got per second, divided by
    what one request to each costs. Bounded by what the load tools could send, so that a
    share of it leaves the same share of the load CPUs free.

    Returns:
        None where the duet has no usable figures.
    """
    costs, span = _costs(record), record.resources.span_s
    partner, load = record.partner, record.load
    if costs is None or partner is None or partner.load is None or load is None or not span:
        return None
    used = math.fsum(part.resources.server_cpu_s or 0.0 for part in (record, partner))
    servers = used / span / math.fsum(costs)
    loads = math.fsum((*record.resources.load_cpu_s, *partner.resources.load_cpu_s))
    cost = loads / (load.ok + partner.load.ok)
    return min(servers, load_cpus / (2 * cost)) if cost else servers
