"""The supervisor: starts processes for `bench` and ends them all when `bench` is gone.

It runs as a program of its own (standard library only, started with `python -I -S`), reads
one JSON request a line from stdin and writes one JSON event a line to stdout. At the end of its
stdin, a pipe, however `bench` ended, it kills every process group that it started and everything
descended from them. On Linux it is a subreaper (prctl(2)): a descendant with a session of its own
that loses its parent comes back to it. macOS has none: there it kills groups and descendants that
`ps` shows; what left both group and parent before escapes, which `bench doctor` looks for.

A process id is given out again once its process was reaped and its group is empty: a child is
ours until it is reaped, what it left while its group exists. No signal may reach a stranger.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time

TYPE_CHECKING = False  # the import of typing would cost more than all the others
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PR_SET_CHILD_SUBREAPER = 36
_KILL_DEADLINE_S, _KILL_POLL_S = 5.0, 0.005
_LINUX = sys.platform.startswith("linux")
_OPEN_MAX, _NONE = 10_240, (0, 0, "")
_ALL_CPUS: set[int] = set()  # what the supervisor may use before it is held anywhere
if sys.platform == "linux":
    _ALL_CPUS = os.sched_getaffinity(0)


def become_subreaper() -> None:
    """Ask Linux to give us orphaned descendants; elsewhere nothing."""
    if _LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def process_table() -> dict[int, tuple[int, int, str]]:
    """Every process: pid -> (parent pid, process group, when it started as the system says it)."""
    if not _LINUX:
        with os.popen("/bin/ps -A -o pid=,ppid=,pgid=,lstart=") as lines:  # noqa: S605 - a constant
            return ps_table(lines)
    table = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - no pathlib in a small program
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - the same
            fields = file.read().rpartition(b")")[2].split()
            table[int(name)] = (int(fields[1]), int(fields[2]), fields[19].decode())
    return table


def ps_table(lines: Iterable[str]) -> dict[int, tuple[int, int, str]]:
    """The table that `ps -A -o pid=,ppid=,pgid=,lstart=` prints; the time is of five words."""
    table = {}
    for line in lines:
        pid, ppid, pgid, *started = line.split()
        table[int(pid)] = (int(ppid), int(pgid), " ".join(started))
    return table


def family(roots: set[int], table: Mapping[int, tuple[int, int, str]]) -> set[int]:
    """The roots, everything descended from them, and everything in their process groups."""
    found, more = set(roots), set(roots)
    while more:
        more = {pid for pid, (up, group, _) in table.items() if up in found or group in found}
        more -= found
        found |= more
    return found


class Supervisor:
    """Started processes by pid, and the loop that serves requests until the pipe closes.

    Attributes:
        known: children that were not reaped yet, with the id of the request that started them.
        left: those that were, where others of their group lived on.
        held: where those that wait for their start will say when that was.
    """

    def __init__(self) -> None:
        self.known: dict[int, int] = {}
        self.left: dict[int, int] = {}
        self.held: dict[int, int] = {}
        self.closing = False

    def say(self, **event: object) -> None:
        """Write one event; a reader that is gone means that `bench` is gone."""
        data = json.dumps(event).encode() + b"\n"
        try:
            while data:
                data = data[os.write(1, data) :]
        except OSError:
            self.closing = True

    def spawn(self, request: dict[str, object]) -> None:
        """Fork and exec one process in a session of its own; say its pid or why not."""
        reader, writer = os.pipe()
        if not (pid := os.fork()):
            _exec(request, reader, writer)
        os.close(writer)
        if request["start_at"]:
            os.read(reader, 1)  # it waits now: a signal that came before it does would be lost
            self.held[pid] = reader
        elif error := _read_out(reader):
            os.waitpid(pid, 0)
            self.say(event="failed", id=request["id"], error=error)
            return
        self.left.pop(pid, None)  # the id would not be free if the group still existed
        self.known[pid] = int(str(request["id"]))
        self.say(event="spawned", id=request["id"], pid=pid, at=time.monotonic())

    def reap(self) -> bool:
        """Collect ended children and say so for those we started; False when none is left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            started_by = self.known.pop(pid, None)
            if started_by is not None:
                if _group_exists(pid):
                    self.left[pid] = started_by
                self.say(
                    event="exited",
                    pid=pid,
                    rc=os.waitstatus_to_exitcode(status),
                    at=time.monotonic(),
                    cpu_s=usage.ru_utime + usage.ru_stime,
                    began=float(_read_out(self.held.pop(pid)) or 0) if pid in self.held else 0.0,
                )

    def ours(self, roots: set[int], table: Mapping[int, tuple[int, int, str]]) -> set[int]:
        """The processes of the table that are the roots, of their groups, or descended from them.

        A root that was reaped is not one of them, and its group only as long as the id was not
        given out again.
        """
        me = os.getpid()
        for root in [root for root in self.left if root in table or not _group_exists(root)]:
            del self.left[root]
        live = {root for root in roots if root in self.known or table.get(root, (0,))[0] == me}
        gone = {root for root in roots if root in self.left}
        if _LINUX:  # a subreaper: whatever is not descended from us was never ours
            table = {pid: table[pid] for pid in family({me}, _parents(table)) if pid in table}
        return {pid for pid in family(live | gone, table) if pid in table} - {me}

    def kill(self, roots: set[int], number: int) -> int:
        """Send a signal to the roots' groups and, for SIGKILL, to all their descendants."""
        table = process_table()
        if number != signal.SIGKILL:
            asked = {root for root in roots if self.ours({root}, table)}
            for root in asked:
                _signal(os.killpg, root, number)
            return len(asked)
        deadline = time.monotonic() + _KILL_DEADLINE_S
        seen: dict[int, str] = {}  # by id and start: an id may be given out again meanwhile
        while time.monotonic() < deadline:
            same = {pid for pid, started in seen.items() if table.get(pid, _NONE)[2] == started}
            alive = self.ours(roots, table)
            alive |= {pid for pid in family(same, table) if pid in table} - {os.getpid()}
            if not alive:
                break
            for pid in alive:
                _signal(os.kill, pid, number)
            seen.update((pid, table[pid][2]) for pid in alive)
            self.reap()
            time.sleep(_KILL_POLL_S)
            table = process_table()
        return len(seen)

    def orphans(self) -> set[int]:
        """Children that we did not start: descendants that lost their parent."""
        me = os.getpid()
        table = process_table()
        return {pid for pid in table if table[pid][0] == me and pid not in self.known}

    def sweep(self) -> int:
        """Kill orphans until there are none: one that forks while it is killed leaves another."""
        count, deadline = 0, time.monotonic() + _KILL_DEADLINE_S
        while self.reap() and (stray := self.orphans()) and time.monotonic() < deadline:
            count += self.kill(stray, signal.SIGKILL)
        return count

    def handle(self, request: dict[str, object]) -> None:
        """Carry out one request."""
        if request["op"] == "spawn":
            self.spawn(request)
        elif request["op"] == "signal":
            root = int(str(request["pid"]))
            same = request["started_by"] in (self.known.get(root), self.left.get(root))
            count = self.kill({root}, int(str(request["signal"]))) if same else 0
            self.say(event="signalled", id=request["id"], count=count)
        elif request["op"] == "sweep":
            self.say(event="swept", id=request["id"], count=self.sweep())

    def run(self) -> None:
        """Serve until the pipe closes or SIGTERM comes, then end everything."""
        wake_reader, wake_writer = os.pipe()
        os.set_blocking(wake_writer, False)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._close)
        try:
            self._serve(wake_reader)
        finally:  # whatever went wrong here, nothing that we started may stay
            self.end_all()

    def _serve(self, wake_reader: int) -> None:
        buffered = b""
        while not self.closing:
            ready, _, _ = select.select([0, wake_reader], [], [])
            if wake_reader in ready:
                os.read(wake_reader, 4096)
                self.reap()
            if 0 in ready:
                data = os.read(0, 65536)
                if not data:
                    break
                *lines, buffered = (buffered + data).split(b"\n")
                for line in lines:
                    self.handle(json.loads(line))

    def _close(self, *_: object) -> None:
        self.closing = True

    def end_all(self) -> None:
        """Kill whatever was started or adopted until no child is left."""
        deadline = time.monotonic() + _KILL_DEADLINE_S
        while time.monotonic() < deadline:
            self.kill(set(self.known) | set(self.left) | self.orphans(), signal.SIGKILL)
            if not self.reap():
                return
            time.sleep(_KILL_POLL_S)


