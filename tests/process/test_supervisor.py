"""The supervisor ends whatever it started, however its owner ends."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.errors import BenchError
from bench.process import Command, SupervisorClient
from bench.process import supervisor as program
from bench.process.family import family_pids
from bench.process.supervisor import family, ps_table


def command(tmp_path: Path, *argv: str, cpus: tuple[int, ...] | None = None) -> Command:
    return Command(argv, dict(os.environ), tmp_path, cpus, tmp_path / "out", None)


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def wait_until(condition: object, timeout_s: float = 30.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator] # the test gives what the type would not
            return True
        time.sleep(0.01)
    return False


def test_output_and_exit_code(tmp_path: Path) -> None:
    """Output goes to the file, the exit code comes back."""
    with SupervisorClient() as supervisor:
        child = supervisor.run(command(tmp_path, "sh", "-c", "echo out; echo err >&2; exit 3"), 5)

    assert child.rc == 3
    assert (tmp_path / "out").read_text() == "out\nerr\n"
    assert child.ended is not None
    assert child.ended >= child.started


def test_stderr_apart(tmp_path: Path) -> None:
    """A command with a stderr file of its own keeps the two apart."""
    apart = command(tmp_path, "sh", "-c", "echo out; echo err >&2")._replace(stderr=tmp_path / "e")
    with SupervisorClient() as supervisor:
        supervisor.run(apart, 5)

    assert (tmp_path / "out").read_text() == "out\n"
    assert (tmp_path / "e").read_text() == "err\n"


def test_cpu_time_counts_children_that_came_and_went(tmp_path: Path) -> None:
    """CPU seconds hold those of children that the process waited for."""
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    shell = f"{shlex.quote(sys.executable)} -c '{burn}'; true"
    with SupervisorClient() as supervisor:
        child = supervisor.run(command(tmp_path, "sh", "-c", shell), 10)

    assert child.cpu_s is not None
    assert 0.2 <= child.cpu_s < 0.5


def test_pinned_before_exec(tmp_path: Path) -> None:
    """The process starts on the CPU it was given."""
    if sys.platform != "linux":
        pytest.skip("this system cannot pin")
    cpu = max(os.sched_getaffinity(0))
    ask = "import os; print(sorted(os.sched_getaffinity(0)))"
    with SupervisorClient() as supervisor:
        supervisor.run(command(tmp_path, sys.executable, "-c", ask, cpus=(cpu,)), 10)

    assert (tmp_path / "out").read_text() == f"[{cpu}]\n"


def test_unknown_program(tmp_path: Path) -> None:
    """A program that is not there is an error with its name and the reason."""
    with (
        SupervisorClient() as supervisor,
        pytest.raises(BenchError, match=r"'/no/such'.*No such file"),
    ):
        supervisor.spawn(command(tmp_path, "/no/such"))


def test_slow_command_is_killed(tmp_path: Path) -> None:
    """A command that takes longer than its limit is killed."""
    with SupervisorClient() as supervisor:
        child = supervisor.run(command(tmp_path, "sleep", "60"), 0.1)

    assert child.rc == -signal.SIGKILL


def test_stop_asks_first(tmp_path: Path) -> None:
    """A process that obeys its signal is not killed."""
    with SupervisorClient() as supervisor:
        child = supervisor.spawn(command(tmp_path, "sleep", "60"))

        assert child.stop(signal.SIGTERM, 2.0)
        assert child.rc == -signal.SIGTERM


def test_stop_kills_what_ignores_the_signal(tmp_path: Path) -> None:
    """A process that ignores SIGTERM is killed after its grace, with its children."""
    script = "trap '' TERM; sleep 61 & echo $!; while :; do sleep 0.05; done"
    with SupervisorClient() as supervisor:
        child = supervisor.spawn(command(tmp_path, "sh", "-c", script))
        assert wait_until(lambda: (tmp_path / "out").read_text().strip())
        grandchild = int((tmp_path / "out").read_text())

        assert not child.stop(signal.SIGTERM, 0.1)
        assert child.rc == -signal.SIGKILL
        assert wait_until(lambda: not alive(grandchild))


def test_children_in_the_group_are_stopped_with_a_dead_parent(tmp_path: Path) -> None:
    """What a server left behind in its group is killed even though the server itself is gone."""
    with SupervisorClient() as supervisor:
        child = supervisor.spawn(command(tmp_path, "sh", "-c", "sleep 62 & echo $!"))
        assert child.wait(30)
        left = int((tmp_path / "out").read_text())
        assert alive(left)
        child.stop(signal.SIGTERM, 0.1)

        assert wait_until(lambda: not alive(left))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
def test_sweep_kills_who_left_the_group(tmp_path: Path) -> None:
    """A descendant with a session of its own that lost its parent is found and killed."""
    out = shlex.quote(str(tmp_path / "out"))
    wait = f"until test -s {out}; do sleep 0.01; done"
    script = f"setsid sh -c 'echo $$; exec sleep 63' & {wait}"
    with SupervisorClient() as supervisor:
        child = supervisor.spawn(command(tmp_path, "sh", "-c", script))
        assert child.wait(30)
        escaped = int((tmp_path / "out").read_text())
        assert alive(escaped)

        assert supervisor.sweep() == 1
        assert not alive(escaped)
        assert supervisor.sweep() == 0


_HOPPING = """
import os, sys, time
for _ in range(400):
    os.fork() and os._exit(0)
    os.setsid()
    time.sleep(0.001)
