"""A PostgreSQL of `bench`'s own: one new cluster per run, a copy of it beside each server.

A copy is as large as 25 MB and as fresh as the first: what a trial wrote is not there in the
next. It listens on the loopback only, behind a password that is drawn for the run.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import time
from typing import TYPE_CHECKING, Final, Self

from bench.errors import StartError
from bench.model.database import DatabaseRecord
from bench.model.target import LOOPBACK
from bench.process import Command
from bench.servers.ports import choose_port
from bench.servers.postgres_found import ADVICE, find_postgres

if TYPE_CHECKING:
    import random
    from pathlib import Path
    from types import TracebackType

    from bench.model.plan import CpuSplit
    from bench.process import Child, SupervisorClient
    from bench.servers.postgres_found import PostgresPlace

SETTINGS: Final = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "jit=off",
    "checkpoint_timeout=1h",
    "max_wal_size=4GB",
    "dynamic_shared_memory_type=mmap",
)
"""No write waits for a disk and nothing of its own begins within a window: servers and drivers are
compared, not disks."""
POOL_PER_CPU: Final = 8
"""Connections that a server should keep, for each of its CPUs."""
_OWN: Final = 10
_ROWS: Final = 10_000
_LIMIT_S: Final = 60.0
_POLL_S: Final = 0.01
_GRACE_S: Final = 5.0
_TRIES: Final = 3
_TAIL: Final = 6
_END_BYTES: Final = 65_536
_BUSY: Final = "Address already in use"
_CRASHED: Final = "was terminated by signal"
_SEED: Final = """\
CREATE ROLE bench LOGIN PASSWORD '{password}';
CREATE DATABASE bench OWNER bench;
\\connect bench
SET ROLE bench;
CREATE TABLE items (
    id integer PRIMARY KEY, name text NOT NULL, description text NOT NULL, stock integer NOT NULL
);
INSERT INTO items
    SELECT n, 'item ' || n, 'One of ten thousand things that are on sale here', 0
    FROM generate_series(1, {rows}) AS n;
