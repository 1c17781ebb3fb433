"""Commands that run in the foreground."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from bench.process.foreground import foreground


def test_exit_code_comes_back() -> None:
    """The exit code of the command is returned, also one of failure."""
    assert foreground([sys.executable, "-c", "raise SystemExit(3)"]) == 3


def test_command_that_is_not_there_is_none() -> None:
    """A command that cannot be started is told apart from one that fails."""
    assert foreground(["/nowhere/installer"]) is None


def test_output_goes_to_stderr_and_environment_is_passed() -> None:
    """Stdout belongs to results: what an installer prints goes to stderr."""
    program = (
        "from bench.process.foreground import foreground\n"
        "foreground(['sh', '-c', 'echo $WORD'], env={'PATH': '/usr/bin:/bin', 'WORD': 'hello'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert (done.stdout, done.stderr) == ("", "hello\n")


def test_interrupted_command_does_not_stay_behind() -> None:
    """When we are interrupted while it runs, the command is ended, even a stubborn one."""
    program = (
        "import sys\nfrom bench.process import foreground as f\nf._GRACE_S = 0.2\n"
        "f.foreground(['sh', '-c', 'trap \"\" TERM INT; echo $$; while :; do sleep 0.1; done'])"
    )
    ours = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    assert ours.stderr is not None
    child = int(ours.stderr.readline())
    ours.send_signal(signal.SIGINT)
    ours.wait(10)
    ours.stderr.close()

    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _alive(child):
        time.sleep(0.02)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
