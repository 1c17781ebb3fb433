"""Short commands whose output is read."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time

import psutil

from bench.process import capture


def test_what_it_says_and_what_cannot_be_run() -> None:
    """Exit code and both outputs, damaged text included; nothing of what is not there or slow."""
    said = capture(["sh", "-c", r"printf 'a\377'; echo b >&2; exit 3"])
    began = time.monotonic()

    assert said == (3, "a\ufffd", "b\n")
    assert capture(["no-such-command-here"]) is None
    assert capture(["sleep", "60"], timeout_s=0.2) is None
    assert time.monotonic() - began < 30


def test_an_interruption_waits_for_no_lock() -> None:
    """Python's own `subprocess.run` would wait for ever for the lock that was left held."""
    program = """
import subprocess
from bench.errors import CtrlCError
from bench.process import capture
class Interrupted(subprocess.Popen):
    def communicate(self, *_, **__):
        print(self.pid, flush=True)
        self._waitpid_lock.acquire()  # as in `wait`, one instruction before its `try`
        raise CtrlCError
subprocess.Popen = Interrupted
try:
    capture(["sleep", "60"])
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    pid, *said = done.stdout.split()

    assert said == ["interrupted"]
    with contextlib.suppress(psutil.NoSuchProcess):
        assert psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE  # nobody may reap it here