RESET ROLE;
VACUUM ANALYZE items;
"""


class Postgres:
    """Context manager: a PostgreSQL on a free port of the loopback, with the rows of this run.

    Args:
        place: its programs.
        cpus: it shares the CPUs of the server.
        supervisor: starts and ends it; the cluster lies in its scratch folder.
        log: file that receives its output.

    Raises:
        StartError: `database-down`, it did not start.
    """

    def __init__(
        self,
        place: PostgresPlace,
        cpus: CpuSplit,
        supervisor: SupervisorClient,
        rng: random.Random,
        log: Path,
    ) -> None:
        self.pool = POOL_PER_CPU * cpus.server_count
        self.port = 0
        self._place = place
        self._cpus = cpus.server if cpus.pinning.state == "pinned" else None
        self._supervisor = supervisor
        self._rng = rng
        self._log = log
        self._space = 0
        self._child: Child | None = None
        self._user = _unprivileged()
        self._home = supervisor.scratch() / "postgres"
        self._data = self._home / "template"

    def inside(self, space: int) -> Self:
        """Where it is to be started in the network namespace of its server; 0 = the machine's."""
        self._space = space
        return self

    def __enter__(self) -> Self:
        if not self._data.exists():
            self._make_template()
        template, self._data = self._data, self._home / f"copy-{os.urandom(4).hex()}"
        self._run("cp", "-Rp", str(template), str(self._data))
        try:
            self._start()
        except BaseException:
            self._end(signal.SIGQUIT)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end(signal.SIGQUIT)  # at once: nobody needs this copy again

    @property
    def pid(self) -> int:
        """Process id of its first process."""
        assert self._child is not None  # noqa: S101 - only while it runs
        return self._child.pid

    @property
    def url(self) -> str:
        """Its address with user, password and database, as drivers read it."""
        return f"postgresql://bench:{self._password()}@{LOOPBACK}:{self.port}/bench"

    def record(self) -> DatabaseRecord:
        """What the trial's record says about it."""
        return DatabaseRecord(
            version=self._place.version,
            port=self.port,
            pid=self.pid,
            pool=self.pool,
            settings=SETTINGS,
        )

    def check(self) -> None:
        """Check that it is still there, with all that it began with.

        Raises:
            StartError: `database-down`.
        """
        if self._child is None or not self._child.running:
            raise self._down("PostgreSQL, the server's database, died")
        if _CRASHED in self._written():
            raise self._down("a process of PostgreSQL, the server's database, died")

    def _make_template(self) -> None:
        """A new cluster with the rows that the workloads ask for."""
        self._home.mkdir(mode=0o700, exist_ok=True)
        password, seed = self._home / "password", self._home / "seed.sql"
        for file in (password, seed):
            file.touch(mode=0o600)
        password.write_text(os.urandom(16).hex())
        seed.write_text(_SEED.format(password=self._password(), rows=_ROWS))
        if self._user:
            for path in (self._home, password, seed):
                os.chown(path, *self._user)
        made, self._data = self._data, self._home / "new"
        shutil.rmtree(self._data, ignore_errors=True)  # of a try that failed
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--pwfile", str(password),
                  "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync",
                  "--wal-segsize=1")  # fmt: skip
        try:
            self._start()
            where = ("-h", LOOPBACK, "-p", str(self.port), "-U", "postgres", "-d", "postgres")
            self._run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *where, "-f", str(seed))
        finally:
            self._end(signal.SIGINT, keep=True)
        self._data = self._data.rename(made)

    def _start(self) -> None:
        for _ in range(_TRIES):
            self.port = choose_port(self._rng)
            given = (*SETTINGS, f"listen_addresses={LOOPBACK}", f"port={self.port}",
                     f"max_connections={self.pool + _OWN}", "unix_socket_directories=")  # fmt: skip
            words = [word for one in given for word in ("-c", one)]
            argv = (self._place.program("postgres"), "-D", str(self._data), *words)
            before = self._log.stat().st_size if self._log.exists() else 0
            self._child = self._supervisor.spawn(self._command(argv, self._cpus))
            if self._ready():
                return
            if _BUSY not in self._written(before):
                break
        raise self._down("PostgreSQL did not start")

    def _ready(self) -> bool:
        """Wait for what it writes into its own file, as its pg_ctl does; False when it ended."""
        assert self._child is not None  # noqa: S101 - just started
        deadline = time.monotonic() + _LIMIT_S
        while self._child.running and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                lines = (self._data / "postmaster.pid").read_text().splitlines()
                if lines[7:] and lines[7].strip() == "ready":
                    return True
            self._child.wait(_POLL_S)
        return False

    def _run(self, program: str, *words: str) -> None:
        """Run one of its programs, or the system's `cp`, to the end."""
        own = self._place.folder / program
        argv = (str(own) if own.exists() else shutil.which(program) or program, *words)
        child = self._supervisor.run(self._command(argv, None), _LIMIT_S)
        if child.rc != 0:
            raise self._down(f"{program} of PostgreSQL failed")

    def _command(self, argv: tuple[str, ...], cpus: tuple[int, ...] | None) -> Command:
        env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        if (self._home / "password").exists():
            env["PGPASSWORD"] = self._password()
        return Command(argv, env, self._home, cpus, self._log, space=self._space, user=self._user)

    def _end(self, number: int, *, keep: bool = False) -> None:
        if self._child is not None:
            self._child.stop(number, _GRACE_S)
        if not keep:
            shutil.rmtree(self._data, ignore_errors=True)

    def _password(self) -> str:
        return (self._home / "password").read_text()

    def _written(self, after: int = 0) -> str:
        """The end of its output, of what came after that many bytes."""
        try:
            with self._log.open("rb") as file:
                file.seek(max(after, self._log.stat().st_size - _END_BYTES))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def _down(self, what: str) -> StartError:
        tail = "\n".join(f"    {line}" for line in self._written().splitlines()[-_TAIL:])
        return StartError(f"{what}\n{tail}", code="database-down", advice=f"{self._log} has it all")


def postgres_for(
    server: str, cpus: CpuSplit, supervisor: SupervisorClient, rng: random.Random, log: Path
) -> Postgres:
    """The database that a server needs, not yet started.

    Raises:
        StartError: `database-down`, this machine has no PostgreSQL.
    """
    place = find_postgres()
    if place is None:
        message = f"{server} needs PostgreSQL, which is not here"
        raise StartError(message, code="database-down", advice=ADVICE)
    return Postgres(place, cpus, supervisor, rng, log)


def _unprivileged() -> tuple[int, int] | None:
    """User and group for a program that refuses to run as root; None where we are another user."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return user.pw_uid, user.pw_gid
    return None