def _parents(table: Mapping[int, tuple[int, int, str]]) -> dict[int, tuple[int, int, str]]:
    """The table without groups: what is descended from a process, and nothing else."""
    return {pid: (ppid, 0, started) for pid, (ppid, _, started) in table.items()}


def _read_out(pipe: int) -> str:
    said = os.read(pipe, 4096).decode("utf-8", "replace")
    os.close(pipe)
    return said


def _group_exists(pgid: int) -> bool:
    with contextlib.suppress(PermissionError):  # only zombies, on macOS
        try:
            os.killpg(pgid, 0)
        except ProcessLookupError:
            return False
    return True


def _signal(send: object, target: int, number: int) -> None:
    # It may be gone already; a group of only zombies is "not permitted" on macOS.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        send(target, number)  # type: ignore[operator] # os.kill or os.killpg


def _exec(request: dict[str, object], reader: int, writer: int) -> None:
    """Become the requested program; in the child after fork, never returns."""
    at = float(str(request["start_at"]))
    told = 2 if at else writer  # of one that is held nobody waits to hear it: into its output
    try:
        os.close(reader)
        os.setsid()
        for name in ("INT", "HUP", "TERM", "QUIT", "CHLD", "PIPE"):
            signal.signal(getattr(signal, f"SIG{name}"), signal.SIG_DFL)
        _limits(request)
        _streams(request)
        if space := request.get("space"):
            _enter(str(space))
        if user := request.get("user"):
            for change, to in zip((os.setgroups, os.setgid, os.setuid), user, strict=True):  # type: ignore[call-overload] # a list
                change(to)
        os.chdir(str(request["cwd"]))
        argv = [str(word) for word in request["argv"]]  # type: ignore[attr-defined] # a list
        env = {str(key): str(value) for key, value in dict(request["env"]).items()}  # type: ignore[call-overload] # a dict
        os.set_inheritable(writer, False)  # noqa: FBT003 - positional only
        if at:
            os.write(writer, b" ")
            time.sleep(max(0.0, at - time.monotonic()))
            os.write(writer, str(time.monotonic()).encode())
        os.execvpe(argv[0], argv, env)  # noqa: S606 - no shell is the point
    except BaseException as error:  # noqa: BLE001 - a forked child must never fall through
        os.write(told, f"{getattr(error, 'strerror', None) or error}".encode() or b"unknown")
    finally:
        os._exit(127)


