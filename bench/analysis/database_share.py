"""What a request costs the database beside a server, next to what it costs the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.model.database import DatabaseShare
from bench.model.trial_record import cpu_us_per_request, database_us_per_request
from bench.stats.intervals import geometric

if TYPE_CHECKING:
    from bench.analysis.trials import CellTrials


def database_share(cell: CellTrials) -> DatabaseShare | None:
    """Over the usable trials in which both were read; None where there was no database."""
    known = [
        (database, used, trial.server_process.database)
        for trial in cell.usable
        if trial.server_process
        and trial.server_process.database
        and (database := database_us_per_request(trial))
        and (used := cpu_us_per_request(trial))
    ]
    if not known:
        return None
    own = geometric([database for database, _, _ in known])
    server = geometric([used for _, used, _ in known])
    beside = known[-1][2]
    return DatabaseShare(
        cpu_us=own.value,
        low=own.low,
        high=own.high,
        server_cpu_us=server.value,
        share=own.value / (own.value + server.value),
        n=own.n,
        version=beside.version,
        pool=beside.pool,
        settings=beside.settings,
    )
