"""The database that stands beside a server in a trial."""

from __future__ import annotations

from bench.model.base import Model


class DatabaseRecord(Model):
    """A PostgreSQL of a trial's own, started before the server and ended after it.

    Attributes:
        version: such as `15.10`.
        pid: its first process, whose descendants belong to it.
        pool: connections that the server should keep, over all of its processes.
        settings: those that differ from PostgreSQL's own defaults, as `name=value`.
    """

    version: str
    port: int
    pid: int | None
    pool: int
    settings: tuple[str, ...]


class DatabaseShare(Model):
    """What a request costs the database, beside what it costs the server with its driver.

    Attributes:
        cpu_us: CPU microseconds of the database per successful request, geometric mean.
        low: lower end of its 95 % interval, None where there is none.
        server_cpu_us: the same of the server: framework and driver.
        share: of both together, 0 to 1, that the database used.
        n: trials behind it.
    """

    cpu_us: float
    low: float | None
    high: float | None
    server_cpu_us: float
    share: float
    n: int
    version: str
    pool: int
    settings: tuple[str, ...]