time.sleep(63)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
def test_sweep_kills_who_forks_meanwhile(tmp_path: Path) -> None:
    """Who goes on as its own child again and again, as daemons do, is followed to its last."""
    mark = f"hopping-{tmp_path.name}"
    with SupervisorClient() as supervisor:
        child = supervisor.spawn(command(tmp_path, sys.executable, "-c", _HOPPING, mark))
        assert child.wait(30)

        assert supervisor.sweep() > 0
        assert [
            p.pid for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or ())
        ] == []


def test_leaving_the_context_ends_everything(tmp_path: Path) -> None:
    """At the end of the context nothing is left."""
    with SupervisorClient() as supervisor:
        pids = [supervisor.spawn(command(tmp_path, "sleep", "64")).pid for _ in range(3)]

    assert not any(alive(pid) for pid in pids)


@pytest.mark.real
def test_nothing_survives_a_killed_owner(tmp_path: Path) -> None:
    """SIGKILL to the process that holds the supervisor ends all that was started."""
    program = f"""
import os, sys, time
from pathlib import Path
from bench.process import Command, SupervisorClient
with SupervisorClient() as supervisor:
    script = "trap '' TERM; setsid sleep 65 & echo $!; setsid sh -c 'sleep 66 & echo $!' ; sleep 67"
    folder = Path({str(tmp_path)!r})
    start = Command(("sh", "-c", script), dict(os.environ), folder, None, folder / "out")
    child = supervisor.spawn(start)
    while len((folder / "out").read_text().split()) < 2:
        time.sleep(0.01)
    print(child.pid, supervisor.pid, flush=True)
    time.sleep(60)
"""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=env)
    assert owner.stdout is not None
    pids = [int(word) for word in owner.stdout.readline().split()]
    owner.stdout.close()
    pids += [int(word) for word in (tmp_path / "out").read_text().split()]
    assert len(pids) == 4
    assert all(alive(pid) for pid in pids)
    owner.kill()
    owner.wait()

    assert wait_until(lambda: not any(alive(pid) for pid in pids))  # before they end by themselves


def test_a_dead_supervisor_is_an_error(tmp_path: Path) -> None:
    """When the supervisor is gone the next request says so instead of waiting."""
    with SupervisorClient() as supervisor:
        os.kill(supervisor.pid, signal.SIGKILL)
        with pytest.raises(BenchError, match="supervisor process has died"):
            supervisor.spawn(command(tmp_path, "true"))


def test_family_follows_parents_and_groups() -> None:
    """A family holds descendants and members of their groups, nobody else."""
    parents = {10: (1, 10), 11: (10, 10), 12: (11, 12), 13: (1, 12), 20: (1, 20)}
    table = {pid: (*each, "t") for pid, each in parents.items()}

    assert family({10}, table) == {10, 11, 12, 13}


def test_family_pids_of_this_process(tmp_path: Path) -> None:
    """A started process and its child are its family."""
    with SupervisorClient() as supervisor:
        child = supervisor.spawn(command(tmp_path, "sh", "-c", "sleep 68 & wait"))

        assert wait_until(lambda: len(family_pids(child.pid)) == 2)


def test_an_id_that_a_stranger_has_now_is_not_signalled(tmp_path: Path) -> None:
    """Once a child was reaped, neither stop nor kill reaches the process that got its id."""
    stranger = subprocess.Popen(["sleep", "69"], start_new_session=True)
    try:
        with SupervisorClient() as supervisor:
            child = supervisor.run(command(tmp_path, "true"), 5)
            child.pid = stranger.pid  # as if the system had given the id out again
            child.stop(signal.SIGTERM, 0.1)
            child.signal(signal.SIGTERM)
            child.signal(signal.SIGKILL)

        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_id_that_another_child_has_now_is_not_signalled(tmp_path: Path) -> None:
    """A child is known by the request that started it: a later one with its id is another."""
    with SupervisorClient() as supervisor:
        child = supervisor.run(command(tmp_path, "true"), 5)
        other = supervisor.spawn(command(tmp_path, "sleep", "70"))
        child.pid = other.pid
        child.stop(signal.SIGTERM, 0.1)
        child.signal(signal.SIGTERM)

        assert not other.wait(0.2)


