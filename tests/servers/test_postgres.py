"""A PostgreSQL beside a server: fresh each time, gone afterwards, missed when it dies."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from bench.errors import StartError
from bench.process import SupervisorClient
from bench.process.strays import is_supervisor_process
from bench.servers.ports import choose_port
from bench.servers.postgres import SETTINGS, Postgres
from bench.servers.postgres_found import PostgresPlace, _found, find_postgres
from tests.plans.helpers import split
from tests.run.helpers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PLACE = find_postgres()
CPUS = split().model_copy(update={"load": (0,)})
needs_postgres = pytest.mark.skipif(PLACE is None, reason="PostgreSQL is not here")


@pytest.fixture(scope="module")
def supervisor() -> Iterator[SupervisorClient]:
    """One for all, so that the cluster is made once."""
    with SupervisorClient() as made:
        yield made


def place() -> PostgresPlace:
    assert PLACE is not None
    return PLACE


def beside(supervisor: SupervisorClient, folder: Path) -> Postgres:
    return Postgres(place(), CPUS, supervisor, random.Random(), folder / "postgres.log")


def asked(database: Postgres, query: str) -> str:
    """What psql prints of a query, as the role that servers use."""
    argv = [place().program("psql"), database.url, "-X", "-At", "-c", query]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def _users(processes: Iterable[psutil.Process]) -> set[str]:
    """Of those that are still there: what served psql ends with it."""
    users = set()
    for one in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            users.add(one.username())
    return users


@pytest.mark.real
@needs_postgres
def test_each_server_meets_the_same_rows(supervisor: SupervisorClient, tmp_path: Path) -> None:
    """What one trial wrote is not there in the next, and nothing of either is left."""
    with beside(supervisor, tmp_path) as first:
        assert asked(first, "SELECT count(*), max(name) FROM items") == "10000|item 9999"
        assert asked(first, "UPDATE items SET stock = 7 RETURNING 1").count("1") > 1000
        family = psutil.Process(first.pid).children(recursive=True)
        users = _users((psutil.Process(first.pid), *family))
        shown = asked(first, "SHOW fsync"), asked(first, "SHOW listen_addresses")
        record, data = first.record(), first._data
    assert len(family) > 3
    assert "root" not in users
    assert shown == ("off", "127.0.0.1")
    assert (record.pool, record.settings) == (8, SETTINGS)
    assert wait_until(lambda: not any(one.is_running() for one in family))
    assert not data.exists()
    with beside(supervisor, tmp_path) as second:
        assert asked(second, "SELECT count(*) FROM items WHERE stock > 0") == "0"
        second.check()


@pytest.mark.real
@needs_postgres
def test_a_port_in_use_is_left_to_its_owner(
    supervisor: SupervisorClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken between the look and the start: another one is drawn."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1]]

        def drawn(rng: random.Random) -> int:
            return int(ports.pop()) if ports else choose_port(rng)

        monkeypatch.setattr("bench.servers.postgres.choose_port", drawn)
        with beside(supervisor, tmp_path) as database:
            assert database.port != taken.getsockname()[1]
            assert asked(database, "SELECT 1") == "1"
        ports += [taken.getsockname()[1]] * 3
        with pytest.raises(StartError, match="Address already in use") as caught:
            beside(supervisor, tmp_path).__enter__()
    assert caught.value.code == "database-down"


@pytest.mark.real
@needs_postgres
@pytest.mark.parametrize("whom", ["first", "one of them"])
def test_its_death_is_noticed(supervisor: SupervisorClient, tmp_path: Path, whom: str) -> None:
    """Whether all of it dies or one of its processes, after which it drops all connections."""
    with beside(supervisor, tmp_path) as database:
        first = psutil.Process(database.pid)
        assert wait_until(first.children)
        (first if whom == "first" else first.children()[0]).send_signal(signal.SIGKILL)
        with pytest.raises(StartError, match="the server's database, died") as caught:
            _until(database.check)
    assert caught.value.code == "database-down"


def _until(check: Callable[[], None]) -> None:
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        check()
        time.sleep(0.02)


_HOLD = """
import sys, time, random
from pathlib import Path
from bench.process import SupervisorClient
from tests.servers.test_postgres import beside
with SupervisorClient() as supervisor, beside(supervisor, Path(sys.argv[1])) as database:
    print(database.pid, supervisor.scratch(), flush=True)
    time.sleep(600)
"""


@pytest.mark.real
@needs_postgres
def test_nothing_outlives_a_killed_bench(tmp_path: Path) -> None:
    """Its processes end with `bench`; its folder goes when the next one needs a folder."""
    root = Path(__file__).parents[2]
    argv = [sys.executable, "-c", _HOLD, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        try:
            pid, scratch = process.stdout.readline().split()
            first = psutil.Process(int(pid))
            assert wait_until(lambda: len(first.children()) > 2)
            family = [first, *first.children()]
        finally:
            process.kill()
    assert len(family) > 3
    gone, alive = psutil.wait_procs(family, timeout=100)
    assert (len(gone), alive) == (len(family), [])
    assert wait_until(lambda: not is_supervisor_process(int(scratch.split("-")[2])))
    with SupervisorClient() as supervisor:
        supervisor.scratch()
        assert not Path(scratch).exists()


def test_it_is_found_where_packages_put_it(tmp_path: Path) -> None:
    """The newest of the usual folders, whole ones alone; a link on PATH leads to its folder."""
    for version in ("9", "15", "17"):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        for name in ("initdb", "postgres", "psql"):
            (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}.2'\n")
            (folder / name).chmod(0o755)
    (tmp_path / "17" / "bin" / "psql").unlink()
    patterns = (f"{tmp_path}/*/bin",)

    assert _found("", patterns) == PostgresPlace(tmp_path / "15" / "bin", "15.2")
    links = tmp_path / "links"
    links.mkdir()
    (links / "postgres").symlink_to(tmp_path / "9" / "bin" / "postgres")
    assert _found(str(links), patterns) == PostgresPlace(tmp_path / "9" / "bin", "9.2")
    assert _found(str(links), ()) == PostgresPlace(tmp_path / "9" / "bin", "9.2")
    assert _found("", ()) is None


def test_only_folders_of_the_dead_are_removed() -> None:
    """Another `bench` that runs at the same time keeps its own."""
    with SupervisorClient() as other, SupervisorClient() as supervisor:
        theirs, own = other.scratch(), supervisor.scratch()
        assert theirs.exists()
        assert own.stat().st_mode & 0o777 == 0o711
    assert not own.exists()