def _limits(request: dict[str, object]) -> None:
    if sys.platform == "linux":
        os.sched_setaffinity(0, request.get("cpus") or _ALL_CPUS)  # type: ignore[arg-type] # a list of numbers
    wanted = int(str(request.get("nofile") or 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS calls its hard limit infinite and then refuses what is above kern.maxfilesperproc.
    for limit in (wanted, _OPEN_MAX, hard):
        if limit > soft and (hard == resource.RLIM_INFINITY or limit <= hard):
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
                return


def _enter(pid: str) -> None:
    """Enter a process's network namespace, by its user namespace where that is another one."""
    for kind in ("user", "net"):
        path = f"/proc/{pid}/ns/{kind}"
        with open(path) as file:  # noqa: PTH123 - no pathlib in a small program
            if os.stat(path).st_ino == os.stat(f"/proc/self/ns/{kind}").st_ino:  # noqa: PTH116 - the same
                continue
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0):
                raise OSError(ctypes.get_errno(), f"namespace of {pid} cannot be entered")


def _streams(request: dict[str, object]) -> None:
    # O_APPEND: a flooding server's log can be cut back while it writes, and the next write
    # goes to the new end.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    null = os.open(os.devnull, os.O_RDONLY)
    out = os.open(str(request["stdout"]), flags, 0o600)
    err = os.open(str(request["stderr"]), flags, 0o600) if request.get("stderr") else out
    for source, target in ((null, 0), (out, 1), (err, 2)):
        os.dup2(source, target)


def main() -> None:
    """Run as a program; it was started in a session of its own."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    become_subreaper()
    if sys.argv[1:] and sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, [int(word) for word in sys.argv[1:]])
    Supervisor().run()


if __name__ == "__main__":
    main()