def test_what_an_ended_child_left_in_its_group_is_killed(tmp_path: Path) -> None:
    """The group of a reaped child is still its own as long as it exists."""
    with SupervisorClient() as supervisor:
        child = supervisor.run(command(tmp_path, "sh", "-c", "sleep 71 & echo $!"), 5)
        left = int((tmp_path / "out").read_text())
        assert alive(left)

        assert child.stop(signal.SIGTERM, 1.0)
        assert wait_until(lambda: not alive(left))


@pytest.mark.parametrize("linux", [True, False])
def test_who_belongs_to_a_root(monkeypatch: pytest.MonkeyPatch, *, linux: bool) -> None:
    """Reaped roots are nobody; their groups count until the id is given out again."""
    monkeypatch.setattr(program, "_LINUX", linux)
    monkeypatch.setattr(program, "_group_exists", lambda _: True)
    me = os.getpid()
    init = me if linux else 1  # who adopts orphans
    table = {
        me: (1, me, "a"),
        10: (me, 10, "b"),  # a child, and its child
        11: (10, 10, "b"),
        21: (init, 20, "c"),  # left in the group of a child that was reaped
        30: (1, 30, "d"),  # a stranger with the id of a child that was reaped, and its child
        31: (30, 30, "d"),
    }
    supervisor = program.Supervisor()
    supervisor.known = {10: 1}
    supervisor.left = {20: 2, 30: 3}

    assert supervisor.ours({10}, table) == {10, 11}
    assert supervisor.ours({20}, table) == {21}
    assert supervisor.ours({30}, table) == set()
    assert supervisor.left == {20: 2}


def test_an_id_given_out_again_during_a_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    """A descendant that was killed and whose id has another start now is left alone."""
    me = os.getpid()
    first = {me: (1, me, "a"), 10: (me, 10, "b"), 11: (10, 11, "b")}
    later = {me: (1, me, "a"), 11: (1, 11, "late")}
    tables = iter([first, later])
    killed: list[int] = []
    monkeypatch.setattr(program, "process_table", lambda: next(tables))
    monkeypatch.setattr(program, "_signal", lambda _send, pid, _number: killed.append(pid))
    monkeypatch.setattr(program.Supervisor, "reap", lambda self: self.known.clear() or True)
    supervisor = program.Supervisor()
    supervisor.known = {10: 1}

    assert supervisor.kill({10}, signal.SIGKILL) == 2
    assert sorted(killed) == [10, 11]


def test_the_table_of_a_mac() -> None:
    """`ps` says the start in five words, whatever the language."""
    lines = [
        "    1     0     1 Mon Nov 23 08:00:01 2026    \n",
        "  312     1   312 Fr 27 Nov 06:10:02 2026\n",
    ]

    assert ps_table(lines) == {
        1: (0, 1, "Mon Nov 23 08:00:01 2026"),
        312: (1, 312, "Fr 27 Nov 06:10:02 2026"),
    }


def test_the_family_of_an_ended_process_is_no_stranger() -> None:
    """Where the end of a process was seen, whoever has its id now is not counted as it."""
    assert os.getpid() in family_pids(os.getpid())
    assert family_pids(os.getpid(), ended=True) == ()


def test_held_and_ended_at_once(tmp_path: Path) -> None:
    """A signal right after the answer is never lost (27 of 150 were, beside two busy loops)."""
    held = command(tmp_path, "sh", "-c", "echo begun")._replace(start_at=time.monotonic() + 300)
    with SupervisorClient() as supervisor:
        for _ in range(30):
            child = supervisor.spawn(held)
            child.signal(signal.SIGINT)
            assert child.wait(30)

    assert (tmp_path / "out").read_text() == ""


def test_held_until_its_start(tmp_path: Path) -> None:
    """Several that are held begin together, each says when; one killed before never begins."""
    with SupervisorClient() as supervisor:
        at = time.monotonic() + 2.0  # four are started meanwhile
        show = command(tmp_path, "sh", "-c", "echo begun")._replace(start_at=at)
        first = supervisor.spawn(show)
        second = supervisor.spawn(show)
        killed = supervisor.spawn(show._replace(stdout=tmp_path / "killed", start_at=at + 60))
        lost = supervisor.spawn(show._replace(argv=("/no/such",), stdout=tmp_path / "lost"))
        assert (tmp_path / "out").read_text() == "" or time.monotonic() > at
        killed.signal(signal.SIGINT)
        assert all(child.wait(30) for child in (first, second, killed, lost))

    assert (tmp_path / "out").read_text() == "begun\n" * 2
    assert first.started >= at
    assert second.started >= at
    assert (killed.rc, (tmp_path / "killed").read_text()) == (-signal.SIGINT, "")
    assert (lost.rc, (tmp_path / "lost").read_text()) == (127, "No such file or directory")
