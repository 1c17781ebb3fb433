"""Puts the load tool's count of bytes beside the sizes of verified answers; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.trial.answer_sizes import Census, CountedBytes, census

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.load_result import ErrorCounts, LoadResult
    from bench.model.plan import LoadProfile, Workload
    from bench.trial.answer_sizes import AnswerSizes


def byte_census(
    load: LoadResult, workload: Workload, profile: LoadProfile, sizes: AnswerSizes
) -> Census | None:
    """The bytes that no verified answers can have made; None where all fit or nothing is known.

    A Lua script may send anything: what it sends is not in the workload.
    """
    if workload.lua:
        return None
    weights: Sequence[int] = [kind.weight for kind in workload.kinds]
    sent = load.sent or ()
    counted = len(sent) == len(weights) and sum(sent) > 0
    if counted:
        weights = sent
    return census(
        CountedBytes(
            bytes_in=load.bytes_in,
            wire=load.bytes_kind == "wire",
            answers=load.requests,
            failed=error_total(load.errors),
            shares=[weight / sum(weights) for weight in weights],
            drawn=not counted and len(weights) > 1,
            connections=profile.connections,
        ),
        sizes,
    )


def error_total(errors: ErrorCounts | None) -> int:
    """Errors of all kinds but deadline aborts, which are not the server's fault."""
    if errors is None:
        return 0
    return sum(count or 0 for name, count in errors if name != "deadline")
