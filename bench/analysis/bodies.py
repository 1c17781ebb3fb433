"""How long bodies were, on average: as verified, or counted where each is another one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.analysis.trials import CellTrials
    from bench.model.trial_record import Exchange, TrialRecord

_COUNTED_MAX: Final = 2.0
"""By how much a counted mean may lie beyond the bodies that were seen: more is another measure
(headers that are compressed, bodies that are unpacked)."""


def body_bytes(cell: CellTrials) -> float | None:
    """Mean response body in bytes, over usable trials.

    As verified, weighted by request kind. Where the one kind of request has bodies of many
    lengths, of which verification saw a few, what the load tool read tells the mean of all.
    """
    counted = _counted(cell)
    if counted:
        return _mean(counted)
    return _mean(_weighted(trial.exchanges, "response_bytes") for trial in cell.usable)


def request_bytes(cell: CellTrials) -> float | None:
    """Mean request body in bytes as sent; what came back, where every answer was an echo."""
    seen = [each for trial in cell.usable for each in trial.exchanges]
    echoed = bool(seen) and all(each.request_bytes == each.response_bytes for each in seen)
    if echoed and _counted(cell):
        return body_bytes(cell)
    return _mean(_weighted(trial.exchanges, "request_bytes") for trial in cell.usable)


def _counted(cell: CellTrials) -> list[float]:
    """Of each trial the mean that its load tool counted; none where all bodies are as long."""
    kinds = [trial.exchanges for trial in cell.usable]
    if not kinds or any(len(each) != 1 for each in kinds):
        return []
    lengths = [each.response_bytes for (each,) in kinds]
    found = [_of_trial(trial) for trial in cell.usable]
    means = [mean for mean in found if mean is not None]
    within = all(
        min(lengths) / _COUNTED_MAX <= mean <= max(lengths) * _COUNTED_MAX for mean in means
    )
    return means if min(lengths) < max(lengths) and len(means) == len(found) and within else []


def _of_trial(trial: TrialRecord) -> float | None:
    """Bytes read over responses, less the head of an answer where the tool counts that too."""
    load = trial.load
    if load is None or not load.requests or load.ok != load.requests:
        return None
    (seen,) = trial.exchanges
    head = seen.response_wire_bytes - seen.response_bytes if load.bytes_kind == "wire" else 0
    return load.bytes_in / load.requests - head


def _weighted(exchanges: Sequence[Exchange], field: str) -> float | None:
    weight = sum(each.weight for each in exchanges)
    if not weight:
        return None
    return math.fsum(each.weight * float(getattr(each, field)) for each in exchanges) / weight


def _mean(found: Iterable[float | None]) -> float | None:
    means = [mean for mean in found if mean is not None]
    return math.fsum(means) / len(means) if means else None
